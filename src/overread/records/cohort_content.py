"""What a cohort says, as one checksum: the same for the same truth, in whatever file and order it comes."""

from __future__ import annotations

import hashlib

import polars as pl

from overread.records.cohort import Cohort


def content_checksum(cohort: Cohort) -> str:
    """Return the SHA-256 of a cohort's images, patients, splits, attributes and labels.

    Rows are taken by image name and columns by name, so that a table sorted or packed anew keeps its checksum, and
    one changed label loses it. Boxes take no part: no score is judged by them.

    >>> from overread.records.cohort import cohort_from_frame
    >>> a = cohort_from_frame({"image": ["1.png", "2.png"], "Mass": [0, 1]})
    >>> b = cohort_from_frame({"Mass": [1, 0], "image": ["2.png", "1.png"]})
    >>> content_checksum(a) == content_checksum(b)
    True
    """
    labels = pl.DataFrame({f"finding {name}": cohort.labels[:, place] for place, name in enumerate(cohort.findings)})
    table = cohort.table.select(pl.all().cast(pl.String).name.prefix("column "))
    whole = pl.concat([table, labels], how="horizontal").sort("column image")
    return hashlib.sha256(whole.select(sorted(whole.columns)).write_csv().encode()).hexdigest()
