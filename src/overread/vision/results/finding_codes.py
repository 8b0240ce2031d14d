"""Findings, scores and calls as coded concepts.

A code of SNOMED CT or DICOM stands only where pydicom's dictionary, which is made from PS3.16, holds it and it means
what the label means. Anything else is coded under our own scheme, whose designator begins with 99 as PS3.16 8 asks.
"""

from __future__ import annotations

import re
from hashlib import sha256

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from overread.records.findings import display, key

SCHEME = "99OVERREAD"
STANDARD = {
    "cardiomegaly": codes.SCT.Cardiomegaly,
    "effusion": codes.SCT.PleuralEffusion,
    "pleural effusion": codes.SCT.PleuralEffusion,
    "infiltration": codes.DCM.Infiltrate,
    "mass": codes.SCT.Mass,
    "nodule": codes.SCT.Nodule,
    "pneumothorax": codes.SCT.Pneumothorax,
    "edema": codes.SCT.PulmonaryEdema,
    "fibrosis": codes.SCT.Fibrosis,
}
"""NIH's labels, by `key`: their effusion is pleural, their edema pulmonary (Wang et al. 2017)."""

SCORE, CALL = codes.SCT.Score, Code("call", SCHEME, "Score at or above the operating point")
THRESHOLD, NO_UNITS = codes.DCM.ThresholdValue, codes.UCUM.NoUnits
YES, NO = codes.SCT.Yes, codes.SCT.No
LONGEST_VALUE, LONGEST_MEANING = 16, 64


def finding_code(finding: str) -> Code:
    """Return the code of a finding.

    >>> finding_code("Effusion").value, finding_code("Pleural_Thickening").value
    ('60046008', 'pleural-t-1fe739')
    """
    known = STANDARD.get(key(finding))
    return known if known is not None else Code(own_value(finding), SCHEME, display(finding)[:LONGEST_MEANING])


def own_value(finding: str) -> str:
    """Return the value of a code of our own: letters, digits and hyphens; what is too long ends with a checksum."""
    plain = re.sub(r"[^a-z0-9]+", "-", key(finding)).strip("-")
    if plain and len(plain) <= LONGEST_VALUE:
        return plain
    return f"{plain[: LONGEST_VALUE - 7]}-{sha256(key(finding).encode()).hexdigest()[:6]}".lstrip("-")
