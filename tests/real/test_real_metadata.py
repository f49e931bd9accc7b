import csv
import json
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_tide.cli.main import app
from napari_tide.errors import ScreenFormatError
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.open_screen import annotate_screen, open_screen
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.plate_map import join_plate_map, read_plate_map
from napari_tide.screens.summary import summarise_screen

pytestmark = pytest.mark.real


def screen_of(*plates, n_wells=384, wells=None):
    names = wells or [well.name for well in PlateFormat.of(n_wells).wells()]
    planes = [(plate, well, 1, "DAPI", f"{plate}/{well}.tif") for plate in plates for well in names]
    columns = ["plate", "well", "site", "label", "address"]
    return assemble_screen(
        pd.DataFrame(planes, columns=columns), root="/screen", format="made up", source="here",
        plate_format=PlateFormat.of(n_wells),
    )  # fmt: skip


def records(path, delimiter="\t"):
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter=delimiter)
        return [{name: "" if v == "NA" else v for name, v in row.items()} for row in rows]


def annotated(folder, name, *tables):
    screen = screen_of("P1")
    return annotate_screen(
        screen,
        plate_map=folder / f"{name}_platemap.tsv",
        metadata=[folder / f"{name}_metadata.tsv", *(folder / table for table in tables)],
    )


@pytest.mark.parametrize(
    ("name", "compounds", "negcon", "poscon"),
    [
        ("JUMP-Target-1_compound", 302, 64, 60),
        ("JUMP-Target-2_compound", 302, 64, 60),
        ("JUMP-MOA_compound", 90, 24, 0),
    ],
)
def test_jump_compound_plates_are_counted_as_by_hand(real, name, compounds, negcon, poscon):
    folder = real / "platemaps"
    sample_of = {row["well_position"]: row["broad_sample"] for row in records(
        folder / f"{name}_platemap.tsv")}  # fmt: skip
    about = {row["broad_sample"]: row for row in records(folder / f"{name}_metadata.tsv")}
    del about[""]  # the row of DMSO, whose wells have no sample
    by_hand = {well: about.get(sample, {}) for well, sample in sample_of.items()}
    assert len({row["pert_iname"] for row in by_hand.values() if row}) == compounds
    assert sum(not row for row in by_hand.values()) == negcon
    n_poscon = sum(row.get("control_type", "").startswith("poscon") for row in by_hand.values())
    assert n_poscon == poscon

    screen = annotated(folder, name)
    summary = summarise_screen(screen)
    assert (summary.wells, summary.genes, summary.doses) == (384, 0, 0)
    assert summary.compounds == compounds
    assert summary.controls == {"negcon": negcon, "poscon": poscon}
    for row in screen.sites.itertuples():
        expected = by_hand[row.well]
        assert row.compound == expected.get("pert_iname", "DMSO")
        assert row.smiles == expected.get("smiles", "")
        assert row.targets == expected.get("target_list", row.targets)


def test_a_blank_sample_in_dmso_is_a_negative_control(real):
    sites = annotated(real / "platemaps", "JUMP-Target-1_compound").sites.set_index("well")
    assert sites.loc["A02", ["compound", "control", "perturbation_type"]].tolist() == [
        "DMSO", "negcon", "control",
    ]  # fmt: skip
    assert sites.loc["A01", ["compound", "control"]].tolist() == ["gabapentin-enacarbil", ""]


def test_jump_guides_bring_genes_and_their_negative_controls(real):
    folder = real / "platemaps"
    about = {
        row["broad_sample"]: row for row in records(folder / "JUMP-Target-1_crispr_metadata.tsv")
    }
    samples = [row["broad_sample"] for row in records(folder / "JUMP-Target-1_crispr_platemap.tsv")]
    kinds = [about[sample]["control_type"] for sample in samples if sample]
    genes = {about[sample]["gene"] for sample in samples if sample} - {""}

    summary = summarise_screen(annotated(folder, "JUMP-Target-1_crispr"))
    assert summary.genes == len(genes) == 160
    assert summary.compounds == 0
    assert summary.controls == {
        "negcon": kinds.count("negcon"),
        "poscon": sum(kind.startswith("poscon") for kind in kinds),
    }
    assert summary.controls == {"negcon": 60, "poscon": 60}


