"""Sentences for a person, under a title: what the answer at the top of a report is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A few sentences that belong together; the title says whom they are about, and may be empty."""

    title: str
    sentences: tuple[str, ...]
