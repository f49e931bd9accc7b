import json
import os
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_tide.errors import BundleFormatError, OutputExistsError
from napari_tide.students import bundle as bundles
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.model_card import model_card


@pytest.fixture
def saved(tmp_path, make_student, make_config):
    student = make_student()
    save_bundle(student, make_config(student), tmp_path / "student")
    return tmp_path / "student"


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensors(folder, change):
    """Change tensors as an honest exporter would: the hash is brought up to date."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    edit_config(folder, sha256=bundles._sha256(folder / "model.safetensors"))


@pytest.mark.parametrize("mode", ["learned", "mlp", "fixed", "none"])
@pytest.mark.parametrize("kind", ["vit", "channel_vit", "fused_vit"])
def test_a_saved_student_gives_identical_outputs(tmp_path, make_student, make_config, mode, kind):
    student = make_student(mode, kind)
    save_bundle(student, make_config(student), tmp_path / "s")
    again = load_bundle(tmp_path / "s")
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        first, second = student(images), again.student(images)
        assert torch.equal(first.pooled_BD, second.pooled_BD)
        assert torch.equal(
            student.probabilities(first.pooled_BD), again.student.probabilities(second.pooled_BD)
        )
    assert again.config.model_copy(update={"sha256": ""}) == make_config(student)


def test_the_calibrated_temperature_is_used_after_loading(tmp_path, make_student, make_config):
    student = make_student()
    config = make_config(student, calibration={"temperature": 2.0})
    save_bundle(student, config, tmp_path / "s")
    assert load_bundle(tmp_path / "s").student.calibration_temperature == 2.0


def test_tables_of_the_provenance_are_tables_on_the_card(saved):
    config = load_bundle(saved).config
    told = {"pairing": [{"cell_line": "U2OS", "images": 3}, {"cell_line": "a|b", "images": 4.0}]}
    card = model_card(config.model_copy(update={"provenance": told}))
    expected = "## Pairing\n\n| cell line | images |\n|---|---|\n| U2OS | 3 |\n| a\\|b | 4 |"
    assert expected in card


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_colleagues_can_read_what_was_saved(saved):
    before = os.umask(0o022)
    os.umask(before)
    for path in saved.iterdir():
        assert path.stat().st_mode & 0o777 == 0o666 & ~before, path


def test_the_model_card_says_what_a_person_must_know(saved):
    card = (saved / "README.md").read_text()
    for fact in ("DNA, ER, Mito", "7 drugs", "0.6 µm", "DNA 100-4000", "knn_top1", "simulated"):
        assert fact in card


def test_nothing_is_overwritten_without_leave(saved, make_student, make_config):
    student = make_student("mlp")
    with pytest.raises(OutputExistsError, match="exists already"):
        save_bundle(student, make_config(student), saved)
    save_bundle(student, make_config(student), saved, overwrite=True)
    assert load_bundle(saved).config.student.codebook.mode == "mlp"
    assert [path.name for path in saved.parent.iterdir()] == ["student"]


def test_a_missing_tensor_is_named(saved):
    edit_tensors(saved, lambda tensors: tensors.pop("head.0.weight"))
    with pytest.raises(BundleFormatError, match=r"head\.0\.weight is missing"):
        load_bundle(saved)


def test_an_extra_tensor_is_named(saved):
    edit_tensors(saved, lambda tensors: tensors.update(evil=torch.zeros(1)))
    with pytest.raises(BundleFormatError, match="evil does not belong there"):
        load_bundle(saved)


def test_a_mis_shaped_tensor_is_named(saved):
    edit_tensors(saved, lambda tensors: tensors.update({"head.0.bias": torch.zeros(23)}))
    with pytest.raises(BundleFormatError, match=r"head\.0\.bias is \(23,\), expected \(24,\)"):
        load_bundle(saved)


def test_mis_shaped_drug_features_are_named(saved):
    wrong = {"codebook.features_KF": torch.zeros(7, 31, dtype=torch.uint8)}
    edit_tensors(saved, lambda tensors: tensors.update(wrong))
    with pytest.raises(BundleFormatError, match=r"features_KF is \(7, 31\), expected \(7, 32\)"):
        load_bundle(saved)


def test_a_tampered_file_is_refused_by_its_hash(saved):
    weights = saved / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(BundleFormatError, match="SHA-256 differs"):
        load_bundle(saved)


def test_a_pickle_renamed_to_safetensors_is_never_unpickled(saved):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was executed",))

    (saved / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    edit_config(saved, sha256=bundles._sha256(saved / "model.safetensors"))
    with pytest.raises(BundleFormatError, match="not a safetensors file"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version 2, this napari-tide reads 1"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"drugs": [{"name": "only one"}]}, "1 drugs for 7 prototypes"),
        ({"intensity": {"Golgi": {"low": 0, "high": 1}}}, r"does not have: \['Golgi'\]"),
        ({"tile_px": 0}, "tile_px"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
    ],
)
def test_a_wrong_configuration_is_refused_by_field(saved, changes, message):
    edit_config(saved, **changes)
    with pytest.raises(BundleFormatError, match=message):
        load_bundle(saved)


def test_other_channels_than_the_weights_are_refused(saved):
    raw = json.loads((saved / "config.json").read_text())
    raw["student"]["encoder"]["channels"] = ["DNA", "ER"]
    (saved / "config.json").write_text(json.dumps(raw | {"intensity": {}}))
    with pytest.raises(BundleFormatError, match=r"patch_embed\.proj\.weight is"):
        load_bundle(saved)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_bundle_that_lacks_a_file_says_which(saved, name):
    (saved / name).unlink()
    with pytest.raises(BundleFormatError, match=name):
        load_bundle(saved)


def test_text_that_is_not_json_is_refused(saved):
    (saved / "config.json").write_text("{")
    with pytest.raises(BundleFormatError, match="not readable JSON"):
        load_bundle(saved)
