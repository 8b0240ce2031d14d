"""The page and the folder of an audit: every section, names that are hostile, the same bytes again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from overread.analyses.audit import Audit, audit
from overread.records.adjudicated import Adjudicated
from overread.records.cohort import cohort_from_frame
from overread.records.errors import InputError
from overread.records.reading import reading_from_frame
from overread.report.audit_page import audit_page, write_audit

EVIL = '<script>alert("1")</script>'
N = 60


@pytest.fixture(scope="module")
def found() -> Audit:
    table = pl.DataFrame(
        {
            "image": [f"{row}.png" for row in range(N)],
            "patient": [EVIL if row < 4 else f"p{row // 2}" for row in range(N)],
            "split": ["train" if row % 3 else "test" for row in range(N)],
            "age": [20 + row for row in range(N)],
            "gender": ["M", EVIL] * (N // 2),
            "site": [EVIL, "b", "c"] * (N // 3),
            "Mass": [int(row % 4 == 0) for row in range(N)],
            EVIL: [int(row % 5 == 0) for row in range(N)],
        }
    )
    cohort = cohort_from_frame(table, name=EVIL, findings=["Mass", EVIL])
    reading = reading_from_frame({"image": ["1.png", "x.png"], "Mass": [0, 1]}, name=EVIL)
    answers = np.array([[row % 4 == 0, row % 5 != 0] for row in range(N)], np.int8)
    truth = Adjudicated(EVIL, table["image"], ("Mass", EVIL), answers)
    return audit(cohort, [reading], adjudicated=truth)


def test_the_page_has_its_sections_and_runs_nothing_of_the_input(found: Audit) -> None:
    html = audit_page(found).html
    sections = ("answer", "points", "patients", "readings", "prevalence", "attributes", "together", "labels", "blind")
    for section in sections:
        assert f'<section id="{section}"' in html
    assert '<section id="boxes"' not in html
    assert EVIL not in html
    assert html.count("<script") == 1
    assert "No patient has more than 10 images." in html
    for sentence in found.summary[1:3]:
        assert sentence.split("<")[0].split(" %")[0][:40] in html


def test_a_cohort_of_images_alone_has_a_page() -> None:
    page = audit_page(audit(cohort_from_frame({"image": ["1", "2"], "Mass": [0, 1]})))
    assert '<section id="patients"' not in page.html
    assert '<section id="labels"' not in page.html
    assert set(page.figures) == {"prevalence"}


def test_writes_the_page_the_results_every_table_and_every_figure(found: Audit, tmp_path: Path) -> None:
    page = write_audit(found, tmp_path / "audit")
    assert page == tmp_path / "audit" / "audit.html"
    files = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*") if path.is_file()}
    assert {name for name in files if name.startswith("tables/")} == {f"tables/{name}.csv" for name in found.tables}
    document = json.loads((page.parent / "results.json").read_text())
    assert document["format"] == "overread audit"
    assert document["files"] == sorted(files)
    assert document["tables"]["shared_patients"] == found.tables["shared_patients"].to_dicts()


def test_the_same_audit_gives_the_same_bytes_and_force_replaces_it(found: Audit, tmp_path: Path) -> None:
    write_audit(found, tmp_path / "audit")
    before = (tmp_path / "audit" / "audit.html").read_bytes(), (tmp_path / "audit" / "results.json").read_bytes()
    with pytest.raises(InputError, match="--force"):
        write_audit(found, tmp_path / "audit")
    write_audit(found, tmp_path / "audit", force=True)
    assert before == (
        (tmp_path / "audit" / "audit.html").read_bytes(),
        (tmp_path / "audit" / "results.json").read_bytes(),
    )
    assert [path.name for path in tmp_path.iterdir()] == ["audit"]
