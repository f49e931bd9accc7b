"""Every speed measurement by name, and the table they are printed in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from napari_tide.errors import BenchValueError
from tide_train.bench.alignment_speed import align_on_disk, time_pca_cs
from tide_train.bench.cluster_scaling import time_cluster
from tide_train.bench.drug_gene_speed import time_drug_gene
from tide_train.bench.engine_speed import time_bf16, time_engine
from tide_train.bench.field_to_tiles import time_field_to_tiles
from tide_train.bench.hit_speed import time_hits
from tide_train.bench.machine import describe_machine
from tide_train.bench.map_speed import time_map
from tide_train.bench.memory import MemoryRow, measure_plate_memory
from tide_train.bench.neighbour_speed import time_neighbours
from tide_train.bench.pack_speed import time_pack_reads
from tide_train.bench.rendering import time_rendering
from tide_train.bench.screen_listing import time_screen_listing
from tide_train.bench.speed_row import SpeedRow, TimeRow

Row = SpeedRow | TimeRow | MemoryRow

# 2,000 sites in five minutes on two cores
RENDERING_GOAL_S = 300 / 2000


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """Rows measured in one run, and on what."""

    machine: str
    date: str
    rows: tuple[Row, ...]

    def to_json(self) -> str:
        """Write the report for a script."""
        rows = [{**asdict(row), "is_met": row.is_met} for row in self.rows]
        return json.dumps({"machine": self.machine, "date": self.date, "rows": rows})

    def to_markdown(self) -> str:
        """Write the report as it stands in docs/performance.md."""
        lines = [
            f"{self.machine}, {self.date}",
            "",
            "| what | ours | beside it | ratio (range) | goal | met |",
            "|---|---|---|---|---|---|",
            *(_line(row) for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


def measure_speed(
    names: Sequence[str] = (), *, announce: Callable[[str], None] | None = None
) -> SpeedReport:
    """Run some measurements, or all of them.

    Raises
    ------
    BenchValueError
        A name is unknown.
    """
    known = {**BENCHES, **BENCHES_BY_NAME}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"no measurement {unknown[0]!r}. Available: {list(known)}"
        raise BenchValueError(message)
    rows: list[Row] = []
    for name in names or BENCHES:
        if announce is not None:
            announce(name)
        rows += known[name]()
    date = datetime.now(UTC).date().isoformat()
    return SpeedReport(describe_machine(), date, tuple(rows))


def _time_rendering() -> list[Row]:
    seconds = time_rendering(48, 224)
    return [TimeRow("simulating a site of 5 x 224 x 224 pixels", seconds, RENDERING_GOAL_S)]


def _line(row: Row) -> str:
    met = "yes" if row.is_met else "no"
    if isinstance(row, MemoryRow):
        peak, most = (f"{value / 1024**3:.2f} GB" for value in (row.peak_bytes, row.goal_bytes))
        return f"| {row.what}, peak memory | {peak} | | | {most} | {met} |"
    if isinstance(row, TimeRow):
        return f"| {row.what} | {_time(row.seconds)} | | | {_time(row.goal_s)} | {met} |"
    low, high = row.ratio_range or (row.ratio, row.ratio)
    ratio = f"{row.ratio:.2f} ({low:.2f} to {high:.2f})"
    beside = f"{_time(row.peer_s)}: {row.peer}"
    return f"| {row.what} | {_time(row.ours_s)} | {beside} | {ratio} | {row.goal:g} | {met} |"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


BENCHES: Mapping[str, Callable[[], Sequence[Row]]] = {
    "listing": time_screen_listing,
    "tiles": time_field_to_tiles,
    "rendering": _time_rendering,
    "engine": lambda: time_engine(precision="bf16", n_sites=6, tile_sizes=(270,)),
    "bf16": lambda: [time_bf16()],
    "alignment": time_pca_cs,
    "cluster": lambda: [time_cluster(n_sites=24)],
    "map": lambda: [time_map()],
    "pack": lambda: [time_pack_reads()],
    "drug-gene": time_drug_gene,
    "neighbours": lambda: [time_neighbours()],
    "hits": lambda: [time_hits()],
}
# minutes each, so only when asked for
BENCHES_BY_NAME: Mapping[str, Callable[[], Sequence[Row]]] = {
    "engine-fp32": lambda: time_engine(n_sites=6, tile_sizes=(270,)),
    "plate-memory": lambda: [measure_plate_memory()],
    "million-rows": lambda: [align_on_disk()],
}
