"""Evented state of the docks, without Qt."""
