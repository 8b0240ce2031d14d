"""CLAIM (2024 update): AI in medical imaging."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import EITHER, Guideline, Item

CLAIM = Guideline(
    key="claim-2024",
    title="CLAIM 2024",
    citation="Tejani et al., Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update. Radiol "
    "Artif Intell 2024;6:e240300.",
    url="https://doi.org/10.1148/ryai.240300",
    checked="All 44 items were compared by number and name, and more than half of them by their full text, with what "
    "RSNA's own repository of the guideline quotes from the article (github.com/RSNA/CLAIM), and by number and name "
    "with the ROADMAP ontology's transcription, in November 2026: they agree. What each item asks is in our words.",
    items=(
        Item("1", "Named as a study of AI, with the kind of technology", asked=("title",)),
        Item("2", "Structured summary", asked=("abstract",)),
        Item("3", "Background, intended use and clinical role", asked=("background", "intended_use")),
        Item("4", "Aims and hypotheses", (shows.plan,), ("objectives",), EITHER),
        Item("5", "Prospective or retrospective", asked=("design",)),
        Item("6", "Goal of the study", asked=("study_goal",)),
        Item("7", "Data sources", (shows.data_files,), ("data_source",)),
        Item("8", "Inclusion and exclusion; where, when and in which series people were found",
             asked=("eligibility", "setting", "dates", "participant_series")),
        Item("9", "Preprocessing", asked=("preprocessing",)),
        Item("10", "Subsets of the images, or parts of them, picked out beforehand", asked=("data_subsets",)),
        Item("11", "De-identification", asked=("deidentification",)),
        Item("12", "Missing data", (shows.missing_labels,), ("missing_data",)),
        Item("13", "Acquisition of the images", asked=("acquisition",)),
        Item("14", "Reference standard, to be repeated by others", asked=("reference_standard",)),
        Item("15", "Why this reference standard", asked=("reference_rationale",)),
        Item("16", "Annotators and their qualification", asked=("annotators",)),
        Item("17", "How the test set was annotated", asked=("annotation_procedure",)),
        Item("18", "Variability of the annotation", (shows.label_quality,), ("annotation_variability",), EITHER),
        Item("19", "How data were assigned to parts", (shows.partitions,), ("partitioning",)),
        Item("20", "At which level parts are disjoint", (shows.disjoint,)),
        Item("21", "Intended size of the test set", (shows.detectable,), ("sample_size",), EITHER),
        Item("22", "The model in full", asked=("model",)),
        Item("23", "Software and versions for training and inference", asked=("model_software",)),
        Item("24", "Initialisation of parameters", asked=("initialisation",)),
        Item("25", "Training", asked=("training",)),
        Item("26", "How the final model was chosen", asked=("model_selection",)),
        Item("27", "Ensembles", asked=("ensemble",)),
        Item("28", "Performance metrics, beside published models", (shows.statistics, shows.literature)),
        Item("29", "Uncertainty and tests, and the statistical software", (shows.uncertainty, shows.software)),
        Item("30", "Robustness or sensitivity analysis", (shows.robustness,)),
        Item("31", "Explainability, and its validation", (shows.explanations,), ("explainability",), EITHER),
        Item("32", "Evaluation on internal data, and whether it agrees with the training rows",
             (shows.performance_of_a_part, shows.disjoint)),
        Item("33", "Testing on external data, or why not", asked=("external_testing",)),
        Item("34", "Registration of a clinical trial", asked=("registration",)),
        Item("35", "Numbers included and excluded, with a flow chart", (shows.flow,)),
        Item("36", "Demographic and clinical characteristics by part", (shows.demographics_by_part,)),
        Item("37", "Final performance, by part and subgroup", (shows.performance_of_a_part, shows.subgroups)),
        Item("38", "Diagnostic accuracy with intervals, and ROC", (shows.accuracy, shows.discrimination)),
        Item("39", "Failure analysis", (shows.failures,)),
        Item("40", "Limitations", (shows.caveats,), ("limitations",), EITHER),
        Item("41", "Implications for practice, intended use and clinical role", asked=("implications",)),
        Item("42", "Full protocol or technical details", (shows.plan,), ("protocol",), EITHER),
        Item("43", "Software, model and data: where", asked=("data_availability", "code_availability")),
        Item("44", "Funding, and the part of those who paid", asked=("funding",)),
    ),
)  # fmt: skip
