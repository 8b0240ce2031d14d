"""Published rates keep their disease and prevalence, and agree with what their papers say of how they came about."""

from __future__ import annotations

import math

import pytest

from overread.analyses.published_rates import PUBLISHED


def test_every_rate_has_its_source_and_disease() -> None:
    assert all(each.citation and each.disease and each.per and each.asked for each in PUBLISHED)
    assert all(each.source.split()[0] in each.citation for each in PUBLISHED)


def test_boone_s_cancer_rate_follows_from_the_accepted_drop_in_specificity() -> None:
    # Abstract: a gain of 10 % in sensitivity was traded for a median drop of 45 % in specificity, at 0.2 % prevalence.
    cancer = PUBLISHED[0]
    assert cancer.prevalence is not None
    traded = 0.45 * (1 - cancer.prevalence) / (0.10 * cancer.prevalence)
    assert cancer.rate == pytest.approx(traded, rel=0.01)


def test_only_a_rate_with_a_prevalence_is_a_threshold() -> None:
    for each in PUBLISHED:
        if each.prevalence is None:
            assert math.isnan(each.threshold_probability)
        else:
            assert each.threshold_probability == pytest.approx(1 / (1 + each.rate))
