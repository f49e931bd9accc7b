import numpy as np
import pandas as pd
import pytest

from napari_tide.profiles.profiles import Profiles, embedding_names


def well_name(number):
    return f"{chr(ord('A') + number // 24)}{number % 24 + 1:02d}"


@pytest.fixture(scope="session")
def make_profiles():
    """Well profiles of noise, with plate offsets; `effects` adds what a treatment does.

    `treatments` maps (kind, name, dose) to wells a plate.
    """

    def make(
        treatments, *, seed=0, n_plates=2, n_controls=12, n_features=24, effects=None, batches=None
    ):
        random = np.random.default_rng(seed)
        rows = []
        for plate in range(n_plates):
            wells = [("control", "DMSO", np.nan)] * n_controls
            for treatment, n_wells in treatments.items():
                wells += [treatment] * n_wells
            for number, (kind, name, dose) in enumerate(wells):
                rows.append(
                    {
                        "Metadata_Plate": f"P{plate}",
                        "Metadata_Well": well_name(number),
                        "Metadata_Batch": batches[plate] if batches else "",
                        "Metadata_Compound": "" if kind == "gene" else name,
                        "Metadata_SMILES": "CCO" if kind == "compound" else "",
                        "Metadata_Dose_uM": dose,
                        "Metadata_Gene": name if kind == "gene" else "",
                        "Metadata_Control": "negcon" if kind == "control" else "",
                    }
                )
        metadata = pd.DataFrame(rows)
        features = random.standard_normal((len(metadata), n_features))
        plate_of_row = metadata["Metadata_Plate"].str[1:].astype(int).to_numpy()
        features += 2 * random.standard_normal((n_plates, n_features))[plate_of_row]
        names = metadata["Metadata_Compound"].where(
            metadata["Metadata_Gene"] == "", metadata["Metadata_Gene"]
        )
        for name, effect in (effects or {}).items():
            features[(names == name).to_numpy()] += effect
        features = features.astype(np.float32)
        return Profiles(metadata, features, embedding_names(n_features), "well", "test-student")

    return make


@pytest.fixture(scope="session")
def noise_treatments():
    """Compounds and genes that do nothing."""

    def make(n_compounds=40, n_wells=1, n_genes=3, gene_wells=2, doses=(1.0,)):
        found = {
            ("compound", f"C{number:03d}", dose): n_wells
            for number in range(n_compounds)
            for dose in doses
        }
        return found | {("gene", f"G{number}", np.nan): gene_wells for number in range(n_genes)}

    return make
