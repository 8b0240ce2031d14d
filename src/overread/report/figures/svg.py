"""Writing SVG: elements with escaped text, and the finished drawing as a file of its own or as part of a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from overread.report.figures.theme import PALETTE

FONT = "Arial, Helvetica, sans-serif"
FONT_SIZE = 12
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML cannot hold
_COLOUR = re.compile(
    r'"var\(--([a-z0-9-]+)\)"'
)  # quotes within text are escaped, so no name from the input looks like this

# Widths of the letters of Arial from space to tilde, in hundredths of the font size.
_WIDTHS = dict(
    zip(
        map(chr, range(32, 127)),
        (
            *(28, 28, 36, 56, 56, 89, 67, 19, 33, 33, 39, 58, 28, 33, 28, 28, 56, 56, 56, 56, 56, 56, 56, 56, 56, 56),
            *(28, 28, 58, 58, 58, 56, 102, 67, 67, 72, 72, 67, 61, 78, 72, 28, 50, 67, 56, 83, 72, 78, 67, 78, 72, 67),
            *(61, 72, 67, 94, 67, 67, 61, 28, 28, 28, 47, 56, 33, 56, 56, 50, 56, 56, 28, 56, 56, 22, 22, 50, 22, 83),
            *(56, 56, 56, 56, 33, 50, 28, 56, 50, 72, 50, 50, 50, 33, 26, 33, 58),
        ),
        strict=True,
    )
)
_OTHER = 75
_SAFETY = 1.1  # a page may be shown in a wider font than Arial


Value = str | float | None
"""What an attribute may be: text, a length, or left out."""


@dataclass(frozen=True)
class Drawing:
    """A finished figure: its size in pixels and its elements, with colours by their name in the palette."""

    width: float
    height: float
    body: str

    def document(self, title: str = "") -> str:
        """Return the drawing as an SVG file: light colours on white, its title inside.

        >>> Drawing(2, 1, "").document("<b>").count("&lt;b&gt;")
        1
        """
        ground = element("rect", width=self.width, height=self.height, fill="var(--paper)")
        drawn = _COLOUR.sub(lambda name: f'"{PALETTE[name[1]][0]}"', ground + self.body)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {self._size} font-family="{FONT}" font-size="{FONT_SIZE}" '
            f'role="img"><title>{escaped(title)}</title>{drawn}</svg>\n'
        )

    def inline(self, title: str = "") -> str:
        """Return the drawing as part of a page, whose style holds the palette and the font."""
        return f'<svg {self._size} font-size="{FONT_SIZE}" role="img" aria-label="{escaped(title)}">{self.body}</svg>'

    def _repr_svg_(self) -> str:
        """Show the drawing in a notebook."""
        return self.document()

    @property
    def _size(self) -> str:
        width, height = pixels(self.width), pixels(self.height)
        return f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'


def element(name: str, *children: str, **attributes: Value) -> str:
    """Return an SVG element; the values of attributes are escaped, children are elements or escaped text already.

    An underscore in an attribute's name stands for a hyphen, one at its end is dropped; what is None is left out.

    >>> element("text", escaped("a < b"), x=1.50, font_size=11, class_="name", fill=None)
    '<text x="1.5" font-size="11" class="name">a &lt; b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value) if isinstance(value, str) else pixels(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(children)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def group(children: Iterable[str], x: float = 0, y: float = 0, **attributes: Value) -> str:
    """Return elements as a group, moved by (x, y)."""
    moved = f"translate({pixels(x)},{pixels(y)})" if x or y else None
    return element("g", *children, transform=moved, **attributes)


def words(text: str, x: float, y: float, **attributes: Value) -> str:
    """Return text in ink at a place, its baseline at `y`."""
    place: dict[str, Value] = {"x": x, "y": y, "fill": "var(--ink)"}
    return element("text", escaped(text), **(place | attributes))


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Value) -> str:
    """Return a straight line, an axis line unless another colour is given."""
    ends: dict[str, Value] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", **(ends | {"stroke": "var(--axis)"} | attributes))


def path(points: Sequence[tuple[float, float]], **attributes: Value) -> str:
    """Return a line through points."""
    d = "M" + "L".join(f"{pixels(x)},{pixels(y)}" for x, y in points)
    return element("path", d=d, fill="none", **attributes)


def pixels(value: float) -> str:
    """Write a length without more digits than a screen can show.

    >>> pixels(12.0), pixels(3.14159), pixels(-0.001)
    ('12', '3.14', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def escaped(text: str) -> str:
    """Return text as XML holds it, in an element or an attribute; characters that XML forbids are replaced."""
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))


def width_of(text: str, size: float = FONT_SIZE) -> float:
    """Estimate how wide text is in pixels, from the widths of Arial and a margin for other fonts."""
    return sum(_WIDTHS.get(letter, _OTHER) for letter in text) / 100 * size * _SAFETY


def cut(text: str, most: float, size: float = FONT_SIZE) -> str:
    """Return text that fits a width, its end replaced by an ellipsis where it does not.

    >>> cut("Hernia", 100), cut("Consolidation and more", 100)
    ('Hernia', 'Consolidation…')
    """
    if width_of(text, size) <= most:
        return text
    kept = text
    while kept and width_of(kept + "…", size) > most:
        kept = kept[:-1]
    return kept.rstrip() + "…"