def test_the_repurposing_hub_adds_mechanisms_where_there_are_none(real):
    folder = real / "platemaps"
    screen = annotated(folder, "JUMP-Target-1_compound", "repurposing_simple.tsv.gz")
    wells = screen.sites[screen.sites["control"] != "negcon"]
    hub = pd.read_csv(folder / "repurposing_simple.tsv.gz", sep="\t")
    moa_of = dict(zip(hub["pert_iname"].str.lower(), hub["moa"], strict=True))
    expected = wells["compound"].str.lower().map(moa_of).fillna("")
    assert wells["moa"].tolist() == expected.tolist()
    assert wells.loc[wells["moa"] != "", "compound"].nunique() > 280
    assert screen.warnings[0].startswith("repurposing_simple.tsv.gz lacks 9 of 302 compound values")


def test_the_annotation_by_inchikey_finds_what_names_do_not(real):
    folder = real / "platemaps"
    screen = annotated(folder, "JUMP-MOA_compound", "compound_rephub_annot.csv.gz")
    wells = screen.sites[screen.sites["control"] != "negcon"].drop_duplicates("compound")
    hub = pd.read_csv(folder / "compound_rephub_annot.csv.gz")
    names = set(hub["Metadata_pert_iname"].str.lower())
    keys = set(hub["Metadata_InChIKey"])
    by_name = wells["compound"].str.lower().isin(names)
    by_key = ~by_name & wells["inchikey"].isin(keys)
    assert by_key.sum() > 0
    phases = wells["clinical_phase"] != ""
    assert phases[by_name | by_key].mean() > 0.95
    assert f"lacks {(~phases).sum()} of 90" in screen.warnings[0]


def test_a_barcode_table_gives_each_jump_plate_its_map(real):
    barcodes = real / "load_data" / "BR00135656_barcode_platemap.csv"
    named = {row["Assay_Plate_Barcode"]: row["Plate_Map_Name"] for row in records(barcodes, ",")}
    assert named["BR00135656"] == "control"
    plates = ["BR00135656", "BR00135657", "BR00135659"]
    screen = annotate_screen(
        screen_of(*plates),
        plate_map=barcodes,
        metadata=[real / "platemaps" / "JUMP-Target-2_compound_metadata.tsv"],
    )
    compounds = screen.sites.groupby("plate")["compound"].agg(lambda names: len(set(names) - {""}))
    assert compounds.to_dict() == {"BR00135656": 0, "BR00135657": 303, "BR00135659": 303}
    assert summarise_screen(screen).controls == {"negcon": 128, "poscon": 120}
    assert any("'control' for BR00135656" in warning for warning in screen.warnings)


def test_a_plate_whose_map_has_no_file_opens_with_a_warning(real):
    screen = annotate_screen(
        screen_of("BR00135656"),
        plate_map=real / "load_data" / "BR00135656_barcode_platemap.csv",
    )
    assert len(screen.warnings) == 1
    assert (screen.sites["compound"] == "").all()


def test_a_time_course_by_barcode_brings_cell_lines(real):
    folder = real / "load_data"
    by_hand = {row["well"]: row for row in records(folder / "Assay_Plate1_platemap.csv", ",")}
    screen = annotate_screen(
        screen_of("BR00143976", wells=sorted(by_hand)),
        plate_map=folder / "Barcode_platemap_pilot_data.csv",
    )
    assert screen.warnings == ()
    assert (screen.sites["time_point"] == "24").all()
    assert screen.sites["cell_line"].nunique() == 12
    for row in screen.sites.itertuples():
        assert row.cell_line == by_hand[row.well]["cell_line"]
        assert row.seeding_density == by_hand[row.well]["seeding_density"]


@pytest.fixture(scope="module")
def rxrx3(real, tmp_path_factory):
    """RxRx3's metadata with places made up, since the trimmed table names no plate and well."""
    table = pd.read_parquet(real / "platemaps" / "metadata_rxrx3_trimmed.parquet")
    place = table.groupby("experiment_name").cumcount().to_numpy()
    names = np.array([well.name for well in PlateFormat.of(1536).wells()])
    table["plate"], table["address"] = place // 1380 + 1, names[place % 1380]
    path = tmp_path_factory.mktemp("rxrx3") / "metadata_rxrx3.parquet"
    table.to_parquet(path)
    return path


