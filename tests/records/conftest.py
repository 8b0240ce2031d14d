"""Files written for a test, and the message with which they are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from overread.records.errors import InputError

settings.register_profile("untimed", deadline=None)  # a slow machine is no failure
settings.load_profile("untimed")

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file of a name and a content, and gives its path."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.fixture
def refused() -> Callable[..., str]:
    """Return a function that calls another, expects it to refuse, and gives the message: one line, readable."""

    def message(call: Callable[..., object], *args: object, **kwargs: object) -> str:
        with pytest.raises(InputError) as refusal:
            call(*args, **kwargs)
        said = str(refusal.value)
        first_line = said.split("\n")[0]
        assert first_line.isprintable(), said
        return said

    return message
