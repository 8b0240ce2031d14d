"""IMDRF N41 (2017): clinical evaluation of software as a medical device."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import Guideline, Item

SAMD = Guideline(
    key="imdrf-samd-2017",
    title="IMDRF N41: clinical evaluation of software",
    citation="IMDRF/SaMD WG/N41 FINAL:2017, Software as a Medical Device (SaMD): Clinical Evaluation.",
    url="https://www.imdrf.org/documents/software-medical-device-samd-clinical-evaluation",
    checked="The three parts (valid clinical association, analytical validation, clinical validation) were checked; "
    "that these measures are the ones it names for clinical validation is from memory. Nothing is numbered here.",
    items=(
        Item("", "Valid clinical association of the output with the condition", asked=("clinical_association",)),
        Item(
            "", "Analytical validation: the software does what it is meant to", (shows.software,), ("software_quality",)
        ),
        Item("", "Clinical validation: sensitivity and specificity", (shows.accuracy,)),
        Item("", "Clinical validation: predictive values", (shows.predictive_values,)),
        Item("", "Clinical validation: likelihood ratios", (shows.likelihood_ratios,)),
        Item("", "Clinical validation: odds ratio", (shows.odds_ratio,)),
        Item("", "Clinical validation: area under the ROC curve", (shows.discrimination,)),
        Item("", "Clinical validation: confidence intervals", (shows.uncertainty,)),
        Item("", "Clinical validation: people who gain and who are harmed, in numbers", (shows.people,)),
        Item("", "Clinical validation: usability", asked=("team_performance",)),
    ),
)
