"""``python -m tide_train RECIPE --data DATA --out RUN``: one run, its events as lines of JSON.

This is what the Train dock starts, and what ``accelerate launch -m tide_train ...`` runs on many
devices. A line ``stop`` on stdin, SIGTERM or Ctrl-C saves and ends it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from napari_tide.errors import TideError
from tide_train.events import Announce, announce_as_json, event
from tide_train.overrides import with_overrides
from tide_train.probe import probe
from tide_train.recipes.registry import RECIPES, find_recipe, recipe_summary
from tide_train.recipes.scfm import NAME, scfm
from tide_train.run import RunRequest, run
from tide_train.run_response import run_response
from tide_train.stop_request import listening


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and give the exit status: 0 when done or stopped, 2 after an error."""
    parser = _parser()
    given = parser.parse_args(arguments)
    has_all = given.out is not None and (given.data is not None or given.recipe == NAME)
    if not (has_all or given.list or (given.probe and given.data is not None)):
        parser.error("give --data and --out, --data and --probe, or --list")
    logging.basicConfig(level=logging.DEBUG if given.debug else logging.WARNING)
    announce = announce_as_json()
    if given.list:
        for name in (*RECIPES, NAME):
            announce(event("recipe", name=name, summary=recipe_summary(name)))
        return 0
    try:
        _train(given, announce)
    except TideError as error:
        announce(event("error", message=str(error)))
        sys.stderr.write(f"tide_train: {error}\n")
        if given.debug:
            traceback.print_exc()
        return 2
    # whoever started this process (the Train dock) reads events, so a fault of ours is one too
    except Exception as error:  # noqa: BLE001 - the one catch-all of this command
        said = f"{type(error).__name__}: {error}"
        announce(event("error", message=f"{said}; run again with --debug for more"))
        sys.stderr.write(f"tide_train: {said}\n")
        traceback.print_exc()
        return 2
    return 0


def _train(given: argparse.Namespace, announce: Announce) -> None:
    if given.probe:
        announce(event("estimate", **probe(_request(given)).facts()))
        return
    with listening(to_stdin=True) as should_stop:
        if given.recipe == NAME:
            run_response(
                with_overrides(scfm(), given.set),
                given.l1000,
                given.out,
                announce=announce,
                should_stop=should_stop,
            )
            return
        run(_request(given), announce=announce, should_stop=should_stop)


def _request(given: argparse.Namespace) -> RunRequest:
    return RunRequest(
        config=with_overrides(find_recipe(given.recipe), given.set),
        data=given.data,
        out=given.out or Path(),
        l1000=tuple(given.l1000),
        is_resumed=given.resume,
        allow_outside=given.allow_outside,
        student=given.student,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tide_train", description=__doc__)
    parser.add_argument("recipe", nargs="?", default="tide", help="which recipe; --list shows all")
    parser.add_argument("--data", type=Path, help="a pack, a screen, or a table of profiles")
    parser.add_argument("--out", type=Path, help="folder of the run")
    parser.add_argument("--l1000", type=Path, action="append", default=[], help="GCT or GCTX file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--probe", action="store_true", help="take a few steps, say time and memory, train nothing"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument(
        "--allow-outside", action="store_true", help="let a screen's paths leave its folder"
    )
    parser.add_argument(
        "--student", type=Path, help="semi_clipped: put the adapter into this student's folder"
    )
    parser.add_argument("--list", action="store_true", help="list the recipes")
    parser.add_argument("--debug", action="store_true", help="say more when something fails")
    return parser


if __name__ == "__main__":
    sys.exit(main())
