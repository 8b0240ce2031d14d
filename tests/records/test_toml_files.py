"""TOML files: what is refused, and that what is written is read back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from overread.records.errors import InputError
from overread.records.toml_files import read_toml, refuse_unknown, toml, toml_key

VALUES = (
    "",
    'a "quoted" \\ name',
    "tab\tnew\nline\x7f",
    "Ödem",
    3,
    0.1,
    1e-7,
    True,
    [],
    [1, "x"],
    {},
    {"a b": 1, "c": {"d": []}},
)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_written_is_read_back(value: object) -> None:
    assert tomllib.loads(f"{toml_key('a.b c')} = {toml(value)}") == {"a.b c": value}


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff", "UTF-8"), (b"a = ", "not TOML"), (b"a = 1\na = 2", "not TOML")]
)
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_toml(path)


def test_an_unknown_key_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"'fundng' means nothing here. Expected funding\."):
        refuse_unknown("study.toml", ["title", "fundng"], ["title", "funding"])
    with pytest.raises(InputError, match="one of: funding, title"):
        refuse_unknown("study.toml", ["xyz"], ["title", "funding"])
