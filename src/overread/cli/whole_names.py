"""Help whose option names are whole in a narrow terminal, where Typer would cut their ends off."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help breaks what is too long for its column into lines."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help as Typer does, but for the ends of long names."""
        from typer import rich_utils  # takes a while to import, and only help needs it

        for name in ("highlighter", "negative_highlighter"):
            written = getattr(rich_utils, name)
            if not isinstance(written, Folding):
                setattr(rich_utils, name, Folding(written))
        super().format_help(ctx, formatter)


class Folding:
    """Colours a name as another highlighter does, and lets it go on in a next line."""

    def __init__(self, colour: Any) -> None:
        self.colour = colour

    def __call__(self, text: Any) -> Any:
        """Return the name as coloured text."""
        written = self.colour(text)
        written.overflow = "fold"
        return written
