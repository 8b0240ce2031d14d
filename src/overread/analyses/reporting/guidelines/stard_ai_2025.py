"""STARD-AI (2025): studies of the diagnostic accuracy of AI."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import EITHER, Guideline, Item

STARD_AI = Guideline(
    key="stard-ai-2025",
    title="STARD-AI 2025",
    citation="Sounderajah et al., The STARD-AI reporting guideline for diagnostic accuracy studies using artificial "
    "intelligence. Nat Med 2025;31:3283-3289.",
    url="https://doi.org/10.1038/s41591-025-03953-8",
    checked="All 48 rows of the 40 items were compared, by number and meaning, in two public transcriptions "
    "(github.com/kostadinoff/reporting-guidelines; github.com/Aperivue/medsci-skills, whose makers compared theirs "
    "with the published Table 2), and 46 of them in the ROADMAP ontology, in November 2026: they agree. The article "
    "itself was not read. What each asks is in our words.",
    items=(
        Item("1", "Named as a study of diagnostic accuracy of AI, with a measure of accuracy", asked=("title",)),
        Item("2", "Structured summary", asked=("abstract",)),
        Item("3", "Background, intended use and place in the workflow", asked=("background", "intended_use")),
        Item("4", "Objectives and hypotheses", (shows.plan,), ("objectives",), EITHER),
        Item("5", "Prospective or retrospective", asked=("design",)),
        Item("6", "Ethics approval", asked=("ethics",)),
        Item("7", "Eligibility of participants and of data, in order", asked=("eligibility",)),
        Item("8", "How participants were found", asked=("participant_series",)),
        Item("9", "Setting, place and dates", asked=("setting", "dates")),
        Item("10", "Consecutive, random or convenience series", asked=("participant_series",)),
        Item("11", "Source of the data and why they were collected", (shows.data_files,), ("data_source",)),
        Item("12", "Who annotated the data, and how", asked=("annotators", "annotation_procedure")),
        Item("13", "Devices, and software of the test", asked=("acquisition", "model_software")),
        Item("14", "Acquisition and preprocessing", asked=("acquisition", "preprocessing")),
        Item("15a", "The test, to be repeated by others", asked=("model",)),
        Item("15b", "How the test was developed, with sample sizes", (shows.partitions,), ("training", "partitioning")),
        Item("15c", "Cut-offs of the test: rule, reason, laid down before or not", (shows.cut_offs,)),
        Item("15d", "Users and their expertise", asked=("intended_users",)),
        Item("16a", "Reference standard, to be repeated by others", asked=("reference_standard",)),
        Item("16b", "Why this reference standard", asked=("reference_rationale",)),
        Item("16c", "Cut-offs of the reference standard", asked=("reference_standard",)),
        Item("17a", "What readers of the test knew", asked=("blinding_of_reader",)),
        Item("17b", "What assessors of the reference standard knew", asked=("blinding_of_reference",)),
        Item("18", "Statistical methods", (shows.statistics,)),
        Item("19", "Indeterminate results", asked=("indeterminate_results",)),
        Item("20", "Missing data", (shows.missing_labels,), ("missing_data",)),
        Item("21", "Analyses of variability, planned or exploratory", (shows.subgroups, shows.plan)),
        Item("22", "Sample size and how it was determined", (shows.detectable,), ("sample_size",), EITHER),
        Item("23", "Error analysis, bias and fairness: how assessed", (shows.fairness, shows.failures)),
        Item("24", "Flow of participants, as a diagram", (shows.flow,)),
        Item("25", "Characteristics of training, tuning and test sets", (shows.demographics_by_part,)),
        Item("26a", "Severity among those with the condition", asked=("severity",)),
        Item("26b", "Other diagnoses among those without", (shows.other_findings,)),
        Item("27", "Time and treatment between test and reference standard", asked=("time_interval",)),
        Item("28", "Whether the data resemble the intended population", (shows.representativeness,),
             ("representativeness",), EITHER),
        Item("29", "External data: how they differ", asked=("differences_from_development", "external_testing")),
        Item("30", "Cross-tabulation of test and reference standard", (shows.cross_tabulation,)),
        Item("31", "Estimates of accuracy with their precision", (shows.accuracy, shows.auroc)),
        Item("32", "Adverse events", asked=("adverse_events",)),
        Item("33", "Limitations", (shows.caveats,), ("limitations",), EITHER),
        Item("34", "Implications, intended use and role", asked=("implications",)),
        Item("35", "Ethical considerations and fairness", asked=("ethical_considerations", "fairness")),
        Item("36", "Registration", asked=("registration",)),
        Item("37", "Where the protocol is", (shows.plan,), ("protocol",), EITHER),
        Item("38", "Funding, and the part of those who paid", asked=("funding",)),
        Item("39", "Commercial interests", asked=("competing_interests",)),
        Item("40a", "Data and code", asked=("data_availability", "code_availability")),
        Item("40b", "Whether outputs are stored and auditable", asked=("auditability",)),
    ),
)  # fmt: skip
