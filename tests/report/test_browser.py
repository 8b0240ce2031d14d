"""The page in Chromium: exact values, copying, light and dark, a phone, paper. Left out where there is no browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from overread.report.page import Page

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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
def address(made: Page, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(made.html, encoding="utf-8")
    return path.as_uri()


Open = Callable[..., SimpleNamespace]


@pytest.fixture
def opened(browser: sync_api.Browser, address: str) -> Iterator[Open]:
    """Return a function that opens the page; at the end of the test nothing has been complained of or asked for."""
    contexts, complaints, requests = [], [], []

    def open_page(width: int = 1280, height: int = 900, **options: object) -> sync_api.Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(address)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert set(requests) == {address}


def test_a_mark_tells_its_value_on_hover(opened: Open) -> None:
    tab = opened()
    mark = tab.locator("#figure-auroc .mark").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    tip = tab.locator("#tip")
    sync_api.expect(tip).to_have_text(mark.get_attribute("aria-label"))
    assert "95\N{NO-BREAK SPACE}% interval" in tip.inner_text()
    tab.mouse.move(5, 5)
    sync_api.expect(tip).to_be_hidden()


def test_marks_can_be_walked_with_the_keyboard(opened: Open) -> None:
    tab = opened()
    plot = tab.locator("#figure-auroc .plot")
    said = plot.locator(".mark").evaluate_all("marks => marks.map(mark => mark.getAttribute('aria-label'))")
    plot.focus()
    assert plot.get_attribute("role") == "application"
    tip = tab.locator("#tip")
    for key, place in (("ArrowRight", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("End", -1), ("Home", 0)):
        tab.keyboard.press(key)
        sync_api.expect(tip).to_have_text(said[place])
    tab.keyboard.press("Escape")
    sync_api.expect(tip).to_be_hidden()


def test_up_and_down_move_by_a_row_in_a_matrix(opened: Open) -> None:
    tab = opened()
    plot = tab.locator("#figure-activations-zech .plot")
    plot.focus()
    tip = tab.locator("#tip")
    for key, start in (
        ("Home", "Only Atelectasis present"),
        ("ArrowDown", "Only Cardiomegaly present"),
        ("ArrowDown", "Only Effusion present"),
        ("ArrowUp", "Only Cardiomegaly present"),
    ):
        tab.keyboard.press(key)
        sync_api.expect(tip).to_contain_text(start)
        sync_api.expect(tip).to_contain_text("output Atelectasis")


def test_a_curve_tells_the_point_under_the_pointer(opened: Open) -> None:
    tab = opened()
    line = tab.locator("#figure-roc path.mark[fill=none]").last
    line.scroll_into_view_if_needed()
    x, y = line.evaluate(
        "path => { const p = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM()); "
        "return [p.x, p.y]; }"
    )
    tab.mouse.move(x, y)
    sync_api.expect(tab.locator("#tip")).to_contain_text("here 1 − specificity")


def test_a_table_is_copied_as_text_with_tabs(opened: Open) -> None:
    tab = opened(permissions=["clipboard-read", "clipboard-write"])
    tab.locator("#sheet-table-1 [data-copy-table]").click()
    sync_api.expect(tab.locator("#sheet-table-1 [data-copy-table]")).to_have_text("Copied")
    lines = tab.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[1].startswith("Finding\tPositive\t")
    assert len({line.count("\t") for line in lines[:10]}) == 1
    assert lines[2].startswith("Atelectasis\t")
    assert "a no positive image" in lines


def test_a_table_is_copied_where_the_clipboard_is_closed(opened: Open) -> None:
    tab = opened(permissions=["clipboard-read"])
    tab.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }")
    tab.locator("#sheet-at-a-glance [data-copy-table]").click()
    sync_api.expect(tab.locator("#sheet-at-a-glance [data-copy-table]")).to_have_text("Copied")
    assert "AUROC, mean over findings\t" in tab.evaluate("navigator.clipboard.readText()")


def test_methods_are_copied(opened: Open) -> None:
    tab = opened(permissions=["clipboard-read", "clipboard-write"])
    button = tab.locator("[data-copy-text]")
    button.click()
    sync_api.expect(button).to_have_text("Copied")
    assert tab.evaluate("navigator.clipboard.readText()").startswith("We evaluated two readings.\n\n")


def ground(tab: sync_api.Page) -> str:
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize(("scheme", "first", "second"), [("light", 255, 21), ("dark", 21, 255)])
def test_light_and_dark_follow_the_system_until_the_button_is_used(
    opened: Open, scheme: str, first: int, second: int
) -> None:
    tab = opened(color_scheme=scheme)
    assert ground(tab).startswith(f"rgb({first},")
    tab.locator("#theme").click()
    assert ground(tab).startswith(f"rgb({second},")
    fill = tab.locator("#figure-auroc .mark").first.evaluate("mark => getComputedStyle(mark).fill")
    assert fill == ("rgb(86, 168, 220)" if second == 21 else "rgb(0, 114, 178)")


def test_a_phone_never_scrolls_sideways(opened: Open) -> None:
    tab = opened(360, 780)
    tab.evaluate("for (const details of document.querySelectorAll('main details')) details.open = true")
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.locator(".contents details").get_attribute("open") is None
    assert opened().locator(".contents details").get_attribute("open") is not None


def test_on_paper_everything_is_open_and_light(opened: Open) -> None:
    tab = opened(color_scheme="dark")
    closed = tab.locator("main details:not([open])")
    before = closed.count()
    assert before > 10
    tab.emulate_media(media="print")
    sync_api.expect(closed).to_have_count(0)
    assert ground(tab).startswith("rgb(255,")
    assert not tab.locator("[data-copy-table]").first.is_visible()
    tab.emulate_media(media="screen")
    sync_api.expect(closed).to_have_count(before)


def test_the_page_can_be_read_without_its_script(browser: sync_api.Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    assert tab.locator("#sheet-table-1 td").first.is_visible()
    assert not tab.locator("#sheet-table-1 button").is_visible()
    tab.locator("#sheet-auroc-intervals summary").click()
    assert tab.locator("#sheet-auroc-intervals td").first.is_visible()
    context.close()


def test_a_link_to_a_closed_table_opens_it(opened: Open) -> None:
    tab = opened()
    tab.evaluate("location.hash = 'sheet-auroc-intervals'")
    sync_api.expect(tab.locator("#sheet-auroc-intervals td").first).to_be_visible()


def test_every_figure_file_is_an_image_that_can_be_shown(browser: sync_api.Browser, made: Page, tmp_path: Path) -> None:
    tab = browser.new_page()
    for name, document in made.figures.items():
        (tmp_path / f"{name}.svg").write_text(document, encoding="utf-8")
        tab.goto((tmp_path / f"{name}.svg").as_uri())
        assert tab.evaluate("document.documentElement.tagName") == "svg"
        assert tab.evaluate("document.querySelector('parsererror')") is None
    tab.close()


def test_no_text_of_a_figure_is_cut_off(opened: Open) -> None:
    tab = opened()
    beyond = tab.evaluate(
        "[...document.querySelectorAll('.figure svg')].flatMap(svg => { const frame = svg.getBoundingClientRect(); "
        "return [...svg.querySelectorAll('text')].filter(text => { const box = text.getBoundingClientRect(); "
        "return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 "
        "|| box.bottom > frame.bottom + 1; }).map(text => text.textContent); })"
    )
    assert beyond == []
