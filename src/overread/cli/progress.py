"""What a person sees while work goes on: a line on standard error, only when that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show the step that is under way; silent where standard error is not a terminal."""
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    with console.status("starting") as status:
        yield lambda step: status.update(step)
