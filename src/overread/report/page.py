"""The page: sections, drawings, style and script put together into one HTML file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from overread import __version__
from overread.report import numbers
from overread.report.figures.theme import palette_css
from overread.report.section import Section
from overread.report.sections import SECTIONS

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

STYLES = ("page.css", "explorer.css")
SCRIPTS = ("page.js", "explorer.js")


@dataclass(frozen=True)
class Page:
    """The finished page and its figures as documents of their own, by name."""

    html: str
    figures: dict[str, str]


@dataclass(frozen=True)
class Heading:
    """What stands above and below the sections: titles, the kind of document beside the brand, a word at the foot.

    `notice` stands over everything else, where the reader must know it before any number.
    """

    title: str
    subtitle: str
    kind: str
    foot: str
    notice: str = ""


def page(second: SecondReading) -> Page:
    """Make the page of a second reading."""
    title = f"Second reading of {numbers.listing(second.readings)}"
    heading = Heading(
        title, subtitle(second), "second reading", f"Seed {second.options.seed}.", second.study.cohort.synthetic
    )
    made = (section(second) for section in SECTIONS)
    return whole([section for section in made if section is not None], heading)


def whole(sections: Sequence[Section], heading: Heading) -> Page:
    """Put sections together into a page.

    All text that comes from the input is escaped: by Jinja2 in HTML, by `figures.svg` in drawings. Style and script are
    the package's own, and the page's policy lets no other run.
    """
    figures = [figure for section in sections for figure in section.figures]
    documents = {figure.name: figure.drawing.document(figure.title) for figure in figures}
    drawings = {figure.name: Markup(figure.drawing.inline(figure.title)) for figure in figures}
    return Page(html(heading, sections, drawings), documents)


def html(heading: Heading, sections: Sequence[Section], drawings: dict[str, Markup]) -> str:
    """Fill the templates."""
    style, script = palette_css() + assets(STYLES), assets(SCRIPTS)
    return (
        environment()
        .get_template("base.html")
        .render(
            heading=heading,
            sections=sections,
            drawings=drawings,
            style=Markup(style),
            script=Markup(script),
            policy=policy(style, script),
            version=__version__,
        )
    )


def subtitle(second: SecondReading) -> str:
    """Say on what the readings were judged."""
    study = second.study
    patients = f" of {numbers.plural(study.n_patients, 'patient')}" if study.patients_known else ""
    return (
        f"{study.cohort.name}: {numbers.plural(study.n_images, 'image')}{patients}, "
        f"{numbers.plural(len(study.findings), 'finding')}"
    )


def environment() -> Environment:
    """Return the templates' environment; everything is escaped, and a name that is not given is an error."""
    templates = Environment(
        loader=PackageLoader("overread.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    compact = {"allow_nan": False, "ensure_ascii": False, "separators": (",", ":")}
    templates.policies["json.dumps_kwargs"] = compact  # for data within a page
    return templates


def assets(names: Sequence[str]) -> str:
    """Return files of the package, one after the other."""
    folder = files("overread.report") / "assets"
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def policy(style: str, script: str) -> str:
    """Return the page's content security policy: nothing is loaded, and only this style and this script are used."""
    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    """Return the hash by which a policy names an inline block."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
