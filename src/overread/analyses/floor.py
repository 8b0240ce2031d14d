"""The floor of a report: a blind reader beside the readings, fitted on patients whom the report does not show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from overread.analyses.blind import BlindScores, blind_scores
from overread.analyses.options import Options
from overread.records.errors import InputError
from overread.records.study import Study

FLOOR = "blind"
FEATURES = ("age", "gender", "view")


@dataclass(frozen=True, eq=False)
class Floor:
    """The name of the floor among the readings, its fit where that is under way, and what a reader should know.

    There is no name where there is no floor, and no fit where a reading of the user's is the floor.
    """

    name: str | None
    blind: BlindScores | None = None
    warnings: tuple[str, ...] = ()

    def added(self, readings: Study) -> Study:
        """Wait for the fit and return the study with the floor as one more reading."""
        if self.blind is None or self.name is None:
            return readings
        scores, n = self.blind.scores(), readings.n_images
        tuning = readings.tuning
        if tuning is not None:
            tuning = replace(tuning, scores=tuning.scores | {self.name: scores[n:]})
        return replace(readings, scores=readings.scores | {self.name: scores[:n]}, tuning=tuning)


def floor_of(readings: Study, options: Options) -> Floor:
    """Begin to fit the floor of a study, or say why there is none.

    It is fitted on training rows of patients who are neither reported nor used for tuning, so that it stays a floor
    and never a memory, whatever the split. A reading of the user's that is named as the floor is the floor.
    """
    if not options.floor:
        return Floor(None)
    if FLOOR in readings.scores:
        return Floor(FLOOR)
    why = lacking(readings)
    if why:
        return Floor(None, warnings=(f"No blind reader is shown as the floor: {why}.",))
    tuning = readings.tuning
    kept_out = readings.rows if tuning is None else np.concatenate([readings.rows, tuning.rows])
    try:
        blind = blind_scores(readings.cohort, features=FEATURES, findings=readings.findings, reported=kept_out)
    except InputError as reason:  # every training patient is reported, or an attribute is not of the kind
        return Floor(None, warnings=(f"No blind reader is shown as the floor: {reason}",))
    return Floor(FLOOR, blind, blind.warnings)


def lacking(readings: Study) -> str:
    """Return why a blind reader cannot be fitted, empty where it can."""
    cohort = readings.cohort
    absent = [name for name in FEATURES if name not in cohort.attributes]
    if absent:
        return f"the cohort has no column {', '.join(absent)}"
    if cohort.split is None or not (cohort.split == "train").any():
        return "the cohort has no training rows"
    return ""
