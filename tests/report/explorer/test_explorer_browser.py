"""The explorer in Chromium: its numbers against the report's tables and against Python, its keys, its address."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from overread.records.findings import display
from overread.report import numbers
from overread.report.page import page
from overread.stats.operating_points import METRICS, Counts

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
RATES = ("sensitivity", "specificity", "ppv", "npv", "lr_positive", "lr_negative", "dor")
REST = 700  # milliseconds after which the address and the spoken summary have followed


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("there is no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def addresses(explorable: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = {}
    for rule in ("youden", "fixed=0.1"):
        path = tmp_path_factory.mktemp("page") / "report.html"
        path.write_text(page(explorable.judged(rule)).html, encoding="utf-8")
        found[rule] = path.as_uri()
    return found


@dataclass(frozen=True)
class Explorer:
    """The explorer on an open page, as a person handles it."""

    tab: sync_api.Page

    def cell(self, value: str, reader: int = 0) -> str:
        return self.tab.locator(f'#explorer-table [data-value="{value}"][data-reader="{reader}"]').inner_text()

    def cells(self, *values: str, reader: int = 0) -> list[str]:
        return [self.cell(value, reader) for value in values]

    def counts(self, reader: int = 0) -> Counts:
        return Counts(*(int(cell.replace(",", "")) for cell in self.cells("tp", "fp", "fn", "tn", reader=reader)))

    def choose(self, finding: str) -> None:
        self.tab.select_option("#explorer-finding", label=display(finding))

    def press(self, action: str) -> None:
        self.tab.click(f'[data-explorer="{action}"]')

    def slider(self, reader: int = 0) -> sync_api.Locator:
        return self.tab.locator(f'[data-threshold="{reader}"]')

    def field(self, reader: int = 0) -> sync_api.Locator:
        return self.tab.locator(f'[data-threshold-number="{reader}"]')

    def set_prevalence(self, percent: float) -> None:
        field = self.tab.locator("#explorer-prevalence-number")
        field.fill(str(percent))
        field.press("Enter")

    @property
    def hash(self) -> str:
        self.tab.wait_for_timeout(REST)
        return self.tab.evaluate("decodeURIComponent(location.hash)")


Open = Callable[..., Explorer]


@pytest.fixture
def opened(browser: sync_api.Browser, addresses: dict[str, str]) -> Iterator[Open]:
    """Return a function that opens a page; at the end nothing has been complained of, asked for or loaded."""
    contexts, complaints, requests = [], [], []

    def open_page(rule: str = "youden", fragment: str = "", width: int = 1280, height: int = 900) -> Explorer:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(addresses[rule] + fragment)
        return Explorer(tab)

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url.split("#")[0] for url in requests} <= set(addresses.values())


def people(value: float) -> str:
    return numbers.decimal(value, 2 if abs(value) < 1 else 1)


def written(counts: Counts, prevalence: float) -> dict[str, str]:
    """Return what the explorer should show, from Python's own metrics."""
    ill, healthy = 1000 * prevalence, 1000 * (1 - prevalence)
    positive, negative = counts.tp + counts.fn, counts.fp + counts.tn
    weighed = Counts(
        *(n * ill / positive if k in (0, 2) else n * healthy / negative for k, n in enumerate(counts.arrays()))
    )
    of = {name: float(METRICS[name](weighed if name in ("ppv", "npv") else counts)) for name in RATES}
    rates = {name: (numbers.decimal if place < 4 else numbers.ratio)(of[name]) for place, name in enumerate(RATES)}
    parts = zip(("found", "referred", "missed", "spared"), weighed.arrays(), strict=True)
    return rates | {name: people(float(part)) for name, part in parts}


def shown(explorer: Explorer, reader: int) -> dict[str, str]:
    names = (*RATES, "found", "referred", "missed", "spared")
    return dict(zip(names, explorer.cells(*names, reader=reader), strict=True))


