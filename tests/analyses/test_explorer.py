"""The explorer's data: exact counts, evenly spaced along the curve, the report's own thresholds among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.explorer import BINS, CLIP, POINTS, along, explorer
from overread.analyses.operating_points import thresholds_table
from overread.analyses.options import Options
from overread.records.cohort import MISSING
from overread.records.study import Study
from overread.stats.discrimination import tally
from overread.stats.operating_points import Counts
from overread.stats.resampling import PatientBootstrap

COUNTS = ["tp", "fp", "fn", "tn"]


def evaluated(of: Study, **options: object) -> list[Evaluation]:
    """Evaluate each reading, on labels and scores of its own that a test may change."""
    chosen = Options(replicates=100, **options)
    bootstrap = PatientBootstrap(of.patients, replicates=100, seed=0)
    made = (evaluate(of, name, chosen, bootstrap) for name in of.scores)
    return [replace(each, labels=each.labels.copy(), scores=each.scores.copy()) for each in made]


@pytest.fixture(scope="module", params=["youden", "fixed=0.1", "fixed=1"])
def both(matched: Study, request: pytest.FixtureRequest) -> list[Evaluation]:
    return evaluated(matched, operating_point=request.param)


def test_counts_are_those_of_the_scores_at_every_threshold(both: list[Evaluation]) -> None:
    table = explorer(both)["explorer"]
    for each in both:
        for column, finding in enumerate(each.findings):
            rows = table.filter(pl.col("reading") == each.reading, pl.col("finding") == finding)
            assert rows["threshold"].is_sorted()
            for row in rows.iter_rows(named=True):
                # A threshold written out and read again, as for --operating-point fixed=..., calls the same images.
                called = each.scores[:, column] >= float(repr(row["threshold"]))
                counted = Counts.of(each.labels[:, column], called)
                assert [row[name] for name in COUNTS] == [counted.tp, counted.fp, counted.fn, counted.tn]


def test_thresholds_are_observed_scores_or_operating_points_and_never_call_the_same_images(
    both: list[Evaluation],
) -> None:
    table = explorer(both)["explorer"]
    assert not table.select("reading", "finding", "tp", "fp").is_duplicated().any()
    for each in both:
        own = thresholds_table(each)
        for column, finding in enumerate(each.findings):
            rows = table.filter(pl.col("reading") == each.reading, pl.col("finding") == finding)
            chosen = set(own.filter(pl.col("finding") == finding)["threshold"])
            assert chosen <= set(rows["threshold"])
            assert set(rows["threshold"]) - chosen <= set(each.scores[:, column])


def test_many_scores_are_thinned_evenly_and_keep_both_ends() -> None:
    rng = np.random.default_rng(3)
    labels = rng.random(20_000) < 0.05
    scores = rng.normal(size=20_000) + labels
    count = tally(labels, scores)
    places = along(count, POINTS)
    assert 0.9 * POINTS < len(places) <= POINTS
    assert places[0] == 0
    assert places[-1] == len(scores) - 1
    x, y = count.fp[places] / count.n_negative, count.tp[places] / count.n_positive
    assert np.hypot(np.diff(x), np.diff(y)).max() < 2.5 * 2 / POINTS


def test_near_each_place_an_upper_left_corner_is_taken() -> None:
    rng = np.random.default_rng(4)
    labels = rng.random(20_000) < 0.3
    count = tally(labels, rng.normal(size=20_000) + labels)
    places = along(count, POINTS)[1:-1]
    rises = np.diff(count.tp, prepend=0)[places] > 0
    then_right = np.diff(count.fp, append=count.n_negative)[places] > 0
    assert (rises & then_right).all()


def test_few_scores_are_all_kept() -> None:
    count = tally([1, 0, 1, 0, 0], [0.5, 0.5, 1.0, 0.0, 0.25])
    assert along(count, POINTS).tolist() == [0, 1, 2, 3]


def test_scores_are_counted_in_bins_of_the_logit_scale(both: list[Evaluation]) -> None:
    table = explorer(both)["score_histogram"]
    assert len(table) == len(both) * len(both[0].findings) * BINS
    assert table["low"].min() == pytest.approx(CLIP)
    assert table["high"].max() == pytest.approx(1 - CLIP)
    for each in both:
        for column, finding in enumerate(each.findings):
            rows = table.filter(pl.col("reading") == each.reading, pl.col("finding") == finding)
            assert rows["n_positive"].sum() == each.n_positive[column]
            assert rows["n_negative"].sum() == (each.n_images - each.n_positive)[column]
            scores = each.scores[each.labels[:, column] == 1, column]
            row = rows.row(20, named=True)
            assert row["n_positive"] == ((scores >= row["low"]) & (scores < row["high"])).sum()


def test_what_lies_beyond_the_outermost_bins_is_counted_in_them(matched: Study) -> None:
    first, *_ = evaluated(matched)
    first.scores[:3, 0] = 0.0, 1.0, 1e-9
    table = explorer([first])["score_histogram"].filter(pl.col("finding") == first.findings[0])
    counted = table["n_positive"] + table["n_negative"]
    assert counted.sum() == len(first.scores)
    assert counted[0] >= 2
    assert counted[-1] >= 1


def test_a_finding_that_is_not_assessed_or_has_no_positive_has_no_rows(matched: Study) -> None:
    first, *_ = evaluated(matched, operating_point="fixed=0.5")
    first.labels[:, 0] = 0
    first.labels[:, 1] = MISSING
    tables = explorer([first])
    assert set(tables["explorer"]["finding"]) == {first.findings[2]} == set(tables["score_histogram"]["finding"])
    first.labels[:, 2] = 1
    assert all(table.is_empty() for table in explorer([first]).values())


def test_missing_labels_are_left_out(matched: Study) -> None:
    first, *_ = evaluated(matched, operating_point="fixed=0.5")
    first.labels[:100, 0] = MISSING
    table = explorer([first])["explorer"].filter(pl.col("finding") == first.findings[0])
    assert set(table.select(pl.sum_horizontal(COUNTS)).to_series()) == {len(first.labels) - 100}
