"""A guideline: its items, each with what shows it."""

from __future__ import annotations

from dataclasses import dataclass

from overread.analyses.reporting.evidence import (
    MISSING,
    NOT_APPLICABLE,
    PARTLY,
    REPORTED,
    Evidence,
    Found,
    Known,
)
from overread.records.study_form import NOT_APPLICABLE as DOES_NOT_ARISE
from overread.records.study_form import StudyForm

FORM = "#sheet-study-form"
BOTH, EITHER = "both", "either"


@dataclass(frozen=True)
class Item:
    """An item of a guideline: its number, empty where it could not be checked, and what it asks in our words.

    `shown` is evidence that is found without a person, `asked` the questions of the form that a person answers. Where
    an item has both, `join` says whether it takes `both` to be reported, or `either` is enough.
    """

    number: str
    topic: str
    shown: tuple[Evidence, ...] = ()
    asked: tuple[str, ...] = ()
    join: str = BOTH

    def found(self, of: Known, form: StudyForm | None) -> Found:
        """Return the status of the item, what shows it, and where."""
        answers = form.answers if form is not None else {}
        parts = [each.found(of) for each in self.shown] + [answered(name, answers.get(name, "")) for name in self.asked]
        if self.join == EITHER and any(part.status != MISSING for part in parts):
            return max(parts, key=lambda part: (RANK[part.status], -parts.index(part)))
        given = [part for part in parts if part.status != NOT_APPLICABLE]
        if not given:
            return parts[0]
        statuses = {part.status for part in given}
        status = statuses.pop() if len(statuses) == 1 else PARTLY
        places = dict.fromkeys(part.where for part in parts if part.where)
        between = "; or " if self.join == EITHER else "; "
        return Found(status, between.join(part.value for part in parts), " ".join(places))


RANK = {MISSING: 0, PARTLY: 1, NOT_APPLICABLE: 2, REPORTED: 3}


def answered(name: str, answer: str) -> Found:
    """Return what the form says to one question."""
    if not answer:
        return Found(MISSING, f"lacking: {name} in the form")
    if answer.lower().startswith(DOES_NOT_ARISE):
        return Found(NOT_APPLICABLE, answer, FORM)
    return Found(REPORTED, f"{name}: {' '.join(answer.split())}", FORM)


@dataclass(frozen=True)
class Guideline:
    """A guideline by the word that asks for it, its title, where it was published, and how its items were checked."""

    key: str
    title: str
    citation: str
    url: str
    checked: str
    items: tuple[Item, ...]