@pytest.mark.parametrize("rule", ["youden", "fixed=0.1"])
def test_it_begins_with_the_numbers_of_the_reports_tables(opened: Open, explorable: SimpleNamespace, rule: str) -> None:
    explorer, tables = opened(rule), explorable.judged(rule).tables
    for finding in explorable.findings:
        explorer.choose(finding)
        for place, reader in enumerate(explorable.readers):
            of_both = (pl.col("reading") == reader) & (pl.col("finding") == finding)
            own = tables["thresholds"].filter(of_both)
            assert explorer.cell("threshold", place).split("\n") == [repr(value) for value in own["threshold"]]
            assert explorer.cells("tp", "fp", "fn", "tn", reader=place) == [
                numbers.count(own[name].sum()) for name in ("tp", "fp", "fn", "tn")
            ]
            at_cohort = pl.col("prevalence_source") == "this cohort"
            row = tables["consequences"].filter(of_both, at_cohort, pl.col("per") == "all").row(0, named=True)
            assert explorer.cells("found", "missed", "referred", "spared", reader=place) == [
                people(row[name]) for name in ("found", "missed", "referred_healthy", "spared")
            ]
            estimates = tables["estimates"].filter(of_both, pl.col("method") == "bootstrap")
            value = dict(estimates.select("metric", "value").iter_rows())
            writers = [numbers.decimal] * 4 + [numbers.ratio] * 3
            assert explorer.cells(*RATES, reader=place) == [
                write(value[name]) for write, name in zip(writers, RATES, strict=True)
            ]
    assert ("sum of both halves" in explorer.tab.inner_text("#explorer-notes")) == (rule == "youden")


def test_a_threshold_that_is_moved_counts_as_python_does(opened: Open, explorable: SimpleNamespace) -> None:
    explorer = opened()
    explorer.set_prevalence(2.5)
    for finding in explorable.findings:
        explorer.choose(finding)
        explorer.set_prevalence(2.5)
        for reader in (0, 1):
            slider = explorer.slider(reader)
            for key in ("PageUp", "PageUp", "ArrowLeft", "Home", "End"):
                slider.press(key)
                called = explorable.scores(reader, finding) >= float(explorer.cell("threshold", reader))
                counts = Counts.of(explorable.labels(finding), called)
                assert explorer.counts(reader).arrays() == counts.arrays()
                assert shown(explorer, reader) == written(counts, 0.025)


def test_a_prevalence_that_is_moved_weighs_as_python_does(opened: Open, explorable: SimpleNamespace) -> None:
    explorer = opened("fixed=0.1")
    slider = explorer.tab.locator("#explorer-prevalence")
    seen = set()
    for key in ("Home", "ArrowRight", "PageUp", "PageUp", "PageUp", "End"):
        slider.press(key)
        percent = float(explorer.tab.input_value("#explorer-prevalence-number"))
        seen.add(percent)
        for reader in (0, 1):
            assert shown(explorer, reader) == written(explorer.counts(reader), percent / 100)
    assert min(seen) == 0.01
    assert max(seen) == 95
    explorer.press("cohort")
    share = explorable.labels("Effusion").mean()
    assert shown(explorer, 0) == written(explorer.counts(), share)


def test_the_clinics_prevalence_is_offered_where_it_was_given(opened: Open, explorable: SimpleNamespace) -> None:
    explorer = opened()
    button = explorer.tab.locator('[data-explorer="given"]')
    sync_api.expect(button).to_be_hidden()
    explorer.choose("Mass")
    sync_api.expect(button).to_have_text("The clinic’s prevalence (1.3\N{NO-BREAK SPACE}%)")
    button.click()
    table = explorable.judged("youden").tables["consequences"]
    row = table.filter(
        pl.col("reading") == "zech",
        pl.col("finding") == "Mass",
        pl.col("per") == "all",
        pl.col("prevalence_source") == "given",
    ).row(0, named=True)
    assert explorer.cells("found", "referred") == [people(row["found"]), people(row["referred_healthy"])]


@pytest.mark.parametrize("held", [0, 1])
def test_readers_are_brought_to_equal_sensitivity_and_specificity(
    opened: Open, explorable: SimpleNamespace, held: int
) -> None:
    explorer = opened()
    other = 1 - held
    explorer.tab.select_option("#explorer-held", str(held))
    table = explorable.judged("youden").tables["explorer"].filter(pl.col("finding") == "Effusion")
    offered = table.filter(pl.col("reading") == explorable.readers[other])
    before = explorer.counts(held).arrays()
    explorer.press("sensitivity")
    tp, fp = (float(count) for count in before[:2])
    best = offered.filter(pl.col("tp") >= tp).sort("tp", "fp").row(0, named=True)
    assert (explorer.counts(other).tp, explorer.counts(other).fp) == (best["tp"], best["fp"])
    assert explorer.counts(held).arrays() == before
    explorer.press("specificity")
    best = offered.filter(pl.col("fp") <= fp).sort("fp", "tp").row(-1, named=True)
    assert (explorer.counts(other).tp, explorer.counts(other).fp) == (best["tp"], best["fp"])
    assert explorer.counts(held).arrays() == before
    explorer.press("own")
    assert explorer.counts(other).arrays() != before
    assert "\n" in explorer.cell("threshold", other)


