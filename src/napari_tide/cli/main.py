"""The ``tide`` command: registers the subcommands and turns our errors into one line."""

from __future__ import annotations

import logging
import sys
import traceback

import typer

from napari_tide.cli import app as app_command
from napari_tide.cli import demo
from napari_tide.cli.aggregate import aggregate
from napari_tide.cli.align import align
from napari_tide.cli.bench import bench
from napari_tide.cli.drug_features import drug_features
from napari_tide.cli.evaluate import evaluate
from napari_tide.cli.hits import hits
from napari_tide.cli.inspect import inspect
from napari_tide.cli.pack import pack
from napari_tide.cli.profile import profile
from napari_tide.cli.project import project
from napari_tide.cli.simulate import simulate
from napari_tide.cli.train import train
from napari_tide.errors import TideError

# click's ClickException, which some versions of typer import and others carry a copy of
_USAGE_ERROR: type[typer.BadParameter] = typer.BadParameter.__mro__[2]
_DEBUG = "--debug"

app = typer.Typer(
    name="tide",
    help="Read a drug's effect in Cell Painting images. Any command takes --debug.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(aggregate)
app.command()(align)
app.command("app")(app_command.run)
app.command("demo")(demo.run)
app.add_typer(bench, name="bench")
app.add_typer(evaluate, name="evaluate")
app.command()(hits)
app.command()(drug_features)
app.command()(inspect)
app.command()(pack)
app.command()(profile)
app.command()(project)
app.command()(simulate)
app.command()(train)


def main() -> None:
    """Run a command; errors are one line on stderr and exit status 2."""
    is_debugging = _DEBUG in sys.argv
    logging.basicConfig(
        level=logging.DEBUG if is_debugging else logging.WARNING,
        format=logging.BASIC_FORMAT if is_debugging else "tide: %(message)s",
    )
    arguments = [argument for argument in sys.argv[1:] if argument != _DEBUG]
    try:
        status = app(arguments, standalone_mode=False)
    except TideError as error:
        _fail(str(error), is_debugging=is_debugging)
    except _USAGE_ERROR as error:
        said = error.format_message() or "say which command, for example: tide inspect PLATE_FOLDER"
        _fail(said, is_debugging=is_debugging)
    except (KeyboardInterrupt, typer.Abort):
        _fail("cancelled", is_debugging=False)
    # a fault of ours still ends in one line; --debug keeps what a report of it needs
    except Exception as error:  # noqa: BLE001 - the one catch-all of the command line
        said = f"{type(error).__name__}: {error}; run again with --debug for the traceback"
        _fail(said, is_debugging=is_debugging)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, *, is_debugging: bool) -> None:
    if is_debugging:
        traceback.print_exc()
    sys.stderr.write(f"tide: {' '.join(message.split())}\n")
    sys.exit(2)
