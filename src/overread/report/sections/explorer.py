"""The explorer: move thresholds and prevalence, and see what it would mean for people. Its script does the moving."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from overread.records.findings import display, key
from overread.report import lookup
from overread.report.section import Section

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

COUNTS = ("tp", "fp", "fn", "tn")
PEOPLE = 1000
GROUPS: dict[str, dict[str, str]] = {
    "people": {
        "found": "Ill, found (TP)",
        "missed": "Ill, missed (FN)",
        "referred": "Healthy, referred (FP)",
        "spared": "Healthy, spared (TN)",
    },
    "rates": {
        "sensitivity": "Sensitivity",
        "specificity": "Specificity",
        "ppv": "PPV",
        "npv": "NPV",
        "lr_positive": "LR+",
        "lr_negative": "LR−",
        "dor": "Diagnostic odds ratio",
    },
    "counts": {
        "tp": "True positives",
        "fp": "False positives",
        "fn": "False negatives",
        "tn": "True negatives",
    },
}
"""The rows of the explorer's table by their group, each with the name by which its script fills it."""


def section(second: SecondReading) -> Section | None:
    """Return the explorer; nothing where no finding has both positives and negatives."""
    known = findings(second)
    if not known:
        return None
    curves = known_curves(second)
    context = {
        "readers": second.readings,
        "looks": [lookup.readers(second).look(name) for name in second.readings],
        "findings": [
            {"title": display(finding), "place": known.index(finding) if finding in known else None}
            for finding in second.study.findings
        ],
        "groups": GROUPS,
        "data": {
            "people": PEOPLE,
            "bins": bins(second),
            "readers": [reader(second, name) for name in second.readings],
            "findings": [
                explored(second, finding, [curves[name, finding] for name in second.readings]) for finding in known
            ],
        },
    }
    title = "Explore: other thresholds, another prevalence"
    return Section("explorer", title, tuple(lead(second)), (), GUIDE, template="explorer.html", context=context)


def findings(second: SecondReading) -> list[str]:
    """Return the findings that can be explored: those with a curve for every reader."""
    table = second.tables.get("explorer")
    known = set() if table is None else set(table["finding"])
    return [finding for finding in second.study.findings if finding in known]


def lead(second: SecondReading) -> list[str]:
    """Say what can be done here."""
    readers = "the reader" if len(second.readings) == 1 else "each reader"
    return [
        f"Choose a finding, move the threshold of {readers} and the prevalence, and see what that would mean for "
        f"{PEOPLE:,} people. It begins with the report's own operating points, at the prevalence of this cohort."
    ]


def known_curves(second: SecondReading) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is embedded of each reader and finding."""
    tables = second.tables
    ours = pl.col("reading").is_in(second.readings)
    own = tables["thresholds"].filter(ours, pl.col("threshold").is_not_null())
    reported = own.sort("fold").partition_by("reading", "finding", as_dict=True)
    scores = tables["score_histogram"].partition_by("reading", "finding", as_dict=True)
    return {
        (str(reading), str(finding)): {
            **curve(rows),
            "own": [list(row) for row in reported[reading, finding].select("threshold", *COUNTS).iter_rows()]
            if (reading, finding) in reported
            else [],
            "ill": trimmed(scores[reading, finding]["n_positive"].to_list()),
            "healthy": trimmed(scores[reading, finding]["n_negative"].to_list()),
        }
        for (reading, finding), rows in tables["explorer"].partition_by("reading", "finding", as_dict=True).items()
    }


def curve(rows: pl.DataFrame) -> dict[str, list[Any]]:
    """Return thresholds from the highest down, and how many true and false positives each adds to the one before.

    Steps are shorter to write than counts. Thresholds have all the digits that tell them from any other number, so
    that one copied from the page calls the same images again.
    """
    falling = rows.sort("threshold", descending=True)
    tp, fp = (np.diff(falling[name].to_numpy(), prepend=0).tolist() for name in ("tp", "fp"))
    return {"threshold": falling["threshold"].to_list(), "tp": tp, "fp": fp}


def trimmed(counts: Sequence[int]) -> list[Any]:
    """Return the place of the first bin that is not empty, and the counts from there to the last that is not.

    >>> trimmed([0, 0, 3, 0, 1, 0])
    [2, [3, 0, 1]]
    """
    filled = [place for place, count in enumerate(counts) if count]
    return [filled[0], list(counts[filled[0] : filled[-1] + 1])]


def bins(second: SecondReading) -> dict[str, float]:
    """Return where the bins of scores begin and how wide they are, on the logit scale."""
    low, high = second.tables["score_histogram"].select("low", "high").row(0)
    start, end = (log(edge / (1 - edge)) for edge in (low, high))
    return {"start": start, "width": end - start}


def reader(second: SecondReading, name: str) -> dict[str, str]:
    """Return name and look of a reader, as in the figures."""
    look = lookup.readers(second).look(name)
    return {"name": name, "colour": look.colour, "shape": look.shape, "dash": look.dash or ""}


def explored(second: SecondReading, finding: str, of_readers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is embedded of a finding: the images, the clinic's prevalence where one is given, every reader."""
    given = {key(name): share for name, share in second.options.prevalence.items()}.get(key(finding))
    first = second.tables["explorer"].filter(pl.col("finding") == finding).row(0, named=True)
    return {
        "name": finding,
        "title": display(finding),
        "positive": first["tp"] + first["fn"],
        "negative": first["fp"] + first["tn"],
        "given": given,
        "readers": of_readers,
    }


GUIDE = (
    (
        "Two readers are best compared at equal sensitivity or at equal specificity: choose the reader that is held, "
        "and the others go to the nearest threshold at which they reach at least as much."
    ),
    (
        "These are counts on the reported images, without intervals. A threshold chosen here has been chosen by "
        "looking at the answers, and will look better than it is; try it on other images before relying on it."
    ),
    (
        "The thresholds on offer are observed scores, up to 300 along each ROC curve, and the report's own. The counts "
        "at each are exact, and it can be copied into --operating-point fixed=... to have all tables of the report."
    ),
    (
        "PPV, NPV, the precision-recall curve and the people are worked out from sensitivity and specificity at the "
        "prevalence that is set. That holds if ill and healthy people elsewhere are like those of this cohort."
    ),
    (
        "Scores: bars go up for images with the finding and down for those without, as shares of each; what is called "
        "is dark. The scale is that of the log odds; scores below 0.0001 or above 0.9999 stand in the outermost bars."
    ),
)