def test_a_sensitivity_of_one_and_a_specificity_of_one_can_be_asked_for(opened: Open) -> None:
    explorer = opened()
    explorer.slider(0).press("Home")
    explorer.press("sensitivity")
    assert explorer.cell("sensitivity", 1) == "1.000"
    explorer.slider(0).press("End")
    explorer.press("specificity")
    reached = explorer.cell("specificity", 1) == explorer.cell("specificity", 0)
    assert reached or "no threshold reaches" in explorer.tab.inner_text("#explorer-notes")


def test_what_one_reader_does_beside_the_other_is_said(opened: Open) -> None:
    explorer = opened()
    explorer.set_prevalence(10)
    one, two = (explorer.counts(reader) for reader in (0, 1))
    said = explorer.tab.locator("#explorer-said p").last.inner_text()
    found = 100 * (two.tp - one.tp) / (one.tp + one.fn)
    referred = 900 * (two.fp - one.fp) / (one.fp + one.tn)
    assert f"{people(abs(found))} {'more' if found > 0 else 'fewer'} ill people" in said
    assert f"{people(abs(referred))} {'more' if referred > 0 else 'fewer'} healthy ones" in said


def test_an_empty_cell_is_said_with_the_odds_ratio(opened: Open) -> None:
    explorer = opened()
    notes = explorer.tab.locator("#explorer-notes")
    sync_api.expect(notes).not_to_contain_text("0.5 added")
    explorer.slider(0).press("Home")
    sync_api.expect(notes).to_contain_text("zech: odds ratio with 0.5 added to all four counts")
    sync_api.expect(notes).to_contain_text("zech: every image is called, so there is no NPV.")
    assert explorer.cell("npv") == numbers.DASH


def test_a_shared_address_restores_the_setting(opened: Open, explorable: SimpleNamespace) -> None:
    explorer = opened()
    explorer.choose(explorable.findings[2])
    explorer.set_prevalence(0.2)
    explorer.slider(1).press("PageUp")
    explorer.tab.select_option("#explorer-held", "1")
    state = [shown(explorer, reader) for reader in (0, 1)]
    explorer.tab.wait_for_timeout(REST)
    fragment = explorer.tab.evaluate("location.hash")
    assert fragment.startswith("#explorer?finding=")
    again = opened(fragment=fragment)
    assert [shown(again, reader) for reader in (0, 1)] == state
    assert again.tab.input_value("#explorer-held") == "1"
    assert again.tab.locator("#explorer-finding option:checked").inner_text() == explorable.findings[2]
    sync_api.expect(again.tab.locator("#explorer-title")).to_be_in_viewport()


@pytest.mark.parametrize(
    "fragment", ["#explorer?finding=none&prevalence=2&t1=x&held=9", "#explorer?", "#explorer?prevalence=-1&t7=0.1"]
)
def test_an_address_that_makes_no_sense_is_passed_over(opened: Open, fragment: str) -> None:
    assert shown(opened(fragment=fragment), 1) == shown(opened(), 1)


def test_links_to_sections_and_the_back_button_keep_working(opened: Open) -> None:
    explorer = opened()
    start = shown(explorer, 0)
    explorer.choose("Mass")
    mass = shown(explorer, 0)
    explorer.slider(0).press("PageUp")
    moved = shown(explorer, 0)
    for _ in range(3):
        explorer.slider(0).press("ArrowRight")
        explorer.slider(0).press("ArrowLeft")
    explorer.tab.locator('.contents a[href="#curves"]').click()
    sync_api.expect(explorer.tab.locator("#curves-title")).to_be_in_viewport()
    assert shown(explorer, 0) == moved
    explorer.tab.go_back()
    assert "finding=Mass" in explorer.hash
    assert shown(explorer, 0) == moved != mass
    explorer.tab.go_back()
    assert explorer.hash == ""
    assert shown(explorer, 0) == start


def test_names_that_contain_html_stay_text(opened: Open, explorable: SimpleNamespace) -> None:
    explorer = opened()
    explorer.choose(explorable.findings[2])
    explorer.press("sensitivity")
    assert explorer.tab.locator("#explorer b, #explorer img").count() == 0
    said = explorer.tab.inner_text("#explorer-said")
    assert explorable.readers[1] in said
    assert explorable.findings[2] in said
    labels = explorer.tab.locator("#explorer-plots svg[role=img]").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert sum(explorable.readers[1] in label for label in labels) >= 4


