"""A second reading with simulated numbers: two readers and a blind floor, 14 findings, names that contain HTML."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from overread.analyses import (
    attribute_prediction,
    calibration,
    comparison,
    decisions,
    disagreement,
    exchange,
    floor_matched,
    literature,
    prevalence_following,
    recipes,
    shortcuts,
    smooth_calibration,
    strata,
    subgroups,
)
from overread.analyses.options import Options
from overread.analyses.passage import Passage
from overread.records.findings import NIH_FINDINGS
from overread.report import write_report
from overread.report.page import Page, page

EVIL = '<script>alert("1")</script>'
EVIL_FINDING = "<img src=x onerror=alert(1)>&amp;'\"</script>"
READINGS = ("zech", EVIL)
FLOOR = "blind"
FINDINGS = (*NIH_FINDINGS[:13], EVIL_FINDING)
METRICS = ("sensitivity", "specificity", "accuracy", "f1", "ppv", "npv", "lr_positive", "lr_negative", "dor")
RATIOS = ("lr_positive", "lr_negative", "dor")
EMPTY = FINDINGS[12]
"""A finding without a positive image: nothing about it can be computed."""


def simulated_tables() -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(7)
    n_positive = dict(zip(FINDINGS, rng.integers(90, 4000, len(FINDINGS)).tolist(), strict=True)) | {EMPTY: 0}
    return {
        "provenance": pl.DataFrame(
            [
                (EVIL, "constant column", "Mass", "serious", f"Every score of Mass by {EVIL} is 0.5: never trained."),
                ("zech", "rounding", "", "note", "4 % of the scores are tied: they look rounded."),
            ],
            schema=["reading", "check", "finding", "severity", "message"],
            orient="row",
        ),
        "cohort": cohort_table(n_positive),
        "estimates": estimates_table(rng, n_positive),
        "curves": curves_table(),
        "thresholds": thresholds_table(rng, n_positive),
        "consequences": consequences_table(),
        "panel": panel_table(rng),
        **label_count_tables(),
        **activation_tables(rng, n_positive),
        "differential": differential_table(rng),
        **comparison_tables(n_positive),
        **exchange_tables(),
        **decision_tables(),
        **disagreement_tables(n_positive),
        **recipe_tables(n_positive),
        "literature": literature_table(),
        **calibration_tables(n_positive),
        **attribute_tables(n_positive),
        **shortcut_tables(n_positive),
        "attribute_prediction": attribute_prediction_table(),
        "prevalence_following": following_table(),
    }


def cohort_table(n_positive: dict[str, int]) -> pl.DataFrame:
    rows = []
    for split, size in (("reported", 22433), ("train", 76000), ("test", 22433)):
        rows.append((split, "", size, size // 4, size // 2, 0.5))
        for finding, n in n_positive.items():
            rows.append((split, finding, size, size // 4, n * size // 22433, n / 22433))
    columns = ["split", "finding", "n_images", "n_patients", "n_positive", "prevalence"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def estimate(reading: str, finding: str, metric: str, value: float | None, half: float, method: str, note: str = ""):
    low, high = (None, None) if value is None else (value - half, value + half)
    return (reading, finding, "", "", metric, value, low, high, 0.95, method, note, 22433, 1234)


def estimates_table(rng: np.random.Generator, n_positive: dict[str, int]) -> pl.DataFrame:
    rows = []
    for reading in (*READINGS, FLOOR):
        for finding in (*FINDINGS, "mean", "weighted", "pooled"):
            lacking, note = n_positive.get(finding) == 0, "no positive image"
            centre = 0.6 if reading == FLOOR else 0.82
            if finding != "pooled":
                for metric, method in (
                    ("auroc", "bootstrap"),
                    ("average_precision", "bootstrap"),
                    *((("auroc", "obuchowski"), ("auroc", "delong")) if finding in n_positive else ()),
                ):
                    value = centre + rng.normal(0, 0.05) - (0.5 if metric != "auroc" else 0)
                    rows.append(
                        estimate(reading, finding, metric, None if lacking else value, 0.02, method, note * lacking)
                    )
            for metric in METRICS:
                value = float(np.exp(rng.normal(1, 0.4)) if metric in RATIOS else rng.uniform(0.6, 0.9))
                noted = "averaged on the log scale" if metric in RATIOS and finding == "mean" else note * lacking
                rows.append(estimate(reading, finding, metric, None if lacking else value, 0.03, "bootstrap", noted))
    rows += calibration_rows(n_positive)
    columns = [
        "reading",
        "finding",
        "attribute",
        "subgroup",
        "metric",
        "value",
        "low",
        "high",
        "level",
        "method",
        "note",
        "n_images",
        "n_positive",
    ]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def calibration_rows(n_positive: dict[str, int]) -> list[tuple[object, ...]]:
    """Return measures of calibration over all images, and what the subgroups have of them and of the AUROC."""
    measures = (
        ("brier", 0.08, "bootstrap"),
        ("calibration_intercept", -0.1, "sandwich"),
        ("calibration_slope", 0.8, "sandwich"),
        ("ece", 0.02, "bootstrap (inverted)"),
    )
    rows = []
    for reading, finding in product(READINGS, (*n_positive, "mean")):
        lacking, note = n_positive.get(finding) == 0, "no positive image"
        for metric, value, method in measures:
            rows.append(estimate(reading, finding, metric, None if lacking else value, 0.015, method, note * lacking))
        within = (("auroc", 0.8), ("sensitivity", 0.7), ("specificity", 0.75), ("ppv", 0.3))
        within += (("calibration_intercept", 0.1), ("calibration_slope", 0.9))
        for (attribute, names), (metric, value) in product(SUBGROUPS.items(), within):
            for subgroup in names:
                row = estimate(reading, finding, metric, None if lacking else value, 0.02, "bootstrap", note * lacking)
                rows.append((*row[:2], attribute, subgroup, *row[4:]))
    return rows


def curves_table() -> pl.DataFrame:
    frames = []
    t = np.linspace(0, 1, 120)
    for place, reading in enumerate((*READINGS, FLOOR)):
        for finding in FINDINGS:
            if finding == EMPTY:
                continue
            power = 0.8 if reading == FLOOR else 0.25 + 0.05 * place
            for curve, y in (("roc", t**power), ("precision_recall", 0.1 + 0.6 * (1 - t) ** (3 * power))):
                frames.append(
                    pl.DataFrame({"x": t, "y": y, "threshold": 1 - t}).select(
                        pl.lit(reading).alias("reading"),
                        pl.lit(finding).alias("finding"),
                        pl.lit(curve).alias("curve"),
                        "x",
                        "y",
                        "threshold",
                    )
                )
    return pl.concat(frames)


def thresholds_table(rng: np.random.Generator, n_positive: dict[str, int]) -> pl.DataFrame:
    rows = []
    for reading, finding, fold in product((*READINGS, FLOOR), FINDINGS, (0, 1)):
        n = n_positive[finding] // 2
        tp, fp = int(n * 0.75), 2500
        cells = (None,) * 5 if n == 0 else (float(rng.uniform(0.01, 0.3)), tp, fp, n - tp, 11000 - n - fp)
        rows.append((reading, finding, fold, cells[0], "youden", "the other fold", *cells[1:]))
    columns = ["reading", "finding", "fold", "threshold", "rule", "chosen_on", "tp", "fp", "fn", "tn"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def consequences_table() -> pl.DataFrame:
    rows = []
    for reading, finding in product((*READINGS, FLOOR), (*FINDINGS, "mean")):
        rows.append((reading, finding, 0.1, "this cohort", "all", 75.0, 25.0, 225.0, 675.0, 3.0))
        rows.append((reading, finding, 0.1, "this cohort", "ill", 750.0, 250.0, None, None, None))
        rows.append((reading, finding, 0.1, "this cohort", "healthy", None, None, 250.0, 750.0, None))
    columns = [
        "reading",
        "finding",
        "prevalence",
        "prevalence_source",
        "per",
        "found",
        "missed",
        "referred_healthy",
        "spared",
    ]
    return pl.DataFrame(rows, schema=[*columns, "false_positives_per_true_positive"], orient="row")


def panel_table(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for reading in READINGS:
        for metric, value, n in (
            ("any_false_call", 0.683, 9861),
            ("false_calls_per_healthy_image", 2.61, 9861),
            ("any_false_call_if_independent", 0.964, 9861),
            ("all_found", 0.48, 12572),
            ("some_found", 0.32, 12572),
            ("none_found", 0.2, 12572),
        ):
            shifted = value * float(rng.uniform(0.9, 1.03))
            rows.append((reading, metric, shifted, shifted - 0.01, shifted + 0.01, 0.95, "", n))
    columns = ["reading", "metric", "value", "low", "high", "level", "note", "n_images"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def label_count_tables() -> dict[str, pl.DataFrame]:
    rows = []
    counts = (9861, 7992, 5021, 1958, 572, 152, 31, 8, 1)
    for place, reading in enumerate(READINGS):
        for k, n in enumerate(counts):
            loss, half = 0.06 + 0.14 * k + 0.02 * place, 0.4 / n**0.5
            whole = (loss, None, None) if n == 1 else (loss, loss - half, loss + half)
            present = (None,) * 3 if k == 0 else (2.1 - 0.05 * k, 2.1 - half, 2.1 + half)
            absent = (0.05 + 0.01 * k, 0.05 - half / 10, 0.06 + half / 10)
            rows.append((reading, k, n, *whole, *present, *absent, 0.95, "one patient: no interval" * (n == 1)))
    losses = [f"loss_{kind}{end}" for kind in ("present", "absent") for end in ("", "_low", "_high")]
    columns = ["reading", "n_labels", "n_images", "mean_loss", "low", "high", *losses, "level", "note"]
    fit = pl.DataFrame(
        [(reading, 0.14, 0.135, 0.145, 0.95, 0.06 + 0.02 * place, 0.98, "") for place, reading in enumerate(READINGS)],
        schema=["reading", "slope", "low", "high", "level", "intercept", "r_squared", "note"],
        orient="row",
    )
    table = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return {"label_count": table, "label_count_fit": fit}


def activation_tables(rng: np.random.Generator, n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    rows, tops, points = [], [], []
    for reading in READINGS:
        base = rng.uniform(0.01, 0.3, len(FINDINGS))
        ranks = np.zeros((len(FINDINGS), len(FINDINGS)), int)
        for i, true in enumerate(FINDINGS):
            n = n_positive[true] // 2
            means = base * np.exp(rng.normal(0, 0.5, len(FINDINGS)))
            means[i] = base[i] * 4
            ranks[i] = (-means).argsort().argsort() + 1
            for j, output in enumerate(FINDINGS):
                cells = (None,) * 4 if n == 0 else (means[j], means[j] * 0.9, means[j] * 1.1, int(ranks[i, j]))
                ratio = None if n == 0 else means[j] / base[j]
                note = "no image carries only this finding" if n == 0 else ""
                rows.append((reading, true, n, output, *cells, base[j], ratio, 0.95, note))
        for j, output in enumerate(FINDINGS):
            places = [int((ranks[:, j] == place).sum()) for place in (1, 2, 3)]
            tops.append((reading, output, *places))
            points.append((reading, output, n_positive[output], sum(places)))
    columns = "reading true_finding n_images output mean_activation low high rank base_activation ratio level note"
    frequency = [(reading, "spearman", 0.71, 0.0051, 14, "p by 9,999 permutations") for reading in READINGS]
    return {
        "activations": pl.DataFrame(rows, schema=columns.split(), orient="row", infer_schema_length=None),
        "top_activations": pl.DataFrame(tops, schema=["reading", "output", "first", "second", "third"], orient="row"),
        "frequency": pl.DataFrame(
            frequency, schema=["reading", "metric", "value", "p", "n_findings", "note"], orient="row"
        ),
        "frequency_points": pl.DataFrame(points, schema=["reading", "finding", "n_positive", "places"], orient="row"),
    }


def differential_table(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for reading in READINGS:
        for finding, against in permutations(FINDINGS, 2):
            value = float(np.clip(rng.normal(0.7, 0.15), 0.1, 0.99))
            cells = (None,) * 3 if EMPTY in (finding, against) else (value, value - 0.05, min(1, value + 0.05))
            note = "no image carries only the one" if EMPTY in (finding, against) else ""
            rows.append((reading, finding, against, 150, 220, *cells, 0.95, note))
    columns = ["reading", "finding", "against", "n_finding", "n_against", "auroc", "low", "high", "level", "note"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def comparison_tables(n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    """Return the paired tests of the two readings; the first is higher on later findings and on the mean."""
    closed = {
        "auroc": ("obuchowski", "delong"),
        "sensitivity": ("mcnemar_clustered", "mcnemar"),
        "specificity": ("mcnemar_clustered", "mcnemar"),
    }
    tests = []
    for metric in ("auroc", "average_precision", *METRICS):
        ratio = metric in RATIOS
        note = "the difference is the ratio a / b" if ratio else ""
        for place, (finding, n) in enumerate(n_positive.items()):
            apart = 1.2 if ratio else 0.004 * (place - 5) + 0.001
            cells = (0.8 + apart, 0.8, apart, apart - 0.01, apart + 0.01, 0.95, 0.01 * place, 0.02 * place, 0.0123)
            for method in ("bootstrap", *closed.get(metric, ())):
                lacking = (*(None,) * 5, 0.95, None, None, None, method, "no positive image", 22433, 0)
                row = lacking if n == 0 else (*cells, method, note, 22433, n)
                tests.append((*READINGS, finding, metric, *row))
        for over in ("mean", "weighted"):
            mean = (3.6, 3.0, 1.2, 1.1, 1.3) if ratio else (0.824, 0.813, 0.011, 0.0052, 0.0171)
            smallest = None if ratio else 0.0081
            said = (0.0004, 0.0004, smallest, "bootstrap", note, 22433, sum(n_positive.values()))
            tests.append((*READINGS, over, metric, *mean, 0.95, *said))
    verdicts = []
    for place, finding in enumerate((*FINDINGS, "mean")):
        conclusion = ("equivalent: shown", "not worse: shown", "not shown")[place % 3]
        row = (0.01, 0.002, -0.003, 0.007, 0.9, 0.001, 0.031, conclusion)
        row = (0.01, *(None,) * 6, "not computed") if finding == EMPTY else row
        verdicts.append((*READINGS, finding, "auroc", *row))
    return {
        "comparisons": pl.DataFrame(tests, schema=comparison.TABLE, orient="row"),
        "equivalence": pl.DataFrame(verdicts, schema=comparison.EQUIVALENCE, orient="row"),
    }


def exchange_tables() -> dict[str, pl.DataFrame]:
    """Return exchange rates: with an interval, without bounds, where nothing is exchanged, at a stated prevalence."""
    rows = []
    for place, finding in enumerate((*FINDINGS, "mean")):
        if finding == EMPTY:
            continue
        kind = ("bounded", "not bounded", "nothing")[place % 3]
        spared = 0.01 if kind == "nothing" else -0.02
        given = [(0.01, "given")] if finding == EVIL_FINDING else []
        curve = [(share, "curve") for share in (0.001, 0.01, 0.1, 0.5)]
        for share, source in [(0.05, "this cohort"), *given, *curve]:
            rate = -spared * (1 - share) / (0.03 * share)
            bounds = (rate / 2, rate * 3) if kind == "bounded" else (None, None)
            threshold = 1 / (1 + rate) if rate > 0 else None
            extra = (30.0, 1000 * spared, 30.0 * share, 1000 * spared * (1 - share))
            note = "" if kind == "bounded" else "not bounded: the difference in ill people found may be zero"
            rows.append((*READINGS, finding, share, source, *extra, rate, *bounds, 0.95, threshold, note))
    return {"exchange": pl.DataFrame(rows, schema=exchange.TABLE, orient="row")}


def decision_tables() -> dict[str, pl.DataFrame]:
    """Return decision curves that fall from the prevalence, and differences that change their sign at 5 %."""
    curves, differences = [], []
    for finding in FINDINGS:
        if finding == EMPTY:
            continue
        for threshold in decisions.THRESHOLDS.tolist():
            everyone = 0.1 - 0.9 * threshold / (1 - threshold)
            for reading in (*READINGS, FLOOR):
                benefit = 0.1 * (1 - threshold)
                curves.append((reading, finding, threshold, benefit, benefit - 0.01, benefit + 0.01, everyone, 0.0))
            apart = 0.01 * (threshold - 0.05)
            differences.append((*READINGS, finding, threshold, apart, apart - 0.0001, apart + 0.0001))
    return {
        "decision_curve": pl.DataFrame(curves, schema=decisions.TABLE, orient="row"),
        "decision_difference": pl.DataFrame(differences, schema=decisions.DIFFERENCE, orient="row"),
    }


def disagreement_tables(n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    """Return calls of the two readings side by side; nothing is called by the second alone for the first finding."""
    rows, moved, images = [], [], []
    for place, (finding, n) in enumerate((n_positive | {"pooled": sum(n_positive.values())}).items()):
        note, size = ("kappa is not pooled over findings", 22433 * 13) if finding == "pooled" else ("", 22433)
        if n == 0:
            note = "no threshold in one reading or both"
            rows.append((*READINGS, finding, *(None,) * 17, 0.95, note))
            moved += [(*READINGS, finding, label, *(None,) * 8, 0.95, note) for label in ("ill", "healthy")]
            continue
        b_alone = 0 if place == 0 else 300 + place
        share_b = (None,) * 3 if place == 0 else (0.05, 0.04, 0.06)
        note = "no image is called by b alone" if place == 0 else note
        kappa = (None,) * 3 if finding == "pooled" else (0.5 + 0.03 * place, 0.4, 0.6)
        calls = (4000, 1000 + place, b_alone, size - 5000 - place - b_alone)
        sides = (120, 0.12, 0.1, 0.14, b_alone // 20, *share_b)
        rows.append((*READINGS, finding, size, n, *calls, *sides, *kappa, 0.95, note))
        moved.append((*READINGS, finding, "ill", n, 60, 120, b_alone // 20, n - 300, 0.0123, -0.004, 0.03, 0.95, ""))
        moved.append((*READINGS, finding, "healthy", size - n, 90, 880, b_alone, 900, -0.021, -0.03, -0.01, 0.95, ""))
        called = (None, None) if place == 1 else (True, False)
        if finding != "pooled":
            images.append((*READINGS, finding, "a", 1, f"{place}.png", 1, 0.31, 0.0123, 98.76, 3.21, *called))
            images.append((*READINGS, finding, "b", 1, f"<b>{place}</b>.png", 0, 0.011, 0.4, 2.5, 99.25, *called[::-1]))
    return {
        "disagreement": pl.DataFrame(rows, schema=disagreement.TABLE, orient="row"),
        "reclassification": pl.DataFrame(moved, schema=disagreement.RECLASSIFICATION, orient="row"),
        "largest_disagreements": pl.DataFrame(images, schema=disagreement.LARGEST, orient="row"),
    }


def recipe_tables(n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    """Return two recipes: one of two runs, and one of a single run, whose spread is not known."""
    rows, compared = [], []
    of_all = n_positive | {"mean": sum(n_positive.values())}
    for metric in recipes.METRICS:
        for place, (finding, n) in enumerate(of_all.items()):
            end = ("obuchowski-rockette", "not defined in every run" if n == 0 else "", 22433, n)
            two, one = (0.8, 0.77, 0.83, 0.95, 0.001 * place, 0.0061, 0.012, 7.5, 0.02), (0.79, 0.76, 0.82, 0.95)
            cells = {"standard": (2, "zech, other", two), EVIL: (1, EVIL, (*one, None, 0.0152, 0.0152, None, None))}
            for recipe, (n_runs, runs, numbers) in cells.items():
                values = (None, None, None, 0.95, *(None,) * 5) if n == 0 else numbers
                rows.append((recipe, runs, n_runs, finding, metric, *values, *end))
            test = (0.8, 0.79, 0.01, -0.02, 0.04, 0.95, 0.2, 0.001 * place, None, 0.0051, 0.0131, 7.5)
            test = (None,) * 5 + (0.95,) + (None,) * 6 if n == 0 else test
            adjusted = None if n == 0 else test[6] if finding == "mean" else 0.9
            compared.append(("standard", EVIL, finding, metric, *test, adjusted, *end))
    return {
        "recipes": pl.DataFrame(rows, schema=recipes.TABLE, orient="row"),
        "recipe_comparisons": pl.DataFrame(compared, schema=recipes.COMPARISONS, orient="row"),
    }


def literature_table() -> pl.DataFrame:
    """Return two published models, one on the same images and one on others, for some findings and the mean."""
    models = (
        ("Wang 2017", 2017, literature.OFFICIAL, "a paper", True, "same images: NIH's test list, all 25,596 images"),
        ("Yao", 2018, "own random", "another paper", False, "not comparable: reported on another split (own random)"),
    )
    rows = []
    for reading in READINGS:
        for place, finding in enumerate((*FINDINGS[:10], "mean")):
            own = (0.81 + 0.01 * place, 0.8, 0.92, 0.95)
            for shift, (model, year, split, source, same, note) in enumerate(models):
                published = 0.75 + 0.01 * place + 0.1 * shift
                rows.append((reading, finding, *own, model, year, published, split, source, same, note))
    return pl.DataFrame(rows, schema=literature.TABLE, orient="row")


def calibration_tables(n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    """Return scores that are too extreme as they were given, and right once recalibrated by Platt's way."""
    parts, points, bars = [], [], []
    for reading, (finding, n) in product(READINGS, n_positive.items()):
        for scores, slope, ece in (("as given", 0.8, 0.02), ("platt", 1.0, 0.004)):
            fitted_on = "" if scores == "as given" else "the other fold"
            numbers = (None,) * 10 if n == 0 else (0.08, 0.002, 0.015, 0.093, 0.1, slope, ece, 0.005, 0.1, 0.11)
            parts.append((reading, finding, scores, fitted_on, *numbers, "no positive image" * (n == 0), 22433, n))
            for k in range(10 if n else 0):
                mean, rate = 0.05 * k + 0.01, 0.05 * k * slope + 0.02
                interval = (rate, rate - 0.01, rate + 0.02, 0.95)
                points.append((reading, finding, scores, k, 0.05 * k, 0.05 * k + 0.05, mean, *interval, 2243, 40 + k))
        bars += [(reading, finding, k / 20, (k + 1) / 20, max(0, n - 30 * k), max(0, 900 - 50 * k)) for k in range(20)]
    known = [(reading, finding, n) for reading, (finding, n) in product(READINGS, n_positive.items())]
    curves = [
        (reading, finding, 0.1 * k, 0.08 * k + 0.02, 0.08 * k, 0.08 * k + 0.05, 0.95)
        for reading, finding, n in known
        for k in range(6 if n else 0)
    ]
    away = [
        (reading, finding, *((0.013, 0.01, 0.031, "") if n else (None, None, None, "no positive image")), 22433, n)
        for reading, finding, n in known
    ]
    return {
        "calibration_curve": pl.DataFrame(curves, schema=smooth_calibration.CURVE, orient="row"),
        "calibration_distance": pl.DataFrame(away, schema=smooth_calibration.DISTANCE, orient="row"),
        "calibration": pl.DataFrame(parts, schema=calibration.PARTS, orient="row"),
        "reliability": pl.DataFrame(points, schema=calibration.RELIABILITY, orient="row"),
        "calibration_histogram": pl.DataFrame(bars, schema=calibration.HISTOGRAM, orient="row"),
    }


