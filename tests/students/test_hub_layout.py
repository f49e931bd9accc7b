"""A bundle's folder is what the Hub expects; checked with its own client, without network."""

import os

import pytest
import torch
from huggingface_hub import ModelCard, load_torch_model, snapshot_download
from safetensors.torch import load_file

from napari_tide.errors import BundleFormatError, HubFetchError
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.hub import fetch_bundle
from napari_tide.students.student import Student

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def saved(tmp_path, make_student, make_config):
    student = make_student()
    config = make_config(student, license="cc-by-4.0").model_copy(
        update={"name": "plates: a | b\nc", "provenance": {"note": "x | y\n---\nz", "n": 3}}
    )
    save_bundle(student, config, tmp_path / "student")
    return tmp_path / "student"


@pytest.fixture
def cached(saved, tmp_path):
    """The Hub's cache after a download: snapshots of links into a folder of blobs."""
    home = tmp_path / "cache" / "models--lab--student"
    for part in ("blobs", "refs", f"snapshots/{COMMIT}"):
        (home / part).mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    for number, path in enumerate(sorted(saved.iterdir())):
        blob = home / "blobs" / f"{number:040x}"
        path.rename(blob)
        link = home / "snapshots" / COMMIT / path.name
        link.symlink_to(os.path.relpath(blob, link.parent))
    return tmp_path / "cache"


def test_the_card_has_the_front_matter_the_hub_reads(saved):
    card = ModelCard.load(saved / "README.md")
    assert card.data.to_dict() == {
        "library_name": "napari-tide",
        "license": "cc-by-4.0",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["napari-tide", "cell-painting", "drug-discovery"],
    }
    assert card.text.lstrip().startswith("# plates: a | b c\n")
    assert "| note | x \\| y --- z |" in card.text


def test_a_student_of_tables_is_no_image_task(tmp_path, make_student, make_config):
    student = make_student(kind="features")
    save_bundle(student, make_config(student), tmp_path / "s")
    data = ModelCard.load(tmp_path / "s" / "README.md").data
    assert (data.pipeline_tag, data.license) == ("tabular-classification", "other")


def test_the_hubs_own_client_loads_the_weights(saved):
    bundle = load_bundle(saved)
    empty = torch.zeros(7, 32, dtype=torch.uint8)
    student = Student(bundle.config.student, empty).eval()
    load_torch_model(student, saved, strict=True)
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        first, second = bundle.student(images).pooled_BD, student(images).pooled_BD
        assert torch.equal(first, second)
        assert torch.equal(bundle.student.codebook(), student.codebook())
    assert set(load_file(saved / "model.safetensors")) == set(student.state_dict())


def test_the_folder_holds_the_three_files_the_hub_names(saved):
    from huggingface_hub import constants

    assert {path.name for path in saved.iterdir()} == {
        constants.CONFIG_NAME,
        constants.SAFETENSORS_SINGLE_FILE,
        constants.REPOCARD_NAME,
    }


def test_a_snapshot_of_links_into_blobs_loads(cached):
    folder = snapshot_download("lab/student", cache_dir=cached, local_files_only=True)
    assert load_bundle(cached / folder).config.name == "plates: a | b\nc"
    (next((cached / "models--lab--student" / "blobs").glob("*1"))).unlink()
    with pytest.raises(BundleFormatError, match=r"has no config\.json"):
        load_bundle(cached / folder)


def test_a_fetched_student_comes_from_the_cache_when_offline(cached, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = fetch_bundle("lab/student", cached)
    assert folder.parent.name == "snapshots"
    assert load_bundle(folder).config.license == "cc-by-4.0"
    with pytest.raises(HubFetchError, match="lab/other could not be fetched"):
        fetch_bundle("lab/other", cached)


def test_only_the_bundles_files_are_fetched(monkeypatch, tmp_path):
    asked = {}

    def download(hub_id, **options):
        asked.update(options, hub_id=hub_id)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert fetch_bundle("lab/student", revision="v1") == tmp_path
    assert asked == {
        "hub_id": "lab/student",
        "revision": "v1",
        "cache_dir": None,
        "allow_patterns": ["config.json", "model.safetensors", "README.md"],
    }
