"""overread gives chest X-ray models a second reading.

Everything a script needs is here; each name is loaded when it is first used, so that `import overread` is quick.

    cohort = overread.read_cohort("chestxray14")              # or cohort_from_frame(frame), cohort_from_arrays
    reading = overread.read_reading("model=scores.csv")       # or reading_from_frame(frame, name="model")
    result = overread.second_reading(cohort, [reading])       # every table, in result.tables
    overread.write_report(result, "second-reading")           # the page, the tables, the figures
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from overread.analyses.audit import Audit as Audit
    from overread.analyses.audit import audit as audit
    from overread.analyses.blind import blind_reading as blind_reading
    from overread.analyses.options import Options as Options
    from overread.analyses.plan import Plan as Plan
    from overread.analyses.plan import Primary as Primary
    from overread.analyses.plan_file import read_plan as read_plan
    from overread.analyses.plan_file import write_plan as write_plan
    from overread.analyses.planning import plan_for as plan_for
    from overread.analyses.planning import planned_options as planned_options
    from overread.analyses.reread import Reread as Reread
    from overread.analyses.reread import reread as reread
    from overread.analyses.second_reading import SecondReading as SecondReading
    from overread.analyses.second_reading import second_reading as second_reading
    from overread.records.adjudicated import Adjudicated as Adjudicated
    from overread.records.adjudicated import adjudicated_from_frame as adjudicated_from_frame
    from overread.records.adjudicated import read_adjudicated as read_adjudicated
    from overread.records.clinic import Clinic as Clinic
    from overread.records.clinic import clinic_from_frames as clinic_from_frames
    from overread.records.clinic import read_clinic as read_clinic
    from overread.records.cohort import Cohort as Cohort
    from overread.records.cohort import cohort_from_arrays as cohort_from_arrays
    from overread.records.cohort import cohort_from_frame as cohort_from_frame
    from overread.records.cohort import read_cohort as read_cohort
    from overread.records.errors import InputError as InputError
    from overread.records.printed import read_printed as read_printed
    from overread.records.reading import Reading as Reading
    from overread.records.reading import read_reading as read_reading
    from overread.records.reading import reading_from_arrays as reading_from_arrays
    from overread.records.reading import reading_from_frame as reading_from_frame
    from overread.records.reading import write_reading as write_reading
    from overread.records.study import Study as Study
    from overread.records.study import study as study
    from overread.records.study_form import StudyForm as StudyForm
    from overread.records.study_form import read_study_form as read_study_form
    from overread.report.audit_page import write_audit as write_audit
    from overread.report.reread_page import write_reread as write_reread
    from overread.report.writer import write_report as write_report
    from overread.stats.estimate import Estimate as Estimate

_HOMES = {
    "Audit": "overread.analyses.audit",
    "audit": "overread.analyses.audit",
    "blind_reading": "overread.analyses.blind",
    "Options": "overread.analyses.options",
    "Plan": "overread.analyses.plan",
    "Primary": "overread.analyses.plan",
    "read_plan": "overread.analyses.plan_file",
    "write_plan": "overread.analyses.plan_file",
    "plan_for": "overread.analyses.planning",
    "planned_options": "overread.analyses.planning",
    "SecondReading": "overread.analyses.second_reading",
    "second_reading": "overread.analyses.second_reading",
    "Adjudicated": "overread.records.adjudicated",
    "adjudicated_from_frame": "overread.records.adjudicated",
    "read_adjudicated": "overread.records.adjudicated",
    "Clinic": "overread.records.clinic",
    "clinic_from_frames": "overread.records.clinic",
    "read_clinic": "overread.records.clinic",
    "Cohort": "overread.records.cohort",
    "cohort_from_arrays": "overread.records.cohort",
    "cohort_from_frame": "overread.records.cohort",
    "read_cohort": "overread.records.cohort",
    "InputError": "overread.records.errors",
    "Reread": "overread.analyses.reread",
    "reread": "overread.analyses.reread",
    "read_printed": "overread.records.printed",
    "write_reread": "overread.report.reread_page",
    "Reading": "overread.records.reading",
    "read_reading": "overread.records.reading",
    "reading_from_arrays": "overread.records.reading",
    "reading_from_frame": "overread.records.reading",
    "write_reading": "overread.records.reading",
    "Study": "overread.records.study",
    "study": "overread.records.study",
    "StudyForm": "overread.records.study_form",
    "read_study_form": "overread.records.study_form",
    "write_audit": "overread.report.audit_page",
    "write_report": "overread.report.writer",
    "Estimate": "overread.stats.estimate",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'overread' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
