"""What is taken from the radiograph, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from overread.records.errors import InputError

source = pytest.importorskip("overread.vision.results.source")
ENCODING = "SpecificCharacterSet"


def test_identifiers_are_carried_and_nothing_else(radiograph: Any) -> None:
    kept = source.read_source(radiograph())
    assert str(kept.PatientName) == "Müller^Änne"
    assert (kept.PatientID, kept.AccessionNumber, kept.StudyInstanceUID) == ("P7", "A7", "2.25.102")
    assert {element.keyword for element in kept} <= {
        "SpecificCharacterSet",
        *source.NEEDED,
        *source.CARRIED,
        *source.CONTEXT,
    }
    assert "Secret" not in str(kept)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("ISO_IR 100", "Müller^Änne"),
        ("ISO_IR 144", "Люкceмбypг"),
        (["", "ISO 2022 IR 87"], "Yamada=山田"),
        (None, "A^B"),
    ],
)
def test_letters_of_any_encoding_are_carried_in_utf8(encoding: Any, name: str, radiograph: Any) -> None:
    kept = source.read_source(radiograph(SpecificCharacterSet=encoding, PatientName=name))
    assert kept.SpecificCharacterSet == "ISO_IR 192"
    assert str(kept.PatientName) == name


def test_what_the_radiograph_lacks_is_empty(radiograph: Any) -> None:
    kept = source.read_source(radiograph(PatientBirthDate=None, AccessionNumber=None))
    assert kept.PatientBirthDate == ""
    assert kept.AccessionNumber == ""


@pytest.mark.parametrize("name", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_a_radiograph_that_cannot_be_referred_to_is_refused(name: str, radiograph: Any) -> None:
    with pytest.raises(InputError, match=f"it has no {name}"):
        source.read_source(radiograph(**{name: None}))


@pytest.mark.filterwarnings("ignore:Invalid value:UserWarning", "ignore:A value:UserWarning")
@pytest.mark.filterwarnings("ignore:Unknown encoding:UserWarning", "ignore:The value length:UserWarning")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("StudyDate", "2026-01-02"),
        ("StudyTime", "noon"),
        ("PatientBirthDate", "June"),
        ("PatientSex", "FEMALE"),
        ("SOPClassUID", "1.2.3.4.5"),
    ],
)
def test_a_value_that_could_not_be_written_again_is_refused_and_not_quoted(
    name: str, value: str, radiograph: Any
) -> None:
    with pytest.raises(InputError, match="is not what DICOM allows") as refused:
        source.read_source(radiograph(**{name: value}))
    assert value not in str(refused.value)


def test_other_files_are_refused(radiograph: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        source.read_source(tmp_path / "nothing.dcm")
    (tmp_path / "text.dcm").write_text("image,Mass\n")
    with pytest.raises(InputError, match="this is not DICOM"):
        source.read_source(tmp_path / "text.dcm")
    with pytest.raises(InputError, match="it holds no image"):
        source.read_source(radiograph(PixelData=None))


def test_an_identifier_follows_from_the_content() -> None:
    pydicom = pytest.importorskip("pydicom")
    one = source.made_uid("report", "2.25.1", "0.5")
    assert one == source.made_uid("report", "2.25.1", "0.5")
    assert one != source.made_uid("report", "2.25.1", "0.6")
    assert pydicom.uid.UID(one).is_valid