def test_everything_can_be_done_with_the_keyboard(opened: Open) -> None:
    explorer = opened()
    explorer.tab.focus("#explorer-finding")
    explorer.tab.keyboard.press("ArrowDown")
    sync_api.expect(explorer.tab.locator("#explorer-said")).to_contain_text("Mass at a prevalence")
    reached = []
    for _ in range(16):
        explorer.tab.keyboard.press("Tab")
        reached.append(
            explorer.tab.evaluate(
                "(() => { const e = document.activeElement; "
                "return e.id || e.dataset.explorer || e.dataset.thresholdNumber || e.getAttribute('aria-label'); })()"
            )
        )
    assert reached[:6] == [
        "explorer-prevalence",
        "explorer-prevalence-number",
        "explorer-threshold-1",
        "0",
        "explorer-threshold-2",
        "1",
    ]
    assert {"own", "cohort", "given", "explorer-held", "sensitivity", "specificity"} <= set(reached)
    explorer.tab.locator('[data-explorer="sensitivity"]').focus()
    explorer.tab.keyboard.press("Enter")
    assert float(explorer.cell("sensitivity", 1)) >= float(explorer.cell("sensitivity", 0))


def test_the_field_of_a_threshold_steps_through_the_thresholds_there_are(
    opened: Open, explorable: SimpleNamespace
) -> None:
    explorer = opened()
    table = explorable.judged("youden").tables["explorer"]
    offered = table.filter(pl.col("reading") == "zech", pl.col("finding") == "Effusion")["threshold"].to_numpy()
    field = explorer.field()
    field.fill("0.2")
    field.press("Enter")
    place = int(np.abs(offered - 0.2).argmin())
    assert explorer.cell("threshold") == field.input_value() == repr(float(offered[place]))
    field.press("ArrowUp")
    assert explorer.cell("threshold") == repr(float(offered[place + 1]))
    field.press("ArrowDown")
    field.press("ArrowDown")
    assert explorer.cell("threshold") == repr(float(offered[place - 1]))


def test_the_outcome_is_spoken_once_the_slider_rests(opened: Open) -> None:
    explorer = opened()
    spoken = explorer.tab.locator("#explorer-spoken")
    assert spoken.get_attribute("aria-live") == "polite"
    assert spoken.inner_text() == ""
    explorer.slider().press("ArrowRight")
    sync_api.expect(spoken).to_contain_text("zech finds")
    value = explorer.slider().get_attribute("aria-valuetext")
    assert re.fullmatch(r"[\d.]+: sensitivity [\d.]+\s%, specificity [\d.]+\s%", value)
    assert value.startswith(explorer.cell("threshold"))


def test_every_control_has_a_name_and_every_plot_a_description(opened: Open) -> None:
    tab = opened().tab
    names = tab.locator("#explorer-app :is(input, select)").evaluate_all(
        "all => all.map(one => one.ariaLabel || (one.labels[0] && one.labels[0].textContent.trim()) || '')"
    )
    assert len(names) == 8
    assert all(names)
    plots = tab.locator("#explorer-plots svg[role=img]").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert len(plots) == 6
    assert all(label and "NaN" not in label for label in plots)
    scopes = tab.locator("#explorer-table th").evaluate_all("all => all.map(one => one.scope)")
    assert set(scopes) == {"col", "row", "rowgroup"}


def test_the_marks_lie_where_the_numbers_say(opened: Open) -> None:
    explorer = opened("fixed=0.1")
    explorer.slider().press("PageDown")
    explorer.set_prevalence(5)
    place = (
        "plot => { const marks = [...plot.querySelectorAll('path[paint-order]')]; const mark = marks[marks.length - 1];"
        "const at = mark.transform.baseVal.consolidate().matrix; return [at.e / 190, 1 - at.f / 190]; }"
    )
    roc, precision = explorer.tab.locator("#explorer-plots svg:has(path[paint-order])").all()
    sensitivity, specificity, ppv = (float(cell) for cell in explorer.cells("sensitivity", "specificity", "ppv"))
    assert roc.evaluate(place) == pytest.approx([1 - specificity, sensitivity], abs=0.001)
    assert precision.evaluate(place) == pytest.approx([sensitivity, ppv], abs=0.001)


def test_a_phone_never_scrolls_sideways(opened: Open) -> None:
    tab = opened(width=360, height=780).tab
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_on_paper_the_numbers_stay_and_the_controls_go(opened: Open) -> None:
    tab = opened().tab
    tab.emulate_media(media="print")
    assert not tab.locator("#explorer-finding").is_visible()
    assert tab.locator("#explorer-said").is_visible()
    assert tab.locator("#explorer-table").is_visible()


def test_without_its_script_the_section_points_to_the_tables(
    browser: sync_api.Browser, addresses: dict[str, str]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(addresses["youden"])
    assert tab.locator("#explorer-without").is_visible()
    assert not tab.locator("#explorer-app").is_visible()
    context.close()
