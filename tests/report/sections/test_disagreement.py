"""Where readings disagree: cells, sentences and marks are those of the tables; the prevalence stands beside shares."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.records.findings import display
from overread.report import numbers
from overread.report.page import page
from overread.report.section import Figure, Section, Sheet
from overread.report.sections import disagreement


def sheet(section: Section, start: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name.startswith(start))


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def cells(section: Section, start: str) -> dict[str, list[str]]:
    rows = sheet(section, start).rows
    return {row[0].text: [cell.text.replace(numbers.SPACE, " ") for cell in row[1:]] for row in rows}


def with_readings(second: SimpleNamespace, more: int) -> SimpleNamespace:
    """Return the second reading with further readings, every pair of which has the rows of the first."""
    names = (*second.readings, *(f"reader {k}" for k in range(more)))
    of_all = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    for name in ("comparisons", "disagreement", "reclassification", "largest_disagreements"):
        table = second.tables[name]
        copies = [table.with_columns(reading_a=pl.lit(a), reading_b=pl.lit(b)) for a, b in of_all]
        second.tables[name] = pl.concat(copies)
    second.readings = names
    return second


def test_one_reading_disagrees_with_none(second: SimpleNamespace) -> None:
    second.readings = ("zech",)
    assert disagreement.section(second) is None


def test_every_cell_is_the_table_s_number(second: SimpleNamespace) -> None:
    written = cells(disagreement.section(second), "calls")
    rows = second.tables["disagreement"].filter(pl.col("n_images").is_not_null()).rows(named=True)
    for row in rows:
        name = "All findings together" if row["finding"] == "pooled" else display(row["finding"])
        ill = []
        for side in ("only_a", "only_b"):
            ends = [row[f"share_ill_{side}{end}"] for end in ("", "_low", "_high")]
            known = ends[0] is not None
            ill.append("{:.1f} ({:.1f} to {:.1f})".format(*(100 * end for end in ends)) if known else numbers.DASH)
        kappa = f"{row['kappa']:.2f} (0.40 to 0.60)" if row["kappa"] is not None else numbers.DASH
        assert written[name] == [
            f"{row['n_positive']:,} ({100 * row['n_positive'] / row['n_images']:.1f} %)",
            f"{row['n_both']:,}",
            f"{row['n_neither']:,}",
            f"{row['n_only_a']:,}",
            ill[0],
            f"{row['n_only_b']:,}",
            ill[1],
            kappa,
        ]
    assert len(written) == len(second.study.findings) + 1


def test_notes_stand_where_they_belong(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    rows = {row[0].text: row for row in sheet(disagreement.section(second), "calls").rows}
    assert rows["Atelectasis"][7].note == f"no image is called by {evil.reading} alone"
    assert rows["All findings together"][8].note == "kappa is not pooled over findings"
    assert rows[display(evil.empty)][0].note == "no threshold in one reading or both"
    assert {cell.text for cell in rows[display(evil.empty)][1:]} == {numbers.DASH}


def test_the_sentences_have_the_table_s_numbers_and_the_prevalence(
    second: SimpleNamespace, evil: SimpleNamespace
) -> None:
    said = text(disagreement.section(second))
    n = second.tables["disagreement"].filter(finding="Atelectasis")["n_positive"][0]
    assert (
        f"On Atelectasis, 1,000 images are called by zech alone and 0 by {evil.reading} alone; of those of zech alone "
        f"12.0 % (95 % interval 10.0 to 14.0 %) are ill; {100 * n / 22433:.1f} % of all images are."
    ) in said
    assert "of the former 12.0 % (95 % interval 10.0 to 14.0 %) are right, of the latter 5.0 % (4.0 to 6.0 %)." in said
    assert "changes by +1.2 (95 % interval −0.4 to +3.0) percentage points" in said
    assert "spared by −2.1 (−3.0 to −1.0)." in said
    assert "agree least on Atelectasis (kappa 0.50)" in said
    assert f"The lone calls of zech are right more often than those of {evil.reading} on Cardiomegaly, Effusion" in said


def test_shares_whose_intervals_overlap_are_not_set_apart(second: SimpleNamespace) -> None:
    table = second.tables["disagreement"]
    second.tables["disagreement"] = table.with_columns(share_ill_only_a_low=pl.lit(0.01))
    assert "On no finding do the 95 % intervals" in text(disagreement.section(second))


def test_ill_and_healthy_are_counted_apart(second: SimpleNamespace) -> None:
    section = disagreement.section(second)
    written = cells(section, "reclassification")
    n = second.tables["disagreement"].filter(finding="Mass")["n_positive"][0]
    healthy = [f"{22433 - n:,}", "880", "304", "−2.1 (−3.0 to −1.0)"]
    assert written["Mass"] == [f"{n:,}", "120", "15", "+1.2 (−0.4 to +3.0)", *healthy]
    assert any("is not given" in foot for foot in sheet(section, "reclassification").foot)


def test_images_to_look_at_stand_as_in_the_table(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    rows = [[cell.text for cell in row] for row in sheet(disagreement.section(second), "images").rows]
    first, below, unknown = rows[0], rows[1], rows[2]
    assert first == ["0.png", "Atelectasis", "present", "zech", "0.3100", "98.8", "yes", "0.01230", "3.2", "no"]
    assert below[:4] == ["<b>0</b>.png", "Atelectasis", "absent", evil.reading]
    assert below[6::3] == ["no", "yes"]
    assert unknown[6::3] == [numbers.DASH, numbers.DASH]
    assert len(rows) == second.tables["largest_disagreements"].height


def test_the_images_are_closed_until_they_are_asked_for(second: SimpleNamespace) -> None:
    assert not sheet(disagreement.section(second), "images").shown


def test_marks_say_the_share_and_the_prevalence(second: SimpleNamespace) -> None:
    rows = disagreement.drawn_rows(second, tuple(second.readings))
    mass = rows.filter(pl.col("row") == "Mass")
    assert mass["value"].to_list()[:2] == pytest.approx([12.0, 5.0])
    n = second.tables["disagreement"].filter(finding="Mass")["n_positive"][0]
    assert mass["value"][2] == pytest.approx(100 * n / 22433)
    assert "called by zech alone: 1,004 images, of which 12.0" in mass["sentence"][0]


@pytest.mark.parametrize(("more", "n_pairs"), [(0, 1), (2, 6)])
def test_the_first_pairs_are_shown_in_full_and_all_have_tables(
    second: SimpleNamespace, more: int, n_pairs: int
) -> None:
    section = disagreement.section(with_readings(second, more))
    assert len([block for block in section.blocks if isinstance(block, Figure)]) == min(3, n_pairs)
    assert len([block for block in section.blocks if block.name.startswith("images")]) == min(3, n_pairs)
    assert len([block for block in section.blocks if block.name.startswith("calls")]) == n_pairs
    assert len({block.name for block in section.blocks}) == len(section.blocks)
    assert ("are shown in full" in text(section)) == (n_pairs > 3)


def test_readings_that_call_alike_are_said_to(second: SimpleNamespace) -> None:
    alone = [pl.lit(0, dtype=pl.Int64).alias(name) for name in ("n_only_a", "n_only_b")]
    second.tables["disagreement"] = second.tables["disagreement"].with_columns(alone)
    assert "call the same images for every finding" in text(disagreement.section(second))


def test_names_of_images_stay_text(second: SimpleNamespace) -> None:
    html = page(second).html
    assert "&lt;b&gt;0&lt;/b&gt;.png" in html
    assert "<b>0</b>" not in html
