"""What surrounds the marks of a figure: axes, grids, legends, and the marks of readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from overread.report.figures.scales import Linear, Log
from overread.report.figures.svg import Value, cut, element, group, line, width_of, words
from overread.report.figures.theme import Look, Readers
from overread.report.numbers import decimal

Write = Callable[[float], str]

SMALL = 11
LEGEND_ROW, SWATCH, LEGEND_GAP, LEGEND_NAME = 20, 26, 18, 260


def plain(value: float) -> str:
    """Write a tick without needless digits.

    >>> plain(0.5), plain(1.0), plain(1000.0)
    ('0.5', '1', '1,000')
    """
    digits = next(d for d in range(7) if abs(value - round(value, d)) < 1e-9 or d == 6)
    return decimal(value, digits)


def bottom_axis(
    scale: Linear | Log,
    y: float,
    *,
    ticks: Sequence[float],
    title: str = "",
    top: float | None = None,
    write: Write = plain,
) -> str:
    """Return an axis under a plot, with its grid up to `top` where one is wanted."""
    start, end = scale.span
    parts = [line(scale(tick), y, scale(tick), top, stroke="var(--grid)") for tick in ticks if top is not None]
    parts.append(line(start, y, end, y))
    parts += [line(scale(tick), y, scale(tick), y + 4) for tick in ticks]
    parts += [words(write(tick), scale(tick), y + 17, text_anchor="middle", font_size=SMALL) for tick in ticks]
    if title:
        parts.append(words(title, (start + end) / 2, y + 35, text_anchor="middle", fill="var(--muted)"))
    return group(parts, class_="axis")


def left_axis(
    scale: Linear,
    x: float,
    *,
    ticks: Sequence[float],
    title: str = "",
    right: float | None = None,
    away: float = 34,
    write: Write = plain,
) -> str:
    """Return an axis at the left of a plot, its grid to `right` where one is wanted, its title `away` from it."""
    start, end = scale.span
    parts = [line(x, scale(tick), right, scale(tick), stroke="var(--grid)") for tick in ticks if right is not None]
    parts.append(line(x, start, x, end))
    parts += [line(x - 4, scale(tick), x, scale(tick)) for tick in ticks]
    parts += [words(write(tick), x - 7, scale(tick) + 4, text_anchor="end", font_size=SMALL) for tick in ticks]
    if title:
        middle = (start + end) / 2
        turned = f"translate({x - away:.1f},{middle:.1f}) rotate(-90)"
        parts.append(words(title, 0, 0, text_anchor="middle", fill="var(--muted)", transform=turned))
    return group(parts, class_="axis")


def symbol(look: Look, x: float, y: float, said: str | None = None) -> str:
    """Return the mark of a reader, with the sentence that it stands for."""
    return element("path", d=look.shape, transform=f"translate({x:.2f},{y:.2f})", fill=look.colour, **mark(said))


def mark(said: str | None) -> dict[str, Value]:
    """Return the attributes of what stands for a value: the page shows `said` for it, a screen reader reads it out."""
    return {} if said is None else {"class_": "mark", "role": "img", "aria_label": said}


def legend(readers: Readers, x: float, width: float, *, lines: bool = False) -> tuple[str, float]:
    """Return the legend of readers from `x` within a width, and how high it is; each has its line where `lines`."""
    parts, left, top = [], x, 0.0
    for name in readers.everyone:
        look, text = readers.look(name), cut(name, LEGEND_NAME)
        wide = SWATCH + 6 + width_of(text)
        if left > x and left + wide > x + width:
            left, top = x, top + LEGEND_ROW
        middle = top + 10
        dash = look.dash if lines else None
        if name not in readers.points:
            parts.append(
                line(left, middle, left + SWATCH, middle, stroke=look.colour, stroke_width=1.7, stroke_dasharray=dash)
            )
        parts.append(symbol(look, left + SWATCH / 2, middle))
        parts.append(words(text, left + SWATCH + 6, middle + 4))
        left += wide + LEGEND_GAP
    return group(parts, class_="legend"), top + LEGEND_ROW + 6
