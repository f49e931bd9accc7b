"""From planes on disk to tiles: illumination, intensity, tile grids, quality flags."""
