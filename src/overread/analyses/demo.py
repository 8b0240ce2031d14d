"""The main job on what ships inside: two readers that never see an image."""

from __future__ import annotations

from overread.analyses.blind import blind_reading
from overread.analyses.options import Options
from overread.analyses.second_reading import Progress, SecondReading, second_reading
from overread.records.cohort import read_cohort

READERS = {"age_gender": ("age", "gender"), "age_gender_view": ("age", "gender", "view")}
PREFACE = (
    "Neither reader of this demonstration has seen an image: one knows the patient's age and gender, the other also "
    "whether the radiograph was taken AP or PA. They are the counterparts, without pixels, of the standard and the "
    "modified model of Valsson and Arandjelović, of which one is told gender and view besides the image.",
    "Whatever such a reader reaches, any model may reach without looking at the lungs. It is the floor, not 0.5, that a "
    "model's AUROC on this test split should be held against.",
)


def demo_reading(options: Options, *, progress: Progress = lambda step: None) -> SecondReading:
    """Fit both blind readers on ChestX-ray14's training rows and judge them on its official test split."""
    progress("reading the table that ships inside")
    cohort = read_cohort("chestxray14")
    progress("fitting two blind readers")
    readings = [blind_reading(cohort, features=features, name=name) for name, features in READERS.items()]
    return second_reading(cohort, readings, options, progress=progress, preface=PREFACE)
