"""What libraries written in C say of damaged data, which they write to standard error and nowhere else."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

THEIRS = re.compile(
    rb"Corrupt JPEG data|Premature end of JPEG|Invalid |Unsupported |Inconsistent |Bogus |libpng |\[ ?(WARN|ERROR):"
)
DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")

_STDERR = threading.Lock()


@contextmanager
def caught() -> Iterator[list[str]]:
    """Collect the messages that say that data are damaged, and keep all others of these libraries off standard error.

    Whatever else the process writes there meanwhile is passed on afterwards.
    """
    said: list[str] = []
    with _STDERR, tempfile.TemporaryFile(buffering=0) as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            file.seek(0)
            for line in file.read().splitlines(keepends=True):
                if not THEIRS.match(line):
                    os.write(kept, line)
                elif line.decode("ascii", "replace").startswith(DAMAGE):
                    said.append(line.decode("ascii", "replace").strip())
            os.close(kept)
