"""The sections of the page. A new section is a module here and a line in the list below."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from overread.report.section import Section
from overread.report.sections import (
    activations,
    appendix,
    attribute_prediction,
    auroc_source,
    calibration,
    calls,
    cohort,
    comparison,
    consequences,
    curves,
    decision_curves,
    differential,
    disagreement,
    discrimination,
    explorer,
    label_count,
    label_quality,
    literature,
    localisation,
    omitted,
    opening,
    operating_points,
    panel,
    plan,
    provenance,
    recipes,
    reporting,
    shortcuts,
    subgroups,
    top_three,
    transport,
)

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

SECTIONS: tuple[Callable[[SecondReading], Section | None], ...] = (
    plan.section,
    opening.section,
    provenance.section,
    cohort.section,
    discrimination.section,
    curves.section,
    operating_points.means,
    operating_points.by_finding,
    calibration.section,
    subgroups.section,
    auroc_source.section,
    attribute_prediction.section,
    shortcuts.section,
    omitted.section,
    localisation.section,
    explorer.section,
    comparison.section,
    consequences.section,
    transport.section,
    decision_curves.section,
    disagreement.section,
    calls.section,
    recipes.section,
    literature.section,
    label_quality.section,
    panel.section,
    label_count.section,
    activations.section,
    top_three.section,
    differential.section,
    reporting.section,
    appendix.section,
)
"""In the order of the page. Each returns its section, or None where the second reading has nothing to say in it."""
