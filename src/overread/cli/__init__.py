"""The command line: `overread`."""

from overread.cli.app import main

__all__ = ["main"]
