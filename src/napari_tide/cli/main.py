"""The ``tide`` command: registers the subcommands and turns our errors into one line."""

from __future__ import annotations

import logging
import sys
import traceback

import typer

from napari_tide.cli import app as app_command
from napari_tide.cli import demo
from napari_tide.cli.inspect import inspect
from napari_tide.errors import TideError

# click's ClickException, which some versions of typer import and others carry a copy of
_USAGE_ERROR: type[typer.BadParameter] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="tide",
    help="Read a drug's effect in Cell Painting images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(*, debug: bool = typer.Option(False, help="Show the traceback of an error.")) -> None:
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING)


app.command("app")(app_command.run)
app.command("demo")(demo.run)
app.command()(inspect)


def main() -> None:
    """Run a command; errors are one line on stderr and exit status 2."""
    try:
        status = app(standalone_mode=False)
    except TideError as error:
        _fail(str(error))
    except _USAGE_ERROR as error:
        _fail(error.format_message() or "say which command, for example: tide inspect PLATE_FOLDER")
    except (KeyboardInterrupt, typer.Abort):
        _fail("cancelled")
    except Exception as error:  # noqa: BLE001 - the one catch-all of the command line
        _fail(f"{type(error).__name__}: {error}; run again with --debug for the traceback")
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> None:
    if "--debug" in sys.argv:
        traceback.print_exc()
    sys.stderr.write(f"tide: {' '.join(message.split())}\n")
    sys.exit(2)