SUBGROUPS = {"gender": ("F", "M"), "view": ("AP", "PA"), "age": ("0-18", "19-80", "<b>over 80</b>")}


def attribute_tables(n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    """Return subgroups of which AP fares worst and the oldest are few, and AUROCs that lean on the view."""
    gaps = [
        (reading, finding, attribute, *subgroup_cells(subgroup, metric, finding, n))
        for reading, (attribute, subgroups_of) in product(READINGS, SUBGROUPS.items())
        for subgroup in subgroups_of
        for metric in subgroups.COMPARED
        for finding, n in (n_positive | {"mean": 900}).items()
    ]
    gaps += [
        (reading, "any", attribute, *subgroup_cells(subgroup, "underdiagnosis", "any", 500))
        for reading, (attribute, subgroups_of) in product(READINGS, SUBGROUPS.items())
        for subgroup in subgroups_of
    ]
    parts, balanced = [], []
    for reading, (attribute, names), (finding, n) in product(READINGS, SUBGROUPS.items(), n_positive.items()):
        for ill, healthy in product(names, names):
            area = 0.8 if ill == healthy else 0.95
            share = 1 / len(names) ** 2
            cells = (share, area, area - 0.02, area + 0.02, 0.95, share * area, "")
            cells = (None, None, None, None, 0.95, None, "no pair") if n == 0 else cells
            parts.append((reading, finding, attribute, ill, healthy, *cells, n // len(names), 4000))
    for reading, attribute, (place, finding) in product(READINGS, SUBGROUPS, enumerate((*n_positive, "mean"))):
        apart = 0.001 * place if attribute == "view" else 0.0
        numbers = (0.5, 0.8 + apart, 0.8 + apart, 0.8, 0.78, 0.82, apart, apart - 0.001, apart + 0.001, 0.79, 0.95, "")
        numbers = (*(None,) * 10, 0.95, "no pair within a stratum") if finding == EMPTY else numbers
        balanced.append((reading, finding, attribute, *numbers, 22433, n_positive.get(finding, 900)))
    return {
        "subgroups": pl.DataFrame(gaps, schema=subgroups.TABLE, orient="row"),
        "auroc_parts": pl.DataFrame(parts, schema=strata.PARTS, orient="row"),
        "auroc_balanced": pl.DataFrame(balanced, schema=strata.BALANCED, orient="row"),
    }


def subgroup_cells(subgroup: str, metric: str, finding: str, n: int) -> tuple[object, ...]:
    """Return what follows the attribute in a row of gaps: AP is behind, the oldest have no test."""
    few = "80</b>" in subgroup
    gap = {"AP": -0.04, "PA": 0.04, "F": 0.004, "M": -0.004}.get(subgroup, 0.01)
    gap *= -1 if metric == "underdiagnosis" else 1
    worst = subgroup in ("AP", "M")
    tested = (0.001, 0.003) if abs(gap) > 0.02 else (0.3, 0.6)
    if few and finding != "mean":
        tested = (None, None)
    if n == 0:
        return (subgroup, metric, *(None,) * 7, 0.95, None, None, False, "no positive image", 9000, 0)
    value = 0.2 if metric == "underdiagnosis" else 0.8
    numbers = (value, value - 0.02, value + 0.02, value - gap, gap, gap - 0.015, gap + 0.015, 0.95, *tested)
    return (subgroup, metric, *numbers, worst, "small: fewer than 50 positives (9)" * few, 90 if few else 9000, n)


def shortcut_tables(n_positive: dict[str, int]) -> dict[str, pl.DataFrame]:
    """Return skill above two floors, and positives by a tag and by history, of which Mass alone is flagged."""
    skills, gaps = [], []
    for reading, floor, (finding, n) in product(READINGS, (FLOOR, "history"), (n_positive | {"mean": 900}).items()):
        numbers = (None,) * 5 if n == 0 else (0.8, 0.6, 0.5, -0.01 if finding == "Nodule" else 0.45, 0.55)
        note = "no positive or no negative image" if n == 0 else ""
        skills.append((reading, finding, floor, *numbers, 0.95, note, 22433, n))
    kinds = {"chest <i>tube</i>": ("tube = 1", "tube = 0"), "history": ("later", "first")}
    for reading, (split_by, sides), metric in product(READINGS, kinds.items(), METRICS_OF_POSITIVES):
        for finding, n in n_positive.items():
            same, mass = metric == "auroc_same_patients", finding == "Mass"
            gap = 0.06 if mass and same else 0.012 if same else 0.15
            numbers = (0.8 + gap, 0.8, gap, gap - 0.02, gap + 0.02, 0.95, 0.001, 0.004 if mass else 0.5)
            numbers = (*(None,) * 5, 0.95, None, None) if n == 0 else numbers
            flagged = mass and (same or split_by != "history")
            note = "no positive image of one kind" if n == 0 else "40 patients with positives of both kinds" * same
            row = (
                reading,
                finding,
                split_by,
                metric,
                *sides,
                *numbers,
                flagged,
                "matched",
                note,
                n // 2,
                n // 2,
                20000,
            )
            gaps.append(row)
    matched = []
    for reading, (place, (finding, n)) in product(READINGS, enumerate((n_positive | {"mean": 900}).items())):
        apart = 0.002 * place
        numbers = (
            0.799,
            0.8,
            0.8 - apart,
            0.78 - apart,
            0.82 - apart,
            apart,
            apart - 0.001,
            apart + 0.001,
            0.6,
            0.52,
            10,
            0.1,
        )
        row = (*(None,) * 12, 0.95, "no pair within a bin") if n == 0 else (*numbers, 0.95, "")
        matched.append((reading, finding, FLOOR, *row, 22433, n))
    return {
        "floors": pl.DataFrame(skills, schema=shortcuts.FLOORS, orient="row"),
        "floor_matched": pl.DataFrame(matched, schema=floor_matched.TABLE, orient="row"),
        "positives": pl.DataFrame(gaps, schema=shortcuts.POSITIVES, orient="row"),
    }


def attribute_prediction_table() -> pl.DataFrame:
    """Return what outputs tell: the view well, the oldest without an interval, gender no better than the labels."""
    rows = []
    for reading, (attribute, value, area) in product(READINGS, (("gender", "F", 0.55), ("view", "AP", 0.96))):
        sizes = (0.95, 22433, 9000, "")
        rows.append((reading, attribute, value, "scores", area, area - 0.01, area + 0.01, area - 0.55, *TOLD, *sizes))
        rows.append((reading, attribute, value, "labels", 0.55, 0.54, 0.56, None, None, None, *sizes))
    for reading, predictor in product(READINGS, ("scores", "labels")):
        few = "no interval: rests on 3 patients"
        rows.append((reading, "age", "<b>over 80</b>", predictor, 0.7, *(None,) * 5, 0.95, 22433, 4, few))
    return pl.DataFrame(rows, schema=attribute_prediction.TABLE, orient="row")


TOLD = (-0.02, 0.5)


def following_table() -> pl.DataFrame:
    """Return outputs that keep one order and answer to their own finding; of the second reader nothing is known."""
    statistics = (("follows_base", 0.88), ("own_rank", 3.14), ("own_rank_relative", 1.29))
    rows = [("zech", name, value, 0.0001, 14, "p by 9,999 permutations") for name, value in statistics]
    rows += [(EVIL, name, None, None, 1, "takes three outputs") for name, _ in statistics]
    return pl.DataFrame(rows, schema=prevalence_following.TABLE, orient="row")


METRICS_OF_POSITIVES = ("auroc", "sensitivity", "auroc_same_patients")


def simulated_reading() -> SimpleNamespace:
    """Return what `SecondReading` is to the report, without the analyses behind it."""
    source = SimpleNamespace(path=f"scores/{EVIL}.csv", sha256="ab" * 32, n_bytes=1234567)
    study = SimpleNamespace(
        cohort=SimpleNamespace(name="chest <b>X</b>-ray14", synthetic=""),
        findings=FINDINGS,
        n_images=22433,
        n_patients=2797,
        patients_known=True,
        split="test",
        tuning=None,
        sources=(source,),
        warnings=(),
    )
    return SimpleNamespace(
        explained=(),
        study=study,
        options=replace(Options(), prevalence={EVIL_FINDING: 0.01}),
        readings=READINGS,
        floor=FLOOR,
        tables=simulated_tables(),
        warnings=(f"The findings {EVIL_FINDING} were matched by name.",),
        answer=(
            Passage("", ("22,433 images were read.",)),
            Passage(
                EVIL,
                (
                    f"zech has a mean AUROC of 0.838 (0.829 to 0.847) and {EVIL} of 0.831 (0.822 to 0.840).",
                    "A reader that sees age, sex and view, and never a pixel, reaches 0.60: that is the floor.",
                ),
            ),
        ),
        methods=("We evaluated two readings.", f"Thresholds were chosen by {EVIL}."),
        versions={"python": "3.11.9", "overread": "0.1.0"},
        callers=(),
        imrmc={},
    )


@pytest.fixture
def second() -> SimpleNamespace:
    """Return a second reading; each test has its own, to change as it likes."""
    return simulated_reading()


@pytest.fixture(scope="session")
def made() -> Page:
    """Return the page of a second reading."""
    return page(simulated_reading())


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report, for tests that only read it."""
    return write_report(simulated_reading(), tmp_path_factory.mktemp("written") / "report").parent


@pytest.fixture(scope="session")
def evil() -> SimpleNamespace:
    """Return the names that contain HTML, and the finding that has no positive image."""
    return SimpleNamespace(reading=EVIL, finding=EVIL_FINDING, empty=EMPTY)
