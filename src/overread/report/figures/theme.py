"""The look of every figure: one palette with a light and a dark form, and the marks of readers.

Colours are named in drawings as CSS variables: a page gives them their light or dark form (`palette_css`), a file of
its own the light one. Two readers never differ by colour alone: each has its own mark and its own dashes.
The hues are those of Okabe and Ito (2008), darkened where they would be too pale as a line on white.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#1c1f23", "#e8e6e1"),
    "muted": ("#565c64", "#a9aeb5"),
    "grid": ("#e2e4e8", "#30353b"),
    "axis": ("#868d95", "#737a82"),
    "paper": ("#ffffff", "#15181c"),
    "floor": ("#7a7f87", "#9aa0a7"),
    "on-pale": ("#1c1f23", "#e8e6e1"),
    "on-strong": ("#ffffff", "#0f1215"),
    "reader-1": ("#0072b2", "#56a8dc"),
    "reader-2": ("#c2510a", "#f08a48"),
    "reader-3": ("#00805d", "#35bd95"),
    "reader-4": ("#a6478a", "#dc8cc2"),
    "reader-5": ("#7d6400", "#d3b24a"),
    "reader-6": ("#4b4fa8", "#a0a4f2"),
    "below-2": ("#a04a00", "#f0a04b"),
    "below-1": ("#f6cfa4", "#4d3315"),
    "above-1": ("#eef2f6", "#22282e"),
    "above-2": ("#cddceb", "#213a54"),
    "above-3": ("#9dbddb", "#24527c"),
    "above-4": ("#3f78ad", "#5c9fd8"),
    "above-5": ("#1a4f85", "#a9d1f5"),
}
"""Each colour by name: its light form, and its dark form."""

READERS = 6
STEPS = tuple(f"var(--{name})" for name in PALETTE if name.startswith(("below-", "above-")))
"""Seven steps of a heat map: two below its middle, five above; the first and the last two are strong."""

CIRCLE = "M4.2,0A4.2,4.2,0,1,1,-4.2,0A4.2,4.2,0,1,1,4.2,0Z"
SHAPES = (
    CIRCLE,
    "M-3.8,-3.8H3.8V3.8H-3.8Z",
    "M0,-5L4.8,3.6H-4.8Z",
    "M0,-5.4L5.4,0L0,5.4L-5.4,0Z",
    "M0,5L4.8,-3.6H-4.8Z",
    "M-1.6,-5H1.6V-1.6H5V1.6H1.6V5H-1.6V1.6H-5V-1.6H-1.6Z",
)
DASHES = (None, "7 3", "2 2.5", "9 3 2 3", "12 4", "4 2 1 2 1 2")


@dataclass(frozen=True)
class Look:
    """How a reader is drawn: the colour, the mark as a path around 0, the dashes of its line."""

    colour: str
    shape: str
    dash: str | None


FLOOR = Look("var(--floor)", "M-1.3,-5.5H1.3V5.5H-1.3Z", "1.5 3")


@dataclass(frozen=True)
class Readers:
    """The readers of a figure in the order in which they are drawn, and the one that is the floor.

    Looks go by place, so that a reader looks the same in every figure. After six readers the colours come again, with
    other marks. A figure of some readers only names them in `shown`; `points` are those who only call, and have a mark
    but no line.
    """

    names: tuple[str, ...]
    floor: str | None = None
    shown: tuple[str, ...] = ()
    points: tuple[str, ...] = ()

    @property
    def everyone(self) -> tuple[str, ...]:
        """The readers, then the floor where there is one; those in `shown` where some are."""
        if self.shown:
            return self.shown
        return self.names if self.floor is None or self.floor in self.names else (*self.names, self.floor)

    def without_floor(self) -> Readers:
        """Return the readers alone, for what the floor is not taken of."""
        return Readers(self.names, self.floor if self.floor in self.names else None)

    def look(self, name: str) -> Look:
        """Return how a reader is drawn; the floor is grey."""
        if name == self.floor:
            return FLOOR
        turn, place = divmod(self.names.index(name), READERS)
        return Look(f"var(--reader-{place + 1})", SHAPES[(place + turn) % READERS], DASHES[(place + turn) % READERS])


def palette_css() -> str:
    """Return the palette as variables of a page. Their dark form holds on a screen only, for paper is light."""
    light = "".join(f"--{name}:{colour};" for name, (colour, _) in PALETTE.items())
    dark = "".join(f"--{name}:{colour};" for name, (_, colour) in PALETTE.items())
    return (
        f":root{{{light}color-scheme:light}}"
        f"@media screen{{@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}color-scheme:dark}}}}"
        f":root[data-theme=dark]{{{dark}color-scheme:dark}}}}"
    )
