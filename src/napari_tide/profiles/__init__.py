"""Embeddings with their metadata: store, aggregate, align, project."""
