"""The names under which the columns of a cohort or a reading are known, NIH's own among them.

Letter case does not matter, and `_`, `-` and space are alike. Where a table has two columns for one role, the name
that stands first here wins, and the other is an attribute like any other.
"""

from __future__ import annotations

from collections.abc import Iterable

from overread.records.findings import NIH_FINDINGS, NO_FINDING, key

ROLES: dict[str, tuple[str, ...]] = {
    "image": (
        "image",
        "image index",
        "image name",
        "image id",
        "image path",
        "image file",
        "filename",
        "file name",
        "path",
        "file path",
        "filepath",
        "file",
        "img",
    ),
    "labels": ("labels", "finding labels", "findings"),
    "patient": ("patient", "patient id", "patientid", "subject id"),
    "split": ("split",),
    "age": ("age", "patient age", "age years"),
    "gender": ("gender", "patient gender", "sex", "patient sex"),
    "view": ("view", "view position"),
    "follow_up": ("follow up", "follow up #", "follow up number"),
    "width": ("originalimage[width",),
    "height": ("height]",),
    "pixel_spacing_x": ("originalimagepixelspacing[x",),
    "pixel_spacing_y": ("y]",),
}


_NIH = {key(name): name for name in NIH_FINDINGS}
_NO_FINDING = {key(NO_FINDING), "nofinding", "no findings"}


def roles(columns: Iterable[str]) -> dict[str, str]:
    """Return which column plays which role.

    >>> roles(["Image Index", "Patient ID", "sex", "Mass"])
    {'image': 'Image Index', 'patient': 'Patient ID', 'gender': 'sex'}
    """
    by_key: dict[str, str] = {}
    for column in columns:
        by_key.setdefault(key(column), column)
    found = {}
    for role, names in ROLES.items():
        known = [by_key[name] for name in names if name in by_key]
        if known:
            found[role] = known[0]
    return found


def role_of(column: str) -> str:
    """Return the name under which a cohort knows an attribute, NIH's own header names among them.

    >>> role_of("View Position"), role_of("Sex"), role_of("scanner")
    ('view', 'gender', 'scanner')
    """
    return next((role for role, names in ROLES.items() if key(column) in names), column)


def numbers_rows(column: str) -> bool:
    """Return whether a column is the number of the row that a program wrote of its own accord.

    >>> numbers_rows("Unnamed: 0"), numbers_rows("__index_level_0__"), numbers_rows("Indexed")
    (True, True, False)
    """
    name = key(column)
    return name in ("", "index", "level 0") or name.startswith(("unnamed: ", "index level "))


def says_no_finding(name: str) -> bool:
    """Return whether a name is `No Finding`: a statement about the others, not a finding.

    >>> says_no_finding("no_finding")
    True
    """
    return key(name) in _NO_FINDING


def nih_name(name: str) -> str | None:
    """Return NIH's spelling of a finding, `None` when it is not one of the 14.

    >>> nih_name("pleural thickening"), nih_name("Infiltrate"), nih_name("Fracture")
    ('Pleural_Thickening', 'Infiltration', None)
    """
    return _NIH.get(key(name))


def without_images(columns: Iterable[str]) -> str:
    """Return what to do about a table in which no column is known to hold the names of images.

    >>> without_images(["00000001_000.png", "0.31"])
    'The first row looks like data: add a header row.'
    """
    if any(name.lower().endswith((".png", ".jpg", ".jpeg", ".dcm")) for name in columns):
        return "The first row looks like data: add a header row."
    return "Name the column that holds them image; an index of a dataframe becomes a column by reset_index()."
