"""What only a person can say of a study, in a short form: a TOML file with a line for each question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from overread.records.errors import InputError, located, quoted
from overread.records.tables import Source
from overread.records.toml_files import read_toml, refuse_unknown
from overread.records.writing import replace_file

FORM: dict[str, dict[str, str]] = {
    "The paper": {
        "title": "Title, naming the study as one of an AI model and a measure of accuracy.",
        "abstract": "Where the structured summary stands, or the summary itself.",
        "background": "What is known, current practice, and the place of the model in it.",
        "objectives": "What the study asks, and its hypotheses.",
        "intended_use": "For whom, for what decision, and where in the care pathway the model is meant.",
        "intended_users": "Who is to use it, and what they must know.",
        "health_inequalities": "Known inequalities between groups of people that matter here.",
    },
    "The study": {
        "design": "Prospective or retrospective: were the data planned before or after test and reference standard?",
        "study_goal": "Such as making a model, feasibility, external test, non-inferiority.",
        "data_source": "Where the data come from: collected for this study, in routine, or open.",
        "dates": "Begin and end of the collection.",
        "setting": "Kind, number and place of the centres.",
        "eligibility": "Who and which images could take part, in the order in which the criteria were applied.",
        "participant_series": "Consecutive, random or by convenience, and how people were found.",
        "data_subsets": "Whether a subset of the images, or a part of each, was picked out beforehand: how, by whom.",
        "partitioning": "How images were assigned to training, tuning and testing: an official split, or at random.",
        "treatments": "Treatments received, and how they were dealt with.",
        "representativeness": "How the data resemble the people whom the model is for.",
        "sample_size": "How the size was arrived at.",
        "ethics": "Committee and approval, or why none was needed; consent or its waiver.",
    },
    "Images and truth": {
        "acquisition": "Devices, protocol and software that made the images.",
        "preprocessing": "What was done to the images and the tables, and how quality was checked.",
        "deidentification": "How images and tables were made anonymous.",
        "missing_data": "How missing images, labels and attributes were dealt with.",
        "indeterminate_results": "How unclear answers of the model or of the reference standard were dealt with.",
        "reference_standard": "What counts as truth, so that another could repeat it, and its cut-offs.",
        "reference_rationale": "Why this reference standard and no other.",
        "annotators": "Who gave the labels: training, experience.",
        "annotation_procedure": "How they were given: tools, instructions, software, what was known to the annotators.",
        "annotation_variability": "How far annotators agree, and how they were reconciled.",
        "predictor_assessors": "Who judged what the model is given besides pixels, where that takes judgement.",
        "blinding_of_reader": "What the model or reader knew of the truth and of the patient.",
        "blinding_of_reference": "What those who set the truth knew of the model's answers.",
        "time_interval": "Time and treatment between image and reference standard.",
        "severity": "How severe the disease is among those who have it.",
    },
    "The model": {
        "model": "Inputs, architecture, outputs, version.",
        "model_software": "Frameworks and versions that the model was made and run with.",
        "initialisation": "How weights began, and what they were trained on before.",
        "training": "Training, augmentation, hyperparameters, when it stopped.",
        "model_selection": "How the final model was chosen.",
        "ensemble": "How several models are combined, if they are.",
        "class_imbalance": "What was done about rare findings, and how scores were brought back.",
        "model_access": "How others can get predictions: code, object, service; restrictions.",
        "explainability": "How answers are explained, and how the explanations were checked.",
        "updating": "Recalibration or other changes after evaluation, and what came of them.",
        "external_testing": "On which other hospital's data the model was tested, or why on none.",
        "heterogeneity": "How results differ between hospitals or centres, and how that was looked at.",
        "differences_from_development": "How the reported data differ from those of development.",
    },
    "People and use": {
        "fairness": "How fairness was looked at, and what was done about it.",
        "ethical_considerations": "Ethical questions of using it.",
        "team_performance": "How people do with the model, rather than the model alone.",
        "usability": "How usable it is to those it is meant for, and how that was tested.",
        "user_information": "What users are told, and where.",
        "input_quality": "What happens with poor or lacking input.",
        "monitoring": "How it is watched in use, and when it is trained anew.",
        "software_quality": "How the software is made, tested and kept secure.",
        "clinical_association": "Why the output should have to do with the disease at all.",
        "adverse_events": "Harm from the test or the reference standard.",
        "patient_involvement": "How patients and the public took part, or that they did not.",
    },
    "Discussion": {
        "interpretation": "What the results mean, beside other studies.",
        "limitations": "What limits them: bias, uncertainty, other hospitals.",
        "implications": "What follows for practice.",
        "next_steps": "What is to be studied next.",
    },
    "Openness": {
        "registration": "Registry and number, or that it was not registered.",
        "protocol": "Where the protocol is, or that there is none.",
        "funding": "Who paid, and what their part was.",
        "competing_interests": "Interests of the authors, commercial ones among them.",
        "data_availability": "Where the data are, and under which terms.",
        "code_availability": "Where the code is.",
        "auditability": "Whether outputs are kept and can be audited.",
    },
}
QUESTIONS: dict[str, str] = {name: question for part in FORM.values() for name, question in part.items()}
NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class StudyForm:
    """A form that was filled in: answers by the name of their question, those left empty not among them."""

    answers: Mapping[str, str]
    source: Source | None = None

    def __str__(self) -> str:
        return f"{len(self.answers)} of {len(QUESTIONS)} questions answered"


def read_study_form(path: str | Path) -> StudyForm:
    """Read a form.

    Raises `InputError` when it is not TOML, a name is none of the questions', or an answer is not text.
    """
    given, source = read_toml(path)
    refuse_unknown(located(path), given, list(QUESTIONS))
    for name, answer in given.items():
        if not isinstance(answer, str):
            raise InputError(f"{located(path)}, {name}", f"the answer is {quoted(answer)}", "text in quotes")
    answers = {name: given[name].strip() for name in QUESTIONS if given.get(name, "").strip()}
    return StudyForm(answers, source)


def empty_form() -> bytes:
    """Return the form with nothing filled in: every question, with what it asks in a line above it."""
    parts = [
        "# What only a person can say of a study. Fill in what you can, and give the file to overread report --study.\n"
        f'# Leave an answer empty where you have none; write "{NOT_APPLICABLE}: REASON" where it does not arise.\n'
        '# Longer answers stand between three quotes: """ ... """\n'
    ]
    for title, questions in FORM.items():
        parts.append(f"\n# ---- {title} ----\n")
        parts += [f'\n# {question}\n{name} = ""\n' for name, question in questions.items()]
    return "".join(parts).encode()


def write_empty_form(path: str | Path) -> None:
    """Write the empty form, whole or not at all."""
    replace_file(Path(path), empty_form())