@pytest.mark.slow
def test_all_of_rxrx3_joins_in_seconds(rxrx3):
    table = pd.read_parquet(rxrx3)
    plates = table["experiment_name"] + "_" + table["plate"].astype(str)
    sites = pd.DataFrame({"plate": plates, "well": table["address"], "site": 1})
    sites = sites.sample(frac=1.0, random_state=0)
    began = time.perf_counter()
    pd.read_parquet(rxrx3).astype(str).apply(lambda values: values.str.strip())
    yardstick = time.perf_counter() - began
    began = time.perf_counter()
    joined, warnings = join_plate_map(
        sites, read_plate_map(rxrx3), plate_format=PlateFormat.of(1536)
    )
    seconds = time.perf_counter() - began
    assert warnings == []
    assert len(joined) == 380_432
    truth = table.loc[joined.index]
    assert (joined["smiles"] == truth["SMILES"].fillna("")).all()
    assert (joined["gene"] == truth["gene"].fillna("")).all()
    assert joined["gene"].nunique() - 1 == 736  # without the empty ones
    assert seconds < 6 * yardstick  # measured 1.5 to 3 times reading and stripping it as text


def test_a_share_of_rxrx3_is_counted_as_by_hand(rxrx3, tmp_path):
    table = pd.read_parquet(rxrx3)
    compounds = table[table["SMILES"].notna()].drop_duplicates(["treatment", "concentration"])
    controls = table[table["SMILES"].isna() & (table["perturbation_type"] == "COMPOUND")].head(300)
    guides = table[table["gene"].notna()].drop_duplicates("gene")
    share = pd.concat([compounds, controls, guides])
    share.to_parquet(tmp_path / "share.parquet")
    plates = share["experiment_name"] + "_" + share["plate"].astype(str)
    planes = pd.DataFrame({"plate": plates, "well": share["address"], "site": 1, "label": "w1"})
    planes["address"] = [f"{n}.png" for n in range(len(planes))]
    screen = assemble_screen(
        planes, root=tmp_path, format="made up", source="here", renames={"w1": "DNA"},
        plate_format=PlateFormat.of(1536),
    )  # fmt: skip
    found = annotate_screen(screen, plate_map=tmp_path / "share.parquet")
    summary = summarise_screen(found)
    assert share["SMILES"].nunique() == 1674
    assert share["concentration"].nunique() == 12
    assert summary.compounds == 1674
    assert summary.dose_values_um == [0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0]
    assert summary.genes == 735  # EMPTY_control is the 736th
    n_empty = int((share["treatment"] == "EMPTY_control").sum())
    assert summary.controls == {"negcon": n_empty, "poscon": 0}
    assert not found.sites["smiles"].str.contains(" ").any()
    given = found.sites["smiles"] != ""
    assert (found.sites.loc[given, "smiles_standard"] != "").all()
    assert any("0.002 to 0.0025, 0.026 to 0.025" in warning for warning in summary.warnings)


def test_compounds_of_several_doses_cannot_be_joined_by_name_alone(rxrx3, tmp_path):
    table = pd.read_parquet(rxrx3).drop(columns=["plate", "address"])
    table[table["SMILES"].notna()].to_parquet(tmp_path / "no_wells.parquet")
    screen = screen_of("P1")
    screen = screen.with_sites(screen.sites.assign(compound="Phloretin"))
    with pytest.raises(ScreenFormatError, match="several dose_um values for compound 'Phloretin'"):
        annotate_screen(screen, metadata=[tmp_path / "no_wells.parquet"])


def test_rxrx1_controls_are_recognised_on_their_plates(real):
    controls = pd.read_csv(real / "platemaps" / "train_controls.csv.gz")
    here = controls[controls["experiment"] == "HEPG2-01"]
    wells = sorted(here["well"].unique())
    plates = sorted((here["experiment"] + "_" + here["plate"].astype(str)).unique())
    screen = annotate_screen(
        screen_of(*plates, wells=wells),
        plate_map=real / "platemaps" / "train_controls.csv.gz",
        metadata=[real / "platemaps" / "sirna_to_targets.csv"],
    )
    summary = summarise_screen(screen)
    assert len(plates) == 4
    assert summary.controls == {
        "negcon": int((here["well_type"] == "negative_control").sum()),
        "poscon": int((here["well_type"] == "positive_control").sum()),
    }
    b02 = screen.sites.set_index(["plate", "well"]).loc[("HEPG2-01_1", "B02")]
    assert (b02["sirna"], b02["control"]) == ("1138", "negcon")


