"""tide_train: the training and benchmark package bundled with napari-tide."""
