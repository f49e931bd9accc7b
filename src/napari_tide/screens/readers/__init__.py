"""One file per supported format, and their registry."""
