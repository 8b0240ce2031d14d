"""What is taken from the radiograph, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from overread.records.errors import InputError

source = pytest.importorskip("overread.vision.results.source")


def test_identifiers_are_carried_and_nothing_else(radiograph: Any) -> None:
    kept = source.read_source(radiograph())
    assert str(kept.PatientName) == "Müller^Änne"
    assert (kept.PatientID, kept.AccessionNumber, kept.StudyInstanceUID) == ("P7", "A7", "2.25.102")
    assert {element.keyword for element in kept} <= {*source.NEEDED, *source.CARRIED, *source.CONTEXT}
    assert "Secret" not in str(kept)


def test_what_the_radiograph_lacks_is_empty(radiograph: Any) -> None:
    kept = source.read_source(radiograph(PatientBirthDate=None, AccessionNumber=None))
    assert kept.PatientBirthDate == ""
    assert kept.AccessionNumber == ""


@pytest.mark.parametrize("name", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_a_radiograph_that_cannot_be_referred_to_is_refused(name: str, radiograph: Any) -> None:
    with pytest.raises(InputError, match=f"it has no {name}"):
        source.read_source(radiograph(**{name: None}))


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