def test_rxrx1_reagents_bring_their_genes(real, tmp_path):
    targets = records(real / "platemaps" / "sirna_to_targets.csv", ",")
    names = [well.name for well in PlateFormat.of(1536).wells()]
    path = tmp_path / "reagents.csv"
    rows = [f"{well},{row['sirna']}" for well, row in zip(names, targets, strict=False)]
    path.write_text("well,sirna\n" + "\n".join(rows))
    screen = annotate_screen(
        screen_of("P1", n_wells=1536),
        plate_map=path,
        metadata=[real / "platemaps" / "sirna_to_targets.csv"],
    )
    genes = {row["target_gene"] or row["sirna"] for row in targets} - {"EMPTY"}
    summary = summarise_screen(screen)
    assert summary.genes == len(genes)
    assert summary.controls["negcon"] == 1  # EMPTY
    assert len(targets) == 1139


def test_jump_crispr_codes_bring_their_genes(real, tmp_path):
    codes = pd.read_csv(real / "platemaps" / "crispr.csv.gz")
    few = codes.head(20)
    path = tmp_path / "wells.csv"
    names = [well.name for well in PlateFormat.of(384).wells()]
    path.write_text(
        "Metadata_Well,Metadata_JCP2022\n"
        + "\n".join(f"{well},{code}" for well, code in zip(names, few.iloc[:, 0], strict=False))
    )
    summary = summarise_screen(
        annotate_screen(
            screen_of("P1"), plate_map=path, metadata=[real / "platemaps" / "crispr.csv.gz"]
        )
    )
    assert summary.controls["negcon"] == 2  # no-guide and non-targeting
    assert summary.genes == 18


def test_the_map_of_another_experiment_is_refused(real):
    with pytest.raises(ScreenFormatError, match="none of the screen's plates: it has HEPG2-01_1"):
        annotate_screen(
            screen_of("HEPG2-99_1"), plate_map=real / "platemaps" / "train_controls.csv.gz"
        )


def test_a_load_data_table_opens_with_its_barcodes_cell_lines_and_channels(real):
    folder = real / "load_data"
    table = folder / "BR00143976_concatenated_with_illum.csv.gz"
    by_hand = {row["well"]: row for row in records(folder / "Assay_Plate1_platemap.csv", ",")}
    screen = open_screen(table, plate_map=folder / "Barcode_platemap_pilot_data.csv")
    summary = summarise_screen(screen)
    assert (summary.format, summary.plates, summary.wells, summary.sites) == (
        "load_data", 1, 240, 2160,
    )  # fmt: skip
    assert summary.missing_files == 2160 * 6
    assert summary.compounds == summary.genes == 0
    lines = screen.sites.groupby("well")["cell_line"].agg(lambda names: "/".join(set(names)))
    assert lines.to_dict() == {well: row["cell_line"] for well, row in by_hand.items()}
    assert not any("not in" in warning or "not imaged" in warning for warning in summary.warnings)


def test_inspect_reads_a_jump_plate_with_its_map_and_compounds(real, tmp_path):
    folder = real / "load_data"
    out = tmp_path / "screen.parquet"
    result = CliRunner().invoke(
        app,
        [
            "inspect", str(folder / "BR00135656_load_data_with_illum.csv.gz"),
            "--platemap", str(folder / "JUMP-Target-2_compound_platemap.txt"),
            "--metadata", str(real / "platemaps" / "JUMP-Target-2_compound_metadata.tsv"),
            "--require-channels", "DNA,ER,RNA,AGP,Mito", "--out", str(out), "--json",
        ],
        catch_exceptions=False,
    )  # fmt: skip
    summary = json.loads(result.stdout)
    assert summary["format"] == "load_data"
    assert summary["plate_names"] == ["BR00135656"]
    assert (summary["wells"], summary["sites"]) == (384, 3456)
    assert summary["compounds"] == 302
    assert summary["controls"] == {"negcon": 64, "poscon": 60}
    assert summary["missing_files"] == 3456 * 8
    table = pd.read_parquet(out)
    assert len(table) == 3456
    assert table.groupby("well")["compound"].nunique().eq(1).all()
