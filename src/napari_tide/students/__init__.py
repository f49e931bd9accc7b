"""The student: encoder, codebook, probabilities over drugs, bundle."""
