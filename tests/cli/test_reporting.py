"""`overread study` and `report --guidelines`: the page, the table and the Markdown say the same, and links resolve."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from overread.analyses.reporting.listing import GUIDELINES
from overread.cli.app import main

N = 240
REPORT = ("report", "old.csv", "new.csv", "--cohort", "truth.csv", "--replicates", "100", "--no-floor")
FULL = (
    "--thorough",
    "--by",
    "gender",
    "--prevalence",
    "Mass=0.1",
    "--adjudicated",
    "panel.csv",
    "--study",
    "study.toml",
)

Run = Callable[..., tuple[int, str]]


def stopped(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["overread", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a plain report of two readers, one with all that can be asked for, and one of one reader."""
    place = tmp_path_factory.mktemp("reporting")
    rows = range(N)
    image = [f"{row:03d}.png" for row in rows]
    known = {
        "patient": [f"p{row // 2:03d}" for row in rows],
        "split": ["train" if row < 80 else "test" for row in rows],
        "age": [20 + row % 60 for row in rows],
        "gender": [("M", "F", "F")[row // 2 % 3] for row in rows],
        "view": [("AP", "PA")[row % 2] for row in rows],
    }
    truth = {"Effusion": [int(row % 3 == 0) for row in rows], "Mass": [int(row % 5 == 0) for row in rows]}
    pl.DataFrame({"image": image} | known | truth).write_csv(place / "truth.csv")
    for name, steps in (("old.csv", (5, 3)), ("new.csv", (4, 11))):
        scores = {f: [(row * step % 17) / 17 for row in rows] for f, step in zip(truth, steps, strict=True)}
        pl.DataFrame({"image": image} | scores)[85:].write_csv(place / name)
    panel = {name: ["YES" if row % 4 == 0 else "NO" for row in range(100, 160)] for name in truth}
    pl.DataFrame({"image": image[100:160]} | panel).write_csv(place / "panel.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert stopped("study") == 0
        form = (place / "study.toml").read_text()
        form = form.replace('funding = ""', 'funding = "None | <b>at all</b>."')
        (place / "study.toml").write_text(form.replace('severity = ""', 'severity = "not applicable: no grades"'))
        assert stopped(*REPORT, "--guidelines", "all", "--out", "plain") == 0
        assert stopped(*REPORT, *FULL, "--out", "full") == 0
        single = ("report", "old.csv", "--cohort", "truth.csv", "--replicates", "100", "--no-floor", "--split", "all")
        assert stopped(*single, "--guidelines", "all", "--out", "single") == 0
        assert stopped(*REPORT, "--out", "without") == 0
        assert stopped(*REPORT, "--guidelines", "van-calster-2025,claim-2024", "--out", "two") == 0
    return place


def table(folder: Path, name: str = "reporting") -> pl.DataFrame:
    return pl.read_csv(folder / "tables" / f"{name}.csv", infer_schema=False).fill_null("")


EACH = pytest.mark.parametrize("name", ["plain", "full", "single", "two"])


@EACH
def test_every_link_of_page_table_and_markdown_resolves(made: Path, name: str) -> None:
    page = (made / name / "report.html").read_text()
    anchors = set(re.findall(r'id="([^"]+)"', page))
    section = page[page.index('<section id="reporting"') : page.index('<section id="appendix"')]
    places = {place for where in table(made / name)["where"] for place in where.split()}
    assert places
    written = (made / name / "reporting.md").read_text()
    linked = set(re.findall(r"\]\(([^)]+)\)", written))
    assert {place.removeprefix("report.html") for place in linked} == places
    assert set(re.findall(r'href="([^"]+)"', section)) == places
    for place in places:
        if place.startswith("#"):
            assert place[1:] in anchors, place
        else:
            assert (made / name / place).is_file(), place


@EACH
def test_page_and_markdown_have_every_item_of_the_table(made: Path, name: str) -> None:
    page = html.unescape((made / name / "report.html").read_text())
    written = (made / name / "reporting.md").read_text()
    rows = table(made / name)
    for row in rows.iter_rows(named=True):
        assert f'">{row["status"]}</td><td>{row["value"]}</td>' in page
        assert row["topic"] in page
    assert written.count("\n| ") >= len(rows)
    for key in rows["guideline"].unique():
        assert f"## {GUIDELINES[key].title}" in written
        assert GUIDELINES[key].citation in page


@EACH
def test_nothing_is_called_compliant(made: Path, name: str) -> None:
    for file in ("report.html", "reporting.md", "tables/reporting.csv"):
        assert "complian" not in (made / name / file).read_text().lower()


def test_only_what_is_asked_for_is_filled_in(made: Path) -> None:
    assert table(made / "two")["guideline"].unique(maintain_order=True).to_list() == ["van-calster-2025", "claim-2024"]
    assert table(made / "without").is_empty()
    assert 'id="reporting"' not in (made / "without" / "report.html").read_text()
    assert not (made / "without" / "reporting.md").exists()
    assert set(table(made / "full")["guideline"]) == set(GUIDELINES)


def test_the_form_is_shown_escaped_and_counts(made: Path) -> None:
    rows = {(row["guideline"], row["item"]): row for row in table(made / "full").iter_rows(named=True)}
    assert rows["claim-2024", "44"]["status"] == "reported"
    assert rows["stard-ai-2025", "26a"]["status"] == "not applicable"
    assert "None | &lt;b&gt;at all&lt;/b&gt;." in (made / "full" / "report.html").read_text()
    assert r"None \| \<b\>at all\</b\>." in (made / "full" / "reporting.md").read_text()


def test_more_is_reported_where_more_was_asked_for(made: Path) -> None:
    plain, full = (
        {
            (row["guideline"], row["item"], row["topic"]): row["status"]
            for row in table(made / name).iter_rows(named=True)
        }
        for name in ("plain", "full")
    )
    calibration = "van-calster-2025", "", "Essential: calibration plot"
    assert (plain[calibration], full[calibration]) == ("missing", "reported")
    fairness = "stard-ai-2025", "23", "Error analysis, bias and fairness: how assessed"
    assert (plain[fairness], full[fairness]) == ("partly", "partly")
    assert plain["tripod-ai-2024", "18a", "Funding"] == "missing"


def test_the_flow_diagram_has_the_counts_of_the_table(made: Path) -> None:
    flow = {row["step"]: int(row["n_images"]) for row in table(made / "plain", "flow").iter_rows(named=True)}
    assert flow["cohort"] - flow["in other splits"] - flow["not scored by all"] == flow["reported"] == 155
    for reader in ("old", "new"):
        drawn = (made / "plain" / "figures" / f"flow-{reader}.svg").read_text()
        for step in ("cohort", "in other splits", "not scored by all", "reported"):
            assert f"{flow[step]} images of" in drawn
        for row in table(made / "plain", "cross_tabulation").filter(reading=reader).iter_rows(named=True):
            numbers = [row[name] for name in ("not_assessed", "ill", "tp", "fn", "healthy", "fp", "tn")]
            assert re.search(r".*?".join(f">{number}</text>" for number in numbers), drawn)


def test_a_filled_in_report_is_verified(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    assert stopped("verify", "plain") == 0
    assert json.loads((made / "plain" / "results.json").read_text())["options"]["guidelines"] == ["all"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--guidelines", "claim"), "claim-2024"),
        (("--study", "absent.toml"), "absent.toml"),
        (("--study", "wrong.toml"), "Expected funding."),
    ],
)
def test_a_wrong_call_is_refused(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(made)
    (made / "wrong.toml").write_text('fundng = "None"')
    assert stopped(*REPORT, *words, "--out", "refused") == 2
    message = capsys.readouterr().err
    assert says in message
    assert len(message.strip().splitlines()) == 1
    assert not (made / "refused").exists()


def test_a_form_is_not_written_over(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    before = (made / "study.toml").read_bytes()
    assert stopped("study") == 2
    assert (made / "study.toml").read_bytes() == before
