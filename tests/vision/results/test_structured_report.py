"""The structured report, read back by highdicom and judged by dicom3tools where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from overread.records.errors import InputError

written = pytest.importorskip("overread.vision.results.structured_report")
source = pytest.importorskip("overread.vision.results.source")
highdicom = pytest.importorskip("highdicom")
pydicom = pytest.importorskip("pydicom")

SCORES = {"Effusion": 0.72, "Mass": 0.31, "Pleural_Thickening": 0.123456789012345678}


def answers(**changed: Any) -> Any:
    given = {"algorithm": "standard", "version": "3", "scores": SCORES, "thresholds": {"effusion": 0.72, "Mass": 0.5}}
    return written.Answers(**(given | changed))


def report(radiograph: Any, **changed: Any) -> Any:
    return written.structured_report(source.read_source(radiograph()), answers(**changed))


def read_back(made: Any) -> Any:
    found = highdicom.sr.ComprehensiveSR.from_dataset(pydicom.dcmread(BytesIO(source.encoded(made))))
    return found.content


def test_scores_thresholds_and_calls_come_back(radiograph: Any) -> None:
    groups = read_back(report(radiograph)).get_image_measurement_groups()
    said = {}
    for group in groups:
        values = {each.name.meaning: each.value for each in group.get_measurements()}
        calls = [each.value.meaning for each in group.get_qualitative_evaluations(name=written.CALL)]
        said[group.tracking_identifier] = (group.finding_type.meaning, values, calls)
    assert said["Effusion"] == ("Pleural effusion", {"Score (attribute)": 0.72, "Threshold Value": 0.72}, ["Yes"])
    assert said["Mass"] == ("Mass", {"Score (attribute)": 0.31, "Threshold Value": 0.5}, ["No"])
    meaning, values, calls = said["Pleural Thickening"]
    assert (meaning, calls) == ("Pleural Thickening", [])
    assert values == {"Score (attribute)": pytest.approx(SCORES["Pleural_Thickening"])}


def test_every_group_names_the_image_and_the_algorithm(radiograph: Any) -> None:
    for group in read_back(report(radiograph)).get_image_measurement_groups():
        (image,) = group.source_images
        assert image.referenced_sop_instance_uid == "2.25.101"
    text = str(report(radiograph))
    assert text.count("'Algorithm Version'") == len(SCORES)
    assert "'standard'" in text


def test_it_says_that_it_is_no_diagnosis_and_that_nobody_verified_it(radiograph: Any) -> None:
    made = report(radiograph)
    assert (made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert made.ContentSequence[-1].TextValue == written.STATEMENT
    assert "no diagnosis" in made.SeriesDescription


def test_it_lies_in_the_radiographs_study_under_the_patients_name_and_holds_no_more(radiograph: Any) -> None:
    made = report(radiograph)
    assert (made.StudyInstanceUID, made.PatientID, str(made.PatientName)) == ("2.25.102", "P7", "Müller^Änne")
    assert made.SeriesInstanceUID != "2.25.103"
    assert "Secret" not in str(made)


def test_a_name_in_japanese_comes_through(radiograph: Any) -> None:
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    of = source.read_source(radiograph(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=name))
    back = pydicom.dcmread(BytesIO(source.encoded(written.structured_report(of, answers()))))
    assert str(back.PatientName) == name


def test_the_same_answers_have_the_same_identifier(radiograph: Any) -> None:
    one, same = report(radiograph), report(radiograph)
    assert one.SOPInstanceUID == same.SOPInstanceUID
    for other in (report(radiograph, version="4"), report(radiograph, scores=SCORES | {"Mass": 0.32})):
        assert other.SOPInstanceUID != one.SOPInstanceUID
    assert report(radiograph, thresholds={}).SOPInstanceUID != one.SOPInstanceUID


def test_a_threshold_without_a_score_is_refused() -> None:
    with pytest.raises(InputError, match="a threshold for Hernia"):
        answers(thresholds={"Hernia": 0.5})


@pytest.mark.parametrize("lacking", [{}, {"PatientBirthDate": None, "StudyTime": None, "PatientOrientation": None}])
def test_a_validator_finds_no_error(lacking: dict[str, None], radiograph: Any, tmp_path: Path) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dicom3tools are not installed")
    made = written.structured_report(source.read_source(radiograph(**lacking)), answers())
    (tmp_path / "report.dcm").write_bytes(source.encoded(made))
    said = subprocess.run([program, tmp_path / "report.dcm"], capture_output=True, text=True, check=False).stderr
    assert "ComprehensiveSR" in said
    assert "Error" not in said
