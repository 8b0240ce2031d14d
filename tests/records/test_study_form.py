"""The form of a study: written empty, read back, and what it refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from overread.records.errors import InputError
from overread.records.study_form import QUESTIONS, empty_form, read_study_form, write_empty_form


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(content)
    return path


def test_the_empty_form_asks_every_question_once_and_answers_none(tmp_path: Path) -> None:
    write_empty_form(tmp_path / "study.toml")
    assert tomllib.loads((tmp_path / "study.toml").read_text()) == dict.fromkeys(QUESTIONS, "")
    form = read_study_form(tmp_path / "study.toml")
    assert form.answers == {}
    assert form.source is not None
    for question in QUESTIONS.values():
        assert f"# {question}\n" in empty_form().decode()


def test_answers_are_read_in_the_order_of_the_form(tmp_path: Path) -> None:
    form = read_study_form(written(tmp_path, 'title = " "\nfunding = """\nNone.\n"""\ndesign = "Retrospective"\n'))
    assert form.answers == {"design": "Retrospective", "funding": "None."}
    assert str(form).startswith("2 of ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('fundng = "None"', r"'fundng' means nothing here. Expected funding\."),
        ("funding = 3", "text in quotes"),
        ("a", "TOML"),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_study_form(written(tmp_path, content))
