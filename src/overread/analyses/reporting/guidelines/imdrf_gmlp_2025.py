"""IMDRF N88 (2025): good machine learning practice, ten principles."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import EITHER, Guideline, Item

GMLP = Guideline(
    key="imdrf-gmlp-2025",
    title="IMDRF N88: good machine learning practice",
    citation="IMDRF/AIML WG/N88 FINAL:2025, Good machine learning practice for medical device development: Guiding "
    "principles.",
    url="https://www.imdrf.org/documents/good-machine-learning-practice-medical-device-development-guiding-principles",
    checked="Numbers and order of the ten principles compared in several public summaries; what each asks is in our "
    "words. Principles are of a product's whole life: a report shows a part of it at most.",
    items=(
        Item("1", "Intended use is understood, by all trades that it takes", asked=("intended_use", "intended_users")),
        Item("2", "Good software engineering, design and security", asked=("software_quality",)),
        Item("3", "Data of evaluation represent the intended patients", (shows.demographics, shows.representativeness),
             ("representativeness",)),
        Item("4", "Training data are independent of test data", (shows.disjoint,)),
        Item("5", "Reference standards fit the purpose", (shows.label_quality,), ("reference_standard",)),
        Item("6", "The model fits the data and the intended use", asked=("model",)),
        Item("7", "People together with the device are assessed", asked=("team_performance",)),
        Item("8", "Tested under clinically relevant conditions", (shows.accuracy, shows.subgroups, shows.people)),
        Item("9", "Users get clear and essential information", (shows.caveats,), ("user_information",), EITHER),
        Item("10", "Watched in use, retraining managed", asked=("monitoring",)),
    ),
)  # fmt: skip
