#!/usr/bin/env python3
"""Make the compact ChestX-ray14 table that ships inside overread from NIH's label table and official split.

Usage: python scripts/make_chestxray14.py FOLDER

FOLDER holds Data_Entry_2017_v2020.csv (or .csv.gz), train_val_list.txt and test_list.txt as NIH provides them at
https://nihcc.app.box.com/v/ChestXray-NIHCC. An image's name is its patient's number in eight digits and a number in
three; the latter is not always the follow-up number, so both are kept.
The findings of an image are 14 bits in the order of Wang et al. 2017.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from overread.records.cohort import Cohort, read_cohort
from overread.records.findings import NIH_FINDINGS
from overread.records.nih import SHIPPED_FILE


def compact(cohort: Cohort) -> pl.DataFrame:
    """Return the cohort in as few bits as it needs, sorted by image name."""
    if cohort.findings != NIH_FINDINGS or (cohort.labels < 0).any():
        raise SystemExit(f"expected NIH's 14 findings, assessed on every image; found {cohort.findings}")
    bits = (cohort.labels.astype(np.uint16) << np.arange(len(NIH_FINDINGS), dtype=np.uint16)).sum(1, dtype=np.uint16)
    number = pl.col("image").str.slice(-7, 3)
    table = cohort.table.with_columns(pl.Series("findings", bits)).sort("image")
    names = pl.format("{}_{}.png", pl.col("patient").str.zfill(8), number)
    for what, holds in {
        "an image name is not made of patient and number": pl.col("image") == names,
        "a split is neither train nor test": pl.col("split").is_in(["train", "test"]),
        "a gender is neither F nor M": pl.col("gender").is_in(["F", "M"]),
        "a view is neither AP nor PA": pl.col("view").is_in(["AP", "PA"]),
        "an age is missing": pl.col("age").is_not_null(),
    }.items():
        if not table.select(holds.fill_null(False).all()).item():
            raise SystemExit(what)
    return table.select(
        pl.col("patient").cast(pl.UInt16),
        number.cast(pl.UInt8).alias("number"),
        pl.col("follow_up").cast(pl.UInt8),
        "findings",
        pl.col("age").cast(pl.UInt16),
        (pl.col("gender") == "F").alias("female"),
        (pl.col("view") == "AP").alias("ap"),
        (pl.col("split") == "test").alias("test"),
    )


def main(folder: str) -> None:
    table = compact(read_cohort(folder))
    SHIPPED_FILE.parent.mkdir(exist_ok=True)
    table.write_parquet(SHIPPED_FILE, compression="zstd", compression_level=22, statistics=False)
    print(f"{SHIPPED_FILE}: {len(table):,} images, {SHIPPED_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
