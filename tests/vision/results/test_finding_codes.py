"""Codes: standard ones as pydicom's dictionary has them, our own elsewhere, none shared."""

from __future__ import annotations

import pytest

from overread.records.findings import NIH_FINDINGS

finding_codes = pytest.importorskip("overread.vision.results.finding_codes")


def test_standard_codes_are_those_of_the_dictionary() -> None:
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts
    for finding, code in finding_codes.STANDARD.items():
        known = {value for words in concepts[code.scheme_designator].values() for value in words}
        assert code.value in known, finding


def test_no_two_findings_share_a_code_and_each_fits() -> None:
    names = (*NIH_FINDINGS, "Pleural_Thickening_left", "Pleural thickening right", "Ж")
    codes = [finding_codes.finding_code(name) for name in names]
    assert len({(code.scheme_designator, code.value) for code in codes}) == len(names)
    assert all(0 < len(code.value) <= 16 and 0 < len(code.meaning) <= 64 for code in codes)


def test_a_finding_without_a_standard_code_has_one_of_our_own() -> None:
    code = finding_codes.finding_code("Emphysema")
    assert (code.value, code.scheme_designator, code.meaning) == ("emphysema", "99OVERREAD", "Emphysema")
    assert (
        finding_codes.finding_code("pleural_thickening").value == finding_codes.finding_code("Pleural thickening").value
    )
