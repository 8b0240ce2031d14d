"""An audit as a folder: its page, its tables, its figures, and everything as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from overread.analyses.audit import Audit
from overread.report import numbers
from overread.report.audit import content, opening, people, prevalence
from overread.report.page import Heading, Page, whole
from overread.report.results import AUDIT_MARKER, finite, results_csv
from overread.report.section import Section
from overread.report.writer import RESULTS, check_output, write_files

PAGE = "audit.html"

SECTIONS: tuple[Callable[[Audit], Section | None], ...] = (
    opening.section,
    opening.points,
    people.section,
    people.readings,
    prevalence.by_split,
    prevalence.by_attribute,
    prevalence.together,
    content.labels,
    content.blind,
    content.boxes,
    content.missing,
    content.appendix,
)
"""In the order of the page. Each returns its section, or None where the cohort has nothing to say in it."""


def audit_page(audit: Audit) -> Page:
    """Make the page of an audit."""
    row = audit.tables["parts"].row(0, named=True)
    patients = "" if row["n_patients"] is None else f" of {numbers.plural(row['n_patients'], 'patient')}"
    findings = numbers.plural(len(audit.cohort.findings), "finding")
    subtitle = f"{numbers.plural(row['n_images'], 'image')}{patients}, {findings}"
    made = (section(audit) for section in SECTIONS)
    heading = Heading(f"Audit of {audit.cohort.name}", subtitle, "audit", f"Seed {audit.seed}.", audit.cohort.synthetic)
    return whole([section for section in made if section is not None], heading)


def write_audit(audit: Audit, out: str | Path, *, force: bool = False) -> Path:
    """Write an audit as a folder, whole or not at all: `audit.html`, `results.json`, `figures/*.svg`, `tables/*.csv`.

    With `force` a folder that overread wrote is replaced. Raises `InputError` when the place is taken or cannot be
    written to.
    """
    place = check_output(out, force=force)
    made = audit_page(audit)
    files = {PAGE: made.html.encode()}
    files |= {f"figures/{name}.svg": document.encode() for name, document in made.figures.items()}
    files |= {f"tables/{name}.csv": results_csv(table) for name, table in audit.tables.items()}
    write_files(files | {RESULTS: audit_json(audit, [*files, RESULTS])}, place, out)
    return place / PAGE


def audit_json(audit: Audit, files: Iterable[str]) -> bytes:
    """Return everything as JSON, laid out as `results_json` does; `files` are the files of the folder."""
    row = audit.tables["parts"].row(0, named=True)
    document = {
        "format": AUDIT_MARKER,
        "cohort": audit.cohort.name,
        "readings": list(audit.readings),
        "n_images": row["n_images"],
        "n_patients": row["n_patients"],
        "findings": list(audit.cohort.findings),
        "seed": audit.seed,
        "level": audit.level,
        "versions": dict(audit.versions),
        "inputs": [{"path": s.path, "sha256": s.sha256, "n_bytes": s.n_bytes} for s in audit.sources],
        "answer": list(audit.summary),
        "warnings": list(audit.cohort.warnings),
        "methods": list(content.METHODS),
        "tables": {name: finite(table).to_dicts() for name, table in audit.tables.items()},
        "files": sorted(files),
    }
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()
