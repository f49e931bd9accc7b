"""What training reads: pairs of images and transcriptomes, packed tiles, augmentations."""
