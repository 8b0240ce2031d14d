"""IMDRF N41 (2017): clinical evaluation of software as a medical device."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import Guideline, Item

SAMD = Guideline(
    key="imdrf-samd-2017",
    title="IMDRF N41: clinical evaluation of software",
    citation="IMDRF/SaMD WG/N41 FINAL:2017, Software as a Medical Device (SaMD): Clinical Evaluation.",
    url="https://www.imdrf.org/documents/software-medical-device-samd-clinical-evaluation",
    checked="Read in a public copy of the document in November 2026. Its three parts are those here, and the measures "
    "are its examples for clinical validation (section 7.0, all of them; the AUROC is not among them). It numbers no "
    "items.",
    items=(
        Item("", "Valid clinical association of the output with the condition", asked=("clinical_association",)),
        Item("", "Analytical validation: the software does what it is meant to", asked=("software_quality",)),
        Item("", "Clinical validation: sensitivity and specificity", (shows.accuracy,)),
        Item("", "Clinical validation: predictive values", (shows.predictive_values,)),
        Item("", "Clinical validation: numbers needed to treat and to harm", (shows.numbers_needed,)),
        Item("", "Clinical validation: likelihood ratios", (shows.likelihood_ratios,)),
        Item("", "Clinical validation: odds ratio", (shows.odds_ratio,)),
        Item("", "Clinical validation: usability and user interface", asked=("usability",)),
        Item("", "Clinical validation: confidence intervals", (shows.uncertainty,)),
    ),
)
