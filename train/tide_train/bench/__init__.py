"""Measurements: speed side by side, and the paper's tables."""
