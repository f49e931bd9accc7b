"""Students over screens: embeddings, dense maps, cells; resumable, on one or many machines."""
