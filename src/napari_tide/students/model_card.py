"""The model card: what a person should know before trusting a student."""

from __future__ import annotations

import json

from pydantic import JsonValue

from napari_tide.chem.feature_settings import ChembertaSettings, TableSettings
from napari_tide.students.bundle_config import BundleConfig

_OF_A_SOURCE = (ChembertaSettings, TableSettings)
_LIMITS = """\
Probabilities are over the drugs listed in `config.json` and no others: a compound that is none of
them still gets its nearest. They were calibrated on the training screen; another microscope, cell
line or stain lot needs its own negative controls, which is what "against DMSO" uses.
"""


def model_card(config: BundleConfig) -> str:
    """Write the bundle's README from its configuration."""
    encoder = config.student.encoder
    sections = [
        _front_matter(config),
        f"# {_in_one_line(config.name)}\n",
        f"A TIDE student: from Cell Painting images to {len(config.drugs)} drugs.\n",
        f"{_in_one_line(config.description)}\n" if config.description else "",
        "## Input\n",
        _table(
            ("Channels, by stain", ", ".join(config.channels)),
            ("Tile", f"{config.tile_px} px, resized to {encoder.image_px} px"),
            ("Pixel size", _or_dash(config.pixel_size_um, "µm")),
            ("Intensity", _intensity(config)),
        ),
        "## Student\n",
        _table(
            ("Encoder", f"{encoder.kind}, width {encoder.width}, depth {encoder.depth}"),
            ("Codebook", f"{config.student.codebook.mode}, {_features(config)}"),
            ("Temperature", f"{config.student.tau:g}"),
            ("Calibration", _calibration(config)),
        ),
        _section("Metrics", {name: f"{value:.4g}" for name, value in config.metrics.items()}),
        _section(
            "Provenance",
            {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in config.provenance.items()
                if not _is_table(value)
            },
        ),
        *(
            _long_table(name, value)
            for name, value in config.provenance.items()
            if _is_table(value)
        ),
        "## Limits\n",
        _LIMITS,
    ]
    return "\n".join(section for section in sections if section)


def _front_matter(config: BundleConfig) -> str:
    """Write what the Hub reads, as YAML."""
    is_image = config.student.encoder.kind != "features"
    task = "image-feature-extraction" if is_image else "tabular-classification"
    tags = "".join(f"- {tag}\n" for tag in ("napari-tide", "cell-painting", "drug-discovery"))
    return (
        f"---\nlibrary_name: napari-tide\nlicense: {config.license}\npipeline_tag: {task}\n"
        f"tags:\n{tags}---\n"
    )


def _features(config: BundleConfig) -> str:
    features = config.student.codebook.features
    if features is None:
        return f"{config.student.codebook.n_features} molecular features of unstated origin"
    source = f" of {features.source}" if isinstance(features, _OF_A_SOURCE) else ""
    return f"{features.kind}{source}, {features.n_features} molecular features"


def _table(*rows: tuple[str, str]) -> str:
    lines = ["| | |", "|---|---|"]
    lines += [f"| {_in_a_cell(name)} | {_in_a_cell(value)} |" for name, value in rows]
    return "\n".join(lines) + "\n"


def _in_a_cell(text: str) -> str:
    return _in_one_line(text).replace("|", "\\|")


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _section(title: str, rows: dict[str, str]) -> str:
    return f"## {title}\n\n{_table(*rows.items())}" if rows else ""


def _is_table(value: JsonValue) -> bool:
    """Tell a list of rows that name their columns, such as the pairing table or a curve."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _long_table(name: str, rows: JsonValue) -> str:
    assert isinstance(rows, list)
    known = [row for row in rows if isinstance(row, dict)]
    columns = list(dict.fromkeys(column for row in known for column in row))
    lines = [
        " | ".join(["", *(_in_a_cell(column.replace("_", " ")) for column in columns), ""]).strip(),
        "|---" * len(columns) + "|",
    ]
    for row in known:
        cells = [_in_a_cell(_number_or_text(row.get(column))) for column in columns]
        lines.append(" | ".join(["", *cells, ""]).strip())
    title = _in_one_line(name)
    return f"## {title[:1].upper()}{title[1:]}\n\n" + "\n".join(lines) + "\n"


def _number_or_text(value: JsonValue) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _or_dash(value: float | None, unit: str) -> str:
    return "not given" if value is None else f"{value:g} {unit}"


def _intensity(config: BundleConfig) -> str:
    if config.intensity:
        return "; ".join(f"{name} {r.low:g}-{r.high:g}" for name, r in config.intensity.items())
    low, high = config.intensity_percentiles
    return f"each channel between its {low:g} and {high:g} percentiles"


def _calibration(config: BundleConfig) -> str:
    fitted = config.calibration
    if fitted.ece_after is None or fitted.ece_before is None:
        return "none"
    return (
        f"temperature {fitted.temperature:.3g} on {fitted.n_images} held-out images; expected "
        f"calibration error {fitted.ece_before:.3f} before, {fitted.ece_after:.3f} after"
    )
