"""The page as a browser gets it: nothing from the input becomes code, nothing is loaded, every part can be reached."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace

import polars as pl
import pytest

from overread.report.page import Page, digest, page


class Parsed(HTMLParser):
    """Elements with their attributes, and the text outside style and script."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.code: dict[str, str] = {}
        self.within: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        self.within = tag if tag in ("style", "script") else None

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.within = None

    def handle_data(self, data: str) -> None:
        if self.within:
            self.code[self.within] = self.code.get(self.within, "") + data
        else:
            self.text.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def parsed(made: Page) -> Parsed:
    return Parsed(made.html)


def test_names_that_contain_html_stay_text(parsed: Parsed, evil: SimpleNamespace) -> None:
    assert len(parsed.all("script")) == 1
    assert parsed.all("img", "iframe", "object", "link", "b") == []
    assert not [key for _, attributes in parsed.elements for key in attributes if key.startswith("on")]
    text = "".join(parsed.text)
    assert evil.reading in text
    assert evil.finding in text
    said = [attributes["aria-label"] for _, attributes in parsed.elements if "aria-label" in attributes]
    assert any(evil.finding in sentence and evil.reading in sentence for sentence in said)


def test_nothing_is_loaded(parsed: Parsed, made: Page) -> None:
    places = [attributes[key] for _, attributes in parsed.elements for key in ("src", "href") if key in attributes]
    assert places
    assert all(place.startswith("#") for place in places)
    assert "url(" not in parsed.code["style"]
    assert "@import" not in parsed.code["style"]
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(", parsed.code["script"])
    assert "http://" not in made.html
    assert "https://" not in made.html


def test_the_policy_lets_only_the_page_s_own_style_and_script_run(parsed: Parsed) -> None:
    policy = next(a["content"] for a in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert digest(parsed.code["style"]) in policy
    assert digest(parsed.code["script"]) in policy
    assert "unsafe" not in policy
    assert not [attributes for _, attributes in parsed.elements if "style" in attributes]


def test_every_link_within_the_page_has_its_target(parsed: Parsed) -> None:
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a in parsed.all("a")]
    targets += [name for _, a in parsed.elements for name in a.get("aria-labelledby", "").split()]
    targets += [a["data-copy-text"] for a in parsed.all("button") if "data-copy-text" in a]
    assert set(targets) <= set(ids)


def test_headings_follow_one_another_without_a_gap(parsed: Parsed) -> None:
    levels = [int(tag[1]) for tag, _ in parsed.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_heads_with_a_scope_and_a_name(parsed: Parsed) -> None:
    tables = parsed.all("table")
    assert len(tables) > 15
    assert all(a.get("scope") in ("col", "row", "colgroup") for a in parsed.all("th"))
    regions = [a for a in parsed.all("div") if a.get("role") == "region"]
    assert len(regions) == len(tables)
    assert all(region["aria-label"] for region in regions)


def test_the_page_names_its_language_and_its_title(parsed: Parsed, made: Page) -> None:
    assert parsed.all("html") == [{"lang": "en"}]
    assert "<title>Second reading of zech and &lt;script&gt;" in made.html


def test_sections_stand_in_their_order(parsed: Parsed) -> None:
    names = [a["id"] for a in parsed.all("section")]
    assert names[:4] == ["answer", "provenance", "cohort", "auroc"]
    assert names[-1] == "appendix"
    assert names == [a["href"][1:] for a in parsed.all("a") if a["href"][1:] in names]


def test_what_could_not_be_computed_is_said_in_words(parsed: Parsed) -> None:
    text = "".join(parsed.text)
    assert "no positive image" in text
    assert "no image carries only this finding" in text
    assert "averaged on the log scale" in text
    assert "nan" not in re.sub(r"[A-Za-z]*nan[a-z]+|[A-Za-z]+nan[A-Za-z]*", "", text).lower().split()


def test_the_page_is_small_and_the_same_each_time(made: Page, second: SimpleNamespace) -> None:
    assert len(made.html.encode()) < 3_000_000
    again = page(second)
    assert again.html == made.html
    assert again.figures == made.figures


def test_warnings_stand_before_the_numbers(second: SimpleNamespace) -> None:
    second.tables["provenance"] = second.tables["provenance"].clear()
    html = page(second).html
    assert html.index('id="provenance"') < html.index("were matched by name") < html.index('id="cohort"')


def test_no_warning_section_where_there_is_nothing_to_warn_of(second: SimpleNamespace) -> None:
    second.tables["provenance"] = second.tables["provenance"].clear()
    second.warnings = ()
    assert 'id="provenance"' not in page(second).html


def test_one_reading_without_a_floor_has_a_page(second: SimpleNamespace) -> None:
    second.readings, second.floor = ("zech",), None
    second.tables = {
        name: table.filter(pl.col("reading") == "zech") if "reading" in table.columns else table
        for name, table in second.tables.items()
    }
    html = page(second).html
    assert "Second reading of zech</h1>" in html
    assert "floor" not in Parsed(html).all("h2")


def test_unknown_patients_are_said(second: SimpleNamespace) -> None:
    second.study.patients_known = False
    second.study.n_patients = second.study.n_images
    second.tables["cohort"] = second.tables["cohort"].with_columns(pl.lit(None, pl.Int64).alias("n_patients"))
    text = "".join(Parsed(page(second).html).text)
    assert "each image is taken for a patient of its own" in text
    assert "22,433 patients" not in text


def test_a_reading_that_is_the_floor_itself_is_a_reader(second: SimpleNamespace) -> None:
    second.floor = "zech"
    second.tables = {
        name: table.filter(pl.col("reading") != "blind") if "reading" in table.columns else table
        for name, table in second.tables.items()
    }
    html = page(second).html
    assert "The floor, a reader that sees no image" not in html


def test_nothing_but_dashes_where_no_finding_has_a_positive(second: SimpleNamespace) -> None:
    empty = ("value", "low", "high", "mean_loss", "auroc", "mean_activation", "ratio", "rank", "threshold")
    for name, table in second.tables.items():
        second.tables[name] = table.with_columns(
            pl.lit(None, table.schema[column]).alias(column) for column in empty if column in table.columns
        )
    second.tables["curves"] = second.tables["curves"].clear()
    second.tables["frequency_points"] = second.tables["frequency_points"].with_columns(
        pl.lit(0).alias("n_positive"), pl.lit(0).alias("places")
    )
    second.tables["top_activations"] = second.tables["top_activations"].with_columns(
        pl.lit(0).alias(place) for place in ("first", "second", "third")
    )
    html = page(second).html
    assert 'id="curves"' not in html
    assert "not computed" in html
