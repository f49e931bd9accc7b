"""Image and feature encoders behind one protocol."""
