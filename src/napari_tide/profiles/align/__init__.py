"""Alignment of batches by their own negative controls."""
