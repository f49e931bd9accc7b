"""The tables, as Markdown and as plain facts, from the scores of many cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tide_train.bench.tables.arms import CHANGES, RAW
from tide_train.bench.tables.collect import by_world, gain_over, over_worlds
from tide_train.bench.tables.plan import PIXEL_ARMS
from tide_train.bench.tables.read_out import MAIN, READ_OUTS
from tide_train.bench.tables.report_table import Estimate, Table
from tide_train.bench.tables.responses import responses_table
from tide_train.bench.tables.run_cells import CODEBOOK_AUC, FINGERPRINT_AUC
from tide_train.bench.tables.worlds import WorldKey

AP, AP_HELD_OUT = "drug-gene all AP", "drug-gene held-out AP"
KNOCK_OUTS, HELD_OUT = "one-shot knock-outs top-1", "one-shot held-out drugs top-1"
HEADLINE: Mapping[str, str] = {
    AP: "drug-gene AP",
    AP_HELD_OUT: "drug-gene AP, held-out drugs",
    KNOCK_OUTS: "knock-outs top-1",
    HELD_OUT: "held-out drugs top-1",
}
_COMPARED: tuple[tuple[str, Sequence[str]], ...] = (
    (
        "tide",
        ("dino", "labels", "cl_d", "cl_r", "cl_d_dino", "cl_r_dino", "cl_soft", "tide_perm"),
    ),
    (
        "tide_rna_teacher",
        ("labels", "cl_d", "cl_r", "tide"),
    ),
    (
        "tide_plus",
        ("labels", "cl_d", "cl_r", "labels_cl_r", "cl_soft", "tide", "tide_plus_perm", RAW),
    ),
)
STANDARD = WorldKey(0).setting


def chosen_rows(scores: pd.DataFrame, setting: str = STANDARD) -> pd.DataFrame:
    """Keep one setting under the read-out that was fixed beforehand."""
    return scores[(scores["setting"] == setting) & (scores["read_out"] == MAIN)]


def all_tables(scores: pd.DataFrame) -> list[Table]:
    """Make every table that the finished cells allow."""
    rows = chosen_rows(scores)
    tables = [
        _arms_table(
            rows,
            "Table 2",
            "One-shot recognition of interventions nobody trained on, %",
            {
                KNOCK_OUTS: "knock-outs top-1",
                "one-shot knock-outs top-5": "top-5",
                HELD_OUT: "held-out drugs top-1",
                "one-shot held-out drugs top-5": "top-5",
            },
            PIXEL_ARMS,
            is_percent=True,
        ),
        _arms_table(
            rows,
            "Table 3",
            "Drugs that look like the knock-out of their target (|cosine|, mean over doses)",
            {
                AP: "AP",
                "drug-gene all AUC": "AUC",
                "drug-gene all Hit@5": "Hit@5",
                "drug-gene all AP max": "AP, best dose",
                AP_HELD_OUT: "AP, held-out drugs",
                "drug-gene cosine all AP": "AP by cosine",
            },
            PIXEL_ARMS,
        ),
        _by_line(rows),
        _ablations(rows),
        responses_table(scores),
        _gains(rows),
        _codebooks(rows),
        _alignments(scores[scores["setting"] == STANDARD]),
        _grid(scores),
        _stress(scores),
    ]
    return [table for table in tables if table.rows]


def _arms_table(
    rows: pd.DataFrame,
    name: str,
    title: str,
    wanted: Mapping[str, str],
    arms: Sequence[str],
    *,
    is_percent: bool = False,
) -> Table:
    there = [arm for arm in arms if (rows["arm"] == arm).any()]
    lines: list[tuple[object, ...]] = []
    if there:
        chance = [_chance(rows, score, is_percent=is_percent) for score in wanted]
        lines.append(("chance", *chance))
    for arm in there:
        mine = rows[rows["arm"] == arm]
        cells = [
            Estimate(over_worlds(by_world(mine[mine["score"] == score])), is_percent=is_percent)
            for score in wanted
        ]
        lines.append((f"`{arm}`", *cells))
    return Table(name, title, ("", *wanted.values()), tuple(lines))


def _chance(rows: pd.DataFrame, score: str, *, is_percent: bool) -> str:
    name = f"{score} chance"
    if score.endswith("AUC"):
        return "0.500"
    if score.endswith("Hit@5"):
        return ""
    if score.endswith(" AP max"):
        name = score.removesuffix(" max") + " chance"
    values = rows.loc[rows["score"] == name, "value"]
    if values.empty:
        return ""
    return f"{100 * values.mean():.2f}" if is_percent else f"{values.mean():.3f}"


def _by_line(rows: pd.DataFrame) -> Table:
    lines = sorted({score.partition(": ")[0] for score in rows["score"] if ": " in score})
    wanted = {
        f"{line}: {score}": f"{line} {words}"
        for line in lines
        for score, words in ((KNOCK_OUTS, "knock-outs top-1, %"), (AP, "AP"))
    }
    table: list[tuple[object, ...]] = []
    for arm in ("dino", "labels", "tide", "tide_plus"):
        mine = rows[rows["arm"] == arm]
        if mine.empty:
            continue
        table.append(
            (
                f"`{arm}`",
                *(
                    Estimate(
                        over_worlds(by_world(mine[mine["score"] == score])),
                        is_percent="top-1" in score,
                    )
                    for score in wanted
                ),
            )
        )
    note = "Both simulated lines have transcriptomes of the same drugs, unlike the paper's."
    return Table("Table 4", "A cell line at a time", ("", *wanted.values()), tuple(table), note)


def _ablations(rows: pd.DataFrame) -> Table:
    lines: list[tuple[object, ...]] = []
    for arm, (method, changes) in CHANGES.items():
        if not changes or not (rows["arm"] == arm).any() or "_pairs_" in arm:
            continue
        gains = [
            Estimate(
                gain_over(rows[rows["score"] == score], arm, method),
                is_percent="top-1" in score,
                is_gain=True,
            )
            for score in HEADLINE
        ]
        what = ", ".join(f"{key}={value}" for key, value in changes.items())
        lines.append((f"`{arm}`", f"`{what}`", *gains))
    return Table(
        "Table 5",
        "Ablations and controls: change against the method itself",
        ("", "changed", *(_with_unit(score) for score in HEADLINE)),
        tuple(lines),
    )


def _with_unit(score: str) -> str:
    return HEADLINE[score] + (", %" if "top-1" in score else "")


def _gains(rows: pd.DataFrame) -> Table:
    lines: list[tuple[object, ...]] = []
    for arm, baselines in _COMPARED:
        for baseline in baselines:
            if not {arm, baseline} <= set(rows["arm"]):
                continue
            gains = [
                Estimate(
                    gain_over(rows[rows["score"] == score], arm, baseline),
                    is_percent="top-1" in score,
                    is_gain=True,
                )
                for score in HEADLINE
            ]
            lines.append((f"`{arm}` - `{baseline}`", *gains))
    note = "In bold: the whole interval lies on one side of zero."
    return Table(
        "Gains",
        "Paired differences within worlds",
        ("", *(_with_unit(score) for score in HEADLINE)),
        tuple(lines),
        note,
    )


def _codebooks(rows: pd.DataFrame) -> Table:
    """How well each codebook places drugs by mechanism, beside the fingerprints it started from."""
    lines: list[tuple[object, ...]] = []
    here = rows[rows["score"] == CODEBOOK_AUC]
    if not here.empty:
        fingerprints = by_world(rows[rows["score"] == FINGERPRINT_AUC])
        lines.append(("fingerprint", Estimate(over_worlds(fingerprints))))
    lines += [
        (f"`{arm}`", Estimate(over_worlds(by_world(here[here["arm"] == arm]))))
        for arm in dict.fromkeys(here["arm"])
    ]
    title = "Chance that two drugs of one mechanism are more alike than two of others"
    return Table("Codebook", title, ("", "AUC"), tuple(lines))


def _alignments(scores: pd.DataFrame) -> Table:
    here = scores[scores["score"] == AP]
    lines = []
    for arm in PIXEL_ARMS:
        mine = here[here["arm"] == arm]
        if mine.empty:
            continue
        cells = [
            Estimate(over_worlds(by_world(mine[mine["read_out"] == name]))) for name in READ_OUTS
        ]
        lines.append((f"`{arm}`", *cells))
    return Table(
        "Alignment",
        "Drug-gene AP under every read-out; the one used above was fixed on other worlds",
        ("", *READ_OUTS),
        tuple(lines),
    )


def _grid(scores: pd.DataFrame) -> Table:
    lines: list[tuple[object, ...]] = []
    settings = grid_settings(scores)
    worlds = grid_worlds(scores)
    for setting, key in settings:
        rows = chosen_rows(scores, setting)
        rows = rows[(rows["score"] == AP) & rows["world_seed"].isin(worlds)]
        labels = rows[rows["arm"] == "labels"]
        gains = [
            Estimate(gain_over(rows, arm, "labels"), is_gain=True)
            for arm in ("cl_r", "tide", "tide_plus")
        ]
        lines.append(
            (
                f"{key[0]:g}",
                f"{key[1]:.0f} %",
                Estimate(over_worlds(by_world(labels))),
                *gains,
            )
        )
    return Table(
        "Grid",
        "Drug-gene AP by off-target strength and RNA coverage: CE, and gains over it",
        ("off-target", "RNA", "`labels`", "`cl_r`", "`tide`", "`tide_plus`"),
        tuple(lines),
    )


def grid_settings(scores: pd.DataFrame) -> list[tuple[str, tuple[float, float]]]:
    """Give the settings of the grid with their off-target strength and coverage in percent."""
    found = []
    for setting in set(scores["setting"]):
        off, rna, noise, leak = setting.split("_")
        if (noise, leak) == ("noise1", "leak0.25"):
            found.append((setting, (float(off[3:]), float(rna[3:]))))
    return sorted(found, key=lambda pair: pair[1]) if len(found) > 1 else []


def grid_worlds(scores: pd.DataFrame) -> list[int]:
    """Give the worlds that every setting of the grid was trained in, so that rows compare."""
    named = {setting for setting, _ in grid_settings(scores)}
    here = scores[scores["setting"].isin(named)]
    counts = here.groupby("world_seed")["setting"].nunique()
    return [int(seed) for seed in counts.index[counts == len(named)]]


def _stress(scores: pd.DataFrame) -> Table:
    lines: list[tuple[object, ...]] = []
    for setting in sorted(set(scores["setting"])):
        if setting.endswith("noise1_leak0.25"):
            continue
        rows = chosen_rows(scores, setting)
        rows = rows[rows["score"] == AP]
        _, _, noise, leak = setting.split("_")
        gains = [
            Estimate(gain_over(rows, "tide_plus", other), is_gain=True)
            for other in ("labels", "tide_plus_perm")
        ]
        lines.append((f"x{noise[5:]}", leak[4:], *gains))
    return Table(
        "Stress",
        "Drug-gene AP of `tide_plus` where RNA is noisier, or tells more of off-target chemistry",
        ("RNA noise", "leak", "over `labels`", "over `tide_plus_perm`"),
        tuple(lines),
    )
