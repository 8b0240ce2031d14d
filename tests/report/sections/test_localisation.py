"""Heat maps on the page: what is said follows the tables; pictures are folded, carried within, and may be too many."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from overread.analyses.localisation import localisation as measured
from overread.records.heatmaps import BOX_COLUMNS, OVERLAY_COLUMNS, Explained, HeatMaps
from overread.records.tables import Source
from overread.report import numbers
from overread.report.page import page
from overread.report.section import Section
from overread.report.sections import localisation


def explained(folder: Path, *, boxes: bool = True, alike: bool = False) -> Explained:
    rng = np.random.default_rng(0)
    images = tuple(f"{k}.png" for k in range(30))
    left = 40.0 if alike else 180.0
    rows = [(image, image, "Mass", 40.0 if k % 2 else left, 40.0, 40.0, 40.0) for k, image in enumerate(images)]
    rows = rows if boxes else []
    maps = HeatMaps(
        reading="<b>model</b>",
        method="gradcam",
        findings=("Mass", "Edema"),
        images=images,
        patients=images,
        split="test",
        maps=rng.random((30, 2, 7, 7)),
        scores=rng.random((30, 2)),
        labels=rng.integers(0, 2, (30, 2)).astype(np.int8),
        thresholds=np.array([0.5, np.nan]),
        rule="youden",
        chosen_on="val rows",
        size=256,
        area=(16.0, 16.0, 224.0, 224.0),
        boxes=pl.DataFrame(rows, schema=BOX_COLUMNS, orient="row"),
    )
    (folder / "overlays").mkdir(exist_ok=True)
    (folder / "overlays" / "0000.webp").write_bytes(b"picture")
    (folder / "overlays" / "0001.webp").write_bytes(b"p" * 1000)
    shown = [
        ("0000.webp", "0.png", "Mass", "true positive", 0.9, 0.5, 0.2, 0.4, "highest score; <script>"),
        ("0001.webp", "1.png", "Edema", "positive", 0.4, None, 0.0, 0.0, "no heat"),
    ]
    overlays = pl.DataFrame(shown, schema=OVERLAY_COLUMNS, orient="row")
    return Explained(folder, maps, measured(maps, replicates=100), overlays, Source("heatmaps.json", "ab" * 32, 10))


def given(second: SimpleNamespace, each: Explained) -> Section:
    second.explained = (each,)
    second.tables |= each.tables
    found = localisation.section(second)  # type: ignore[arg-type] # a stand-in
    assert found is not None
    return found


def test_no_heat_maps_no_section(second: SimpleNamespace) -> None:
    assert localisation.section(second) is None  # type: ignore[arg-type] # a stand-in


def test_the_lead_says_value_floor_ceiling_and_that_there_is_no_skill(second: SimpleNamespace, tmp_path: Path) -> None:
    each = explained(tmp_path)
    said = given(second, each).lead[0].replace(numbers.SPACE, " ")
    row = each.tables["localisation"].filter(
        pl.col("finding") == "mean", pl.col("metric") == "pointing_game", pl.col("threshold") == 0
    ).row(0, named=True)  # fmt: skip
    assert f"on {100 * row['value']:.1f} %" in said
    assert f"the grid allows {100 * row['ceiling']:.1f} %" in said
    assert "it is not shown to find its place better than a map that sees no image" in said


def test_where_the_floor_is_the_ceiling_there_is_no_skill_to_speak_of(second: SimpleNamespace, tmp_path: Path) -> None:
    assert "no room for skill" in given(second, explained(tmp_path, alike=True)).lead[0]


def test_without_boxes_pictures_are_shown_and_nothing_is_measured(second: SimpleNamespace, tmp_path: Path) -> None:
    found = given(second, explained(tmp_path, boxes=False))
    assert "shown, not measured" in found.lead[0]
    assert len(found.context["gallery"]) == 2


def test_the_page_carries_the_pictures_folded_and_escapes_what_is_said(second: SimpleNamespace, tmp_path: Path) -> None:
    given(second, explained(tmp_path))
    html = page(second).html  # type: ignore[arg-type] # a stand-in
    assert 'src="data:image/webp;base64,cGljdHVyZQ=="' in html
    assert "<b>model</b>" not in html
    assert "highest score; &lt;script&gt;" in html
    assert "img-src data:" in html
    assert html.index('id="where-it-looks"') < html.index('class="gallery"')


def test_a_page_carries_no_more_than_it_can(
    second: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localisation, "MOST_BYTES", 100)
    found = given(second, explained(tmp_path))
    assert len(found.context["gallery"]) == 1
    assert "1 more picture would make the page too large" in found.context["legend"]
