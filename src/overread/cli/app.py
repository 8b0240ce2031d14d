"""The commands, and the one place where a refusal becomes a message and an exit code."""

from __future__ import annotations

import gc
import os
import sys

import typer

import overread
from overread.cli.audit import audit
from overread.cli.blind import blind
from overread.cli.calls import WrongCall
from overread.cli.demo import demo
from overread.cli.dicom import dicom
from overread.cli.explain import explain
from overread.cli.export import export
from overread.cli.hand_over import hand_over
from overread.cli.phantom import phantom
from overread.cli.plan import plan
from overread.cli.predict import predict
from overread.cli.prepare import prepare
from overread.cli.recalibrate import recalibrate
from overread.cli.report import report
from overread.cli.reread import reread
from overread.cli.selfcheck import selfcheck
from overread.cli.study import study
from overread.cli.train import train
from overread.cli.verify import verify
from overread.cli.whole_names import Command
from overread.records.errors import InputError

WRONG_INPUT, INTERRUPTED = 2, 130

app = typer.Typer(
    name="overread",
    help="A second reading for chest X-ray models: what a single AUROC hides, with honest intervals.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

COMMANDS = {  # a new command is one new file and one word here
    "Judge": (demo, report, audit, blind, recalibrate, reread),
    "Show that it can be trusted": (plan, study, verify, selfcheck),
    "Pass it on": (hand_over, dicom),
    "From radiographs to a reading": (phantom, prepare, train, predict, export, explain),
}

for panel, commands in COMMANDS.items():
    for command in commands:
        alone = command in (demo, selfcheck, study)  # does something without any argument
        app.command(cls=Command, no_args_is_help=not alone, rich_help_panel=panel)(command)


def print_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"overread {overread.__version__}")
        raise typer.Exit


@app.callback()
def overread_command(
    version: bool = typer.Option(
        False, "--version", callback=print_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """A second reading for chest X-ray models: what a single AUROC hides, with honest intervals."""


def main() -> None:
    """Run the command line: exit code 0 on success, 2 with one plain message when the input or the call is wrong."""
    # A command ends before garbage in circles could matter, and looking for it takes a tenth of the report's time.
    gc.disable()
    try:
        sys.exit(app(standalone_mode=False))
    except InputError as refusal:
        stop(str(refusal), WRONG_INPUT)
    except WrongCall as refusal:
        said = refusal.format_message()
        stop(f"{said.rstrip('.')}. See overread --help.", WRONG_INPUT) if said else sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        stop("interrupted: nothing was written", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def stop(message: str, code: int) -> None:
    """Print one message on standard error and exit."""
    typer.echo(f"overread: {message}", err=True)
    sys.exit(code)
