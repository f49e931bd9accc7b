"""The napari plugin: readers, sample data, docks."""
