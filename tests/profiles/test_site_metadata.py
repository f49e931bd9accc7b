"""What profiles say of a screen's compounds."""

import pandas as pd

from napari_tide.profiles.site_metadata import metadata_of_sites, with_annotations
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.sample_data import sample_folder


def test_mechanisms_and_targets_come_along_where_the_screen_names_any():
    whole = open_screen(sample_folder()).sites
    sites = whole[whole["compound"] == "DMSO"]  # of which no part knows a target
    metadata = metadata_of_sites(sites)
    plain = with_annotations(metadata, sites, screen=whole.assign(moa="", targets=""))
    pd.testing.assert_frame_equal(plain, metadata)
    known = with_annotations(metadata, sites, screen=whole.assign(moa="", targets="BRD4"))
    assert [*known.columns] == [*metadata.columns, "Metadata_Targets"]
    assert set(known["Metadata_Targets"]) == set(sites["targets"])
