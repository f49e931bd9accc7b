"""Molecules: identifiers, doses."""
