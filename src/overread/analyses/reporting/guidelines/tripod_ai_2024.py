"""TRIPOD+AI (2024): prediction models by regression or machine learning."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import EITHER, Guideline, Item

TRIPOD_AI = Guideline(
    key="tripod-ai-2024",
    title="TRIPOD+AI 2024",
    citation="Collins et al., TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use "
    "regression or machine learning methods. BMJ 2024;385:e078378.",
    url="https://doi.org/10.1136/bmj-2023-078378",
    checked="All 52 parts of the 27 items were compared, by number and meaning, in public transcriptions of the "
    "article's Table 2 (github.com/kostadinoff/reporting-guidelines) and of the statement's blank checklist of 11 "
    "January 2024, in November 2026: they agree. The article itself was not read. What each asks is in our words. 9a, "
    "12a to 12c, 15, 22, 27a and 27b are asked of development alone, 12f, 12g, 20c and 24 of evaluation alone.",
    items=(
        Item(
            "1", "Named as developing or evaluating a prediction model, with population and outcome", asked=("title",)
        ),
        Item("2", "Abstract", asked=("abstract",)),
        Item("3a", "Healthcare context and reason", asked=("background",)),
        Item("3b", "Target population, purpose in the pathway, users", asked=("intended_use", "intended_users")),
        Item("3c", "Known health inequalities", asked=("health_inequalities",)),
        Item("4", "Objectives", (shows.plan,), ("objectives",), EITHER),
        Item("5a", "Sources of the data and their representativeness", (shows.data_files,),
             ("data_source", "representativeness")),
        Item("5b", "Dates", asked=("dates",)),
        Item("6a", "Setting, number and place of centres", asked=("setting",)),
        Item("6b", "Eligibility", asked=("eligibility",)),
        Item("6c", "Treatments", asked=("treatments",)),
        Item("7", "Preparation and quality checks of the data", asked=("preprocessing",)),
        Item("8a", "The outcome: definition, time, reason", asked=("reference_standard",)),
        Item("8b", "Assessors of the outcome", asked=("annotators",)),
        Item("8c", "Blinding of the outcome's assessment", asked=("blinding_of_reference",)),
        Item("9a", "Choice of predictors", asked=("model",)),
        Item("9b", "Definition and measurement of predictors, and blinding",
             asked=("acquisition", "blinding_of_reader")),
        Item("9c", "Assessors of predictors that need judgement", asked=("predictor_assessors",)),
        Item("10", "Sample size", (shows.detectable,), ("sample_size",), EITHER),
        Item("11", "Missing data", (shows.missing_labels,), ("missing_data",)),
        Item("12a", "How data were used, and divided", (shows.partitions, shows.disjoint), ("partitioning",)),
        Item("12b", "How predictors were handled", asked=("preprocessing",)),
        Item("12c", "Type of model, building, tuning, internal validation", asked=("model", "training")),
        Item("12d", "Heterogeneity across clusters: how handled", asked=("heterogeneity",)),
        Item("12e", "Measures and plots of performance, and why", (shows.statistics,)),
        Item("12f", "Updating of the model", asked=("updating",)),
        Item("12g", "How predictions were calculated", asked=("model_access",)),
        Item("13", "Methods against class imbalance, and recalibration after them", asked=("class_imbalance",)),
        Item("14", "Fairness: approach and reason", (shows.fairness,), ("fairness",)),
        Item("15", "Output of the model, and its thresholds", (shows.cut_offs,)),
        Item("16", "Differences between development and evaluation data", asked=("differences_from_development",)),
        Item("17", "Ethical approval and consent", asked=("ethics",)),
        Item("18a", "Funding", asked=("funding",)),
        Item("18b", "Conflicts of interest", asked=("competing_interests",)),
        Item("18c", "Protocol", (shows.plan,), ("protocol",), EITHER),
        Item("18d", "Registration", asked=("registration",)),
        Item("18e", "Data sharing", asked=("data_availability",)),
        Item("18f", "Code sharing", asked=("code_availability",)),
        Item("19", "Involvement of patients and the public", asked=("patient_involvement",)),
        Item("20a", "Flow of participants, with and without the outcome", (shows.flow, shows.cross_tabulation)),
        Item("20b", "Characteristics of participants, outcomes, missing data",
             (shows.demographics, shows.outcome_counts, shows.missing_labels)),
        Item("20c", "Comparison with the development data", (shows.demographics_by_part,)),
        Item("21", "Participants and events in each analysis", (shows.outcome_counts,)),
        Item("22", "The model in full, for others to use", asked=("model", "model_access")),
        Item("23a", "Performance with intervals, and by subgroup", (shows.auroc, shows.accuracy, shows.subgroups)),
        Item("23b", "Heterogeneity across clusters: results", asked=("heterogeneity",)),
        Item("24", "Results of updating", asked=("updating",)),
        Item("25", "Interpretation", asked=("interpretation",)),
        Item("26", "Limitations", (shows.caveats,), ("limitations",), EITHER),
        Item("27a", "Poor or lacking input in use", asked=("input_quality",)),
        Item("27b", "What users do, and must know", asked=("intended_users",)),
        Item("27c", "Next steps", asked=("next_steps",)),
    ),
)  # fmt: skip
