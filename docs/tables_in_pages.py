"""Directives that lay out what the package itself says: the values of `overread selfcheck`, the help of commands."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

from overread.cli.app import app
from overread.selfcheck.verdict import CHECKS, selfcheck

HEADS = ("statistic", "against", "line of code", "expected (first values)", "off by", "allowed")
SHOWN = 3
TERMINAL = {"COLUMNS": "91", "NO_COLOR": "1", "TERM": "dumb"}


class SelfcheckTable(SphinxDirective):
    """`selfcheck` takes no argument."""

    def run(self) -> list[nodes.Node]:
        """Return the table, computed while the page is built."""
        group = nodes.tgroup(cols=len(HEADS))
        group += [nodes.colspec(colwidth=1) for _ in HEADS]
        group += nodes.thead("", row([nodes.paragraph(text=head) for head in HEADS]))
        body = nodes.tbody()
        for result in selfcheck(CHECKS):
            values = ", ".join(f"{value:.6g}" for value in result.reference.values[:SHOWN])
            more = " ..." if len(result.reference.values) > SHOWN else ""
            statistic = nodes.container()
            statistic += [nodes.paragraph(text=result.check.name), code(result.check.statistic)]
            cells = [
                statistic,
                nodes.paragraph(text=result.reference.named),
                code(result.reference.code),
                nodes.paragraph(text=values + more),
                nodes.paragraph(text=f"{result.largest:.0e}"),
                nodes.paragraph(text=f"{result.check.tolerance:g}"),
            ]
            body += row(cells)
        group += body
        return [nodes.table("", group, classes=["selfcheck"])]


class Commands(SphinxDirective):
    """`commands` takes no argument."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each command, with its help as the terminal shows it."""
        listed = CliRunner().invoke(app, ["--help"], env=TERMINAL)
        made: list[nodes.Node] = [nodes.literal_block(text=plain(listed.output))]
        for command in app.registered_commands:
            assert command.callback is not None
            name = command.name or command.callback.__name__.replace("_", "-")
            section = nodes.section(ids=[f"command-{name}"])
            section += nodes.title(text=f"overread {name}")
            said = CliRunner().invoke(app, [name, "--help"], env=TERMINAL)
            assert said.exit_code == 0, said.output
            section += nodes.literal_block(text=plain(said.output))
            made.append(section)
        return made


def plain(text: str) -> str:
    """Return text without the codes that colour a terminal, and without trailing spaces."""
    return "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).strip().splitlines())


def row(cells: list[nodes.Element]) -> nodes.row:
    """Return a row of cells."""
    made = nodes.row()
    made += [nodes.entry("", cell) for cell in cells]
    return made


def code(text: str) -> nodes.paragraph:
    """Return text set as code."""
    return nodes.paragraph("", "", nodes.literal(text=text))


def setup(sphinx: Sphinx) -> dict[str, Any]:
    """Offer the directives."""
    sphinx.add_directive("selfcheck", SelfcheckTable)
    sphinx.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
