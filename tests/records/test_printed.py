"""Printed tables: the digits are kept, heads are understood, and what cannot be read is refused with its cell."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from overread.records.errors import InputError
from overread.records.printed import printed, printed_table, read_printed
from overread.records.tables import Table


def read(tmp_path: Path, text: str, **options: str) -> list[tuple[str, str, dict[str, tuple[float, float]]]]:
    (tmp_path / "t.csv").write_text(text)
    table = read_printed(tmp_path / "t.csv", **options)
    return [(row.model, row.finding, {name: (c.low, c.high) for name, c in row.cells.items()}) for row in table.rows]


def test_wide_and_long_say_the_same(tmp_path: Path) -> None:
    wide = read(
        tmp_path, "Model,Disease,Sens,Specificity (%),LR+,n,note\nA,Mass,0.80,74.2,3,1000,seen\nB,Mass,,74,NR,,\n"
    )
    long = read(
        tmp_path,
        "model,finding,metric,value\nA,Mass,sensitivity,0.80\nA,Mass,Specificity,74.2%\nA,Mass,lr positive,3\n"
        "A,Mass,n_images,1000\nB,Mass,specificity (%),74\n",
    )
    assert wide == long
    assert wide[0][2] == {
        "n_images": (1000, 1000),
        "sensitivity": (0.795, 0.805),
        "specificity": (0.7415, 0.7425),
        "lr_positive": (2.5, 3.5),
    }
    assert wide[1][2] == {"specificity": (0.735, 0.745)}


def test_digits_say_how_much_is_known() -> None:
    assert printed("0.8", "auroc", "").low == 0.75
    assert printed("0.800", "auroc", "").low == 0.7995
    assert printed("0·80", "auroc", "").low == 0.795
    assert printed("1.00", "sensitivity", "").high == 1.0
    assert printed("1,234", "tp", "").value == 1234
    assert printed("∞", "dor", "").low == float("inf")
    assert (printed("0.79", "ppv", "", rounding="down").low, printed("0.79", "ppv", "", rounding="down").high) == (
        0.79,
        0.80,
    )
    assert (printed("0.79", "ppv", "", rounding="either").low, printed("0.79", "ppv", "", rounding="either").high) == (
        0.785,
        0.80,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "sens\n0.8 (0.7-0.9)\n",
            r"t.csv, column sens, row 2: sensitivity is '0.8 \(0.7-0.9\)'.*Leave the interval out",
        ),
        ('sens\n"0,8"\n', "Write a point as decimal mark"),
        ("sens\n80\n", "above 1.*percent sign"),
        ("sens\n-0.1\n", "None of these can be negative"),
        ("sens\n0.9..0.8\n", "ends before it begins"),
        ("tp\n12.5\n", "the count is '12.5'"),
        ("dor\n12%\n", "dor is a ratio"),
        ("sensitivty\n0.8\n", "'sensitivty' is not known.*Is it sensitivity"),
        ("sens,recall\n0.8,0.8\n", "another column of sensitivity"),
        ("model,finding\nA,Mass\n", "no column of a metric"),
        ("metric,value\nkudos,3\n", "row 2: the metric 'kudos' is not known"),
        ("model,sens\nA,0.8\nA,0.9\n", "row 3: sensitivity of A is given already"),
        ("sens\nn/a\n", "t.csv"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_cell(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refusal:
        read(tmp_path, text)
    assert "\n" not in str(refusal.value)


def test_numbers_that_lost_their_digits_are_refused() -> None:
    with pytest.raises(InputError, match="printed digits are lost"):
        printed_table(Table("t", pl.DataFrame({"model": [1], "auroc": [0.8]})))


def test_averages_are_known_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("finding,auroc\nMean,0.8\nMacro average,0.8\nMeander,0.8\n")
    assert [row.average for row in read_printed(tmp_path / "t.csv").rows] == [True, True, False]
