"""Measures of what was learned."""
