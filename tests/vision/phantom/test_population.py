"""Frequencies, co-occurrence and gender of the patients that are drawn, against the real table."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest
from scipy.optimize import minimize

from overread.records.errors import InputError
from overread.records.findings import NIH_FINDINGS
from overread.records.nih import shipped
from overread.vision.phantom.population import FLOOR, LONGEST, Exam, Population, population, tilted

N = 12_000


@pytest.fixture(scope="module")
def of_default() -> Population:
    return population()


@pytest.fixture(scope="module")
def exams(of_default: Population) -> list[Exam]:
    return list(islice(of_default.exams(5), N))


def share(exams: list[Exam], *findings: str) -> float:
    return float(np.mean([exam.findings.issuperset(findings) for exam in exams]))


def test_each_finding_is_as_frequent_as_in_the_real_table_or_as_the_floor(exams: list[Exam]) -> None:
    content, _ = shipped()
    for finding, real in zip(NIH_FINDINGS, content.labels.mean(axis=0), strict=True):
        assert share(exams, finding) == pytest.approx(max(real, FLOOR), rel=0.2)


def test_without_a_floor_even_the_rarest_keeps_its_frequency() -> None:
    drawn = list(islice(population(floor=0.0).exams(1), 40_000))
    content, _ = shipped()
    for finding, real in zip(NIH_FINDINGS, content.labels.mean(axis=0), strict=True):
        assert share(drawn, finding) == pytest.approx(real, rel=0.15, abs=0.001)


def test_a_frequency_that_was_asked_for_is_met() -> None:
    drawn = list(islice(population(prevalence={"pneumothorax": 0.3}).exams(0), 8000))
    assert share(drawn, "Pneumothorax") == pytest.approx(0.3, abs=0.02)
    assert share(drawn, "Hernia") == pytest.approx(FLOOR, abs=0.01)


def test_views_and_genders_are_as_frequent_as_in_the_real_table(exams: list[Exam]) -> None:
    rows = shipped()[0].rows
    assert np.mean([exam.view == "AP" for exam in exams]) == pytest.approx(
        float((rows["view"] == "AP").mean()), abs=0.03
    )
    assert np.mean([exam.gender == "F" for exam in exams]) == pytest.approx(
        float((rows["gender"] == "F").mean()), abs=0.03
    )


def test_what_comes_together_and_what_goes_with_the_view_is_kept(exams: list[Exam]) -> None:
    assert share(exams, "Edema", "Pneumonia") > 3 * share(exams, "Edema") * share(exams, "Pneumonia")
    assert share(exams, "Cardiomegaly", "Pneumothorax") < 0.85 * share(exams, "Cardiomegaly") * share(
        exams, "Pneumothorax"
    )
    front = [exam for exam in exams if exam.view == "AP"]
    back = [exam for exam in exams if exam.view == "PA"]
    assert share(front, "Edema") > 4 * share(back, "Edema")
    assert share(back, "Fibrosis") > 1.7 * share(front, "Fibrosis")


def test_some_findings_go_with_gender_and_others_do_not(exams: list[Exam]) -> None:
    men = [exam for exam in exams if exam.gender == "M"]
    women = [exam for exam in exams if exam.gender == "F"]
    assert share(men, "Emphysema") > 2.2 * share(women, "Emphysema")
    assert share(men, "Nodule") > 1.8 * share(women, "Nodule")
    assert share(women, "Cardiomegaly") > 1.6 * share(men, "Cardiomegaly")
    assert share(men, "Effusion") == pytest.approx(share(women, "Effusion"), rel=0.2)


def test_a_finding_often_returns_on_the_next_exam(exams: list[Exam]) -> None:
    pairs = [(a, b) for a, b in pairwise(exams) if a.patient == b.patient]
    after = [b for a, b in pairs if "Pneumothorax" in a.findings]
    otherwise = [b for a, b in pairs if "Pneumothorax" not in a.findings]
    assert share(after, "Pneumothorax") > 5 * share(otherwise, "Pneumothorax")


def test_exams_of_a_patient_are_in_sequence_and_in_one_part(exams: list[Exam]) -> None:
    by_patient: dict[int, list[Exam]] = {}
    for exam in exams:
        by_patient.setdefault(exam.patient, []).append(exam)
    assert list(by_patient) == list(range(1, len(by_patient) + 1))
    for own in by_patient.values():
        assert [exam.number for exam in own] == list(range(len(own)))
        assert len(own) <= LONGEST
        assert len({(exam.gender, exam.test) for exam in own}) == 1


def test_the_first_images_do_not_depend_on_how_many_follow(of_default: Population, exams: list[Exam]) -> None:
    assert list(islice(of_default.exams(5), 50)) == exams[:50]
    assert list(islice(of_default.exams(6), 50)) != exams[:50]


def test_weights_agree_with_a_general_optimiser() -> None:
    rng = np.random.default_rng(0)
    images, means = rng.integers(1, 5, 60).astype(float), rng.random((60, 3))
    goals = np.array([0.55, 0.42, 0.5])
    weights = tilted(images, means, goals)
    assert (weights * images) @ means / (weights @ images) == pytest.approx(goals, abs=1e-6)
    found = minimize(lambda theta: np.log(images @ np.exp((means - goals) @ theta)), np.zeros(3), tol=1e-10).x
    expected = np.exp(means @ found)
    assert weights == pytest.approx(expected / expected.mean(), rel=1e-3)


@pytest.mark.parametrize(
    ("prevalence", "message"),
    [
        ({"Fracture": 0.1}, "Fracture is not a finding of ChestX-ray14"),
        ({"Mass": 0.9}, "Mass at 0.9 cannot be drawn"),
        ({"Hernia": 0.6, "Edema": 0.6, "Mass": 0.6}, "no mixture of ChestX-ray14's patients"),
    ],
)
def test_frequencies_that_cannot_be_had_are_refused(prevalence: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _ = population(prevalence=prevalence).cumulative


def test_the_chance_of_an_exam_to_be_shown_is_what_windows_give(of_default: Population) -> None:
    chances, stays = of_default.chances(), np.diff(of_default.start)
    for stay in (1, LONGEST, LONGEST + 1, 20):
        patient = int(np.flatnonzero(stays == stay)[0])
        first = int(of_default.start[patient])
        shown = np.zeros(stay)
        windows = range(max(stay - LONGEST, 0) + 1)
        for start in windows:
            shown[start : start + LONGEST] += 1 / len(windows)
        assert chances[first : first + stay] == pytest.approx(shown)
