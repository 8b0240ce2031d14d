"""The file of a plan: TOML that people read, with the checksum of all that stands before it as its last line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from textwrap import wrap
from typing import Any

from overread.analyses.plan import LOCKED, NO_PROOF, Plan, Primary
from overread.records.errors import InputError, located
from overread.records.tables import Source, read_bytes, source
from overread.records.toml_files import parsed, refuse_unknown, toml, toml_key
from overread.records.writing import replace_file

FORMAT = "overread plan"
HEAD = """\
# The plan of a second reading, written by overread {version} before any score of the reported rows is read.
#
# {proof}
#
# overread report --plan THIS_FILE takes its options from here, refuses what departs from them (unless --deviate says
# why), and marks every number as primary, planned or exploratory. overread verify names a changed byte. Do not edit:
# the last line is the checksum of all that stands before it.

"""
LOCK = "\n[lock]\nsha256 = "
TABLES: dict[str, tuple[str, ...]] = {
    "": ("format", "overread", "date", "findings", "readings", "cohort", "primary", "secondary", "options", "lock"),
    "cohort": ("name", "n_images", "n_patients", "content", "files"),
    "primary": tuple(each.name for each in fields(Primary)),
    "secondary": ("metrics",),
    "options": LOCKED,
    "lock": ("sha256",),
}


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan, whole or not at all.

    Raises `InputError` when the name does not end in `.toml`, or the folder cannot be written to.
    """
    path = Path(path)
    if path.suffix != ".toml":
        raise InputError(located(path), "a plan is a TOML file", "a name that ends in .toml")
    replace_file(path, plan_file(plan))


def plan_file(plan: Plan) -> bytes:
    """Return a plan as its file."""
    return body(plan) + f"{LOCK}{toml(plan.checksum)}\n".encode()


def body(plan: Plan) -> bytes:
    """Return all of a plan's file that its checksum is of."""
    top = {
        "format": FORMAT,
        "overread": plan.version,
        "date": plan.date,
        "findings": plan.findings,
        "readings": plan.readings,
    }
    files = [{"path": each.path, "sha256": each.sha256, "n_bytes": each.n_bytes} for each in plan.files]
    tables = {
        "cohort": {
            "name": plan.cohort,
            "n_images": plan.n_images,
            "n_patients": plan.n_patients,
            "content": plan.content,
            "files": files,
        },
        "primary": {each.name: getattr(plan.primary, each.name) for each in fields(Primary)},
        "secondary": {"metrics": plan.secondary},
        "options": dict(plan.options),
    }
    parts = [HEAD.format(version=plan.version, proof=wrapped(NO_PROOF)), lines(top)]
    parts += [f"\n[{name}]\n{lines(table)}" for name, table in tables.items()]
    return "".join(parts).encode()


def wrapped(text: str) -> str:
    """Break a comment into lines."""
    return "\n# ".join(wrap(text, 110))


def lines(table: Mapping[str, Any]) -> str:
    """Write a table's keys; what is None is left out."""
    return "".join(f"{toml_key(name)} = {toml(value)}\n" for name, value in table.items() if value is not None)


def read_plan(path: str | Path) -> Plan:
    """Read a plan.

    Raises `InputError` when it is none, or when its checksum says that it was changed after it was written.
    """
    data, where = read_bytes(path), located(path)
    before, lock, after = data.rpartition(LOCK.encode())
    found = hashlib.sha256(before).hexdigest()
    if not lock:
        do = "Write one with overread plan."
        raise InputError(where, "this is no plan, or its checksum is gone", "a file that overread plan wrote", do)
    if after != f"{toml(found)}\n".encode():
        what = f"the plan was changed after it was written: its content has the checksum {found[:16]}..."
        raise InputError(where, what, "the file as overread plan wrote it", "Restore it, or plan anew and say so.")
    document = parsed(data, where)
    for table, known in TABLES.items():
        refuse_unknown(where, document.get(table, {}) if table else document, known)
    try:
        return replace(plan_of(document), checksum=found, source=source(path, data))
    except (KeyError, TypeError, AttributeError) as reason:
        raise InputError(where, f"the plan lacks a part or has one of another kind ({reason})") from None


def plan_of(document: Mapping[str, Any]) -> Plan:
    """Return the plan in a parsed file."""
    cohort, primary = document["cohort"], document["primary"]
    options = {name: document["options"].get(name) for name in LOCKED}
    options |= {"by": tuple(options["by"])}
    return Plan(
        date=document["date"],
        version=document["overread"],
        cohort=cohort["name"],
        content=cohort["content"],
        n_images=cohort["n_images"],
        n_patients=cohort.get("n_patients"),
        files=tuple(Source(**each) for each in cohort["files"]),
        findings=tuple(document["findings"]),
        readings=tuple(document["readings"]),
        primary=Primary(**primary | {"findings": tuple(primary["findings"])}),
        secondary=tuple(document["secondary"]["metrics"]),
        options=options,
    )
