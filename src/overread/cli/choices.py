"""Options that are written as text on the command line, read into what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overread.records.errors import InputError

if TYPE_CHECKING:
    from overread.analyses.options import Options
    from overread.records.adjudicated import Adjudicated


def operating_point(text: str) -> str | dict[str, float]:
    """Read `--operating-point`: a rule in words, or the path of a table with the columns finding and threshold."""
    from overread.stats.operating_points import parse_rule

    if Path(text).suffix.lower() in (".csv", ".gz", ".parquet") or Path(text).is_file():
        from overread.records.thresholds import read_thresholds

        return read_thresholds(text)
    try:
        parse_rule(text)
    except ValueError as refusal:
        raise InputError("--operating-point", str(refusal)) from None
    return text


def shares(option: str, text: str | None, example: str) -> dict[str, float]:
    """Read NAME=X,... with each X between 0 and 1: shares of people, or margins of metrics that are shares.

    >>> shares("--prevalence", "Edema=0.02,Mass=0.1", "Edema=0.01")
    {'Edema': 0.02, 'Mass': 0.1}
    """
    read: dict[str, float] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name, _, number = part.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = float("nan")
        if not 0 < share < 1:
            raise InputError(
                option,
                f"{part.strip()!r} is not a name with a number between 0 and 1",
                "NAME=NUMBER, joined by commas",
                f"Write for example {option} {example}.",
            )
        read[name.strip()] = share
    return read


def prevalences(text: str | None) -> dict[str, tuple[float, ...]]:
    """Read prevalences, each for all findings or for a named one; those for all stand under an empty name.

    >>> prevalences("0.01,0.1,Edema=0.02")
    {'': (0.01, 0.1), 'Edema': (0.02,)}
    """
    read: dict[str, tuple[float, ...]] = {}
    for part in names(text or ""):
        name, equals, number = part.rpartition("=")
        share = shares("--prevalence", f"x={number}", "0.01,Edema=0.02")["x"]
        if equals and not name.strip():
            raise InputError("--prevalence", f"{part!r} has no finding before the equals sign", "0.01 or Edema=0.02")
        read[name.strip()] = (*read.get(name.strip(), ()), share)
    return read


def calls(text: str | None) -> tuple[str, ...] | None:
    """Read `--calls`: the readings that are calls; none of them, or (None) those that hold nothing but 0 and 1.

    >>> calls("anna, ben"), calls("none"), calls(None)
    (('anna', 'ben'), (), None)
    """
    if text is None:
        return None
    return () if text.strip().lower() == "none" else names(text)


def adjudicated(path: Path | None, mapping: Path | None) -> Adjudicated | None:
    """Read `--adjudicated`, a better truth, with `--adjudicated-map`, what its labels stand for."""
    from overread.records.adjudicated import read_adjudicated

    if path is not None:
        return read_adjudicated(path, mapping)
    if mapping is not None:
        raise InputError(
            "--adjudicated-map", "there is no better truth to map", "the table too, as --adjudicated TABLE"
        )
    return None


def label_noise(text: str | None) -> dict[str, tuple[float, float]]:
    """Read `--label-noise`: the sensitivity and specificity of the cohort's labels, by finding.

    >>> label_noise("Effusion=0.8/0.97, Mass=0.6/0.99")
    {'Effusion': (0.8, 0.97), 'Mass': (0.6, 0.99)}
    """
    read: dict[str, tuple[float, float]] = {}
    for part in names(text or ""):
        name, _, rates = part.partition("=")
        try:
            sensitivity, specificity = (float(rate) for rate in rates.split("/"))
        except ValueError:
            sensitivity = specificity = float("nan")
        if not (0 <= sensitivity <= 1 and 0 <= specificity <= 1 and sensitivity + specificity > 1):
            what = f"{part!r} is not a finding with two rates from 0 to 1 that add up to more than 1"
            do = "Write for example --label-noise Effusion=0.8/0.97."
            raise InputError("--label-noise", what, "NAME=SENSITIVITY/SPECIFICITY, joined by commas", do)
        read[name.strip()] = sensitivity, specificity
    return read


def under_plan(options: Options, plan: Path | None, given: Sequence[str], deviate: str | None) -> Options:
    """Return the options under a plan: what was not given on the command line is as the plan has it."""
    from overread.analyses.plan_file import read_plan
    from overread.analyses.planning import applied

    if deviate is not None and not deviate.strip():
        raise InputError("--deviate", "the reason is empty", "a sentence that says why")
    if plan is None:
        return replace(options, deviation=deviate or "")
    return applied(read_plan(plan), options, given, deviation=deviate or "")


def reporting(guidelines: str | None, form: Path | None) -> dict[str, Any]:
    """Read `--guidelines` and `--study`; a form alone asks for every guideline."""
    from overread.analyses.reporting.listing import ALL, named
    from overread.records.study_form import read_study_form

    asked = names(guidelines or "") or ((ALL,) if form is not None else ())
    named(asked)
    return {"guidelines": asked, "form": None if form is None else read_study_form(form)}


def names(text: str) -> tuple[str, ...]:
    """Read a list of names joined by commas.

    >>> names("age, gender")
    ('age', 'gender')
    """
    return tuple(name for part in text.split(",") if (name := part.strip()))


def refuse_existing(out: Path, force: bool) -> None:
    """Refuse a file that exists before any work is done, unless told to replace it."""
    if out.exists() and not force:
        raise InputError(str(out), "it exists already", "", "Name another one, or pass --force to replace it.")


def images_folder(cohort: str, images: Path | None) -> Path:
    """Return where the images are: as `--images` says, else below the cohort's own folder."""
    if images is not None:
        return images
    if Path(cohort).is_dir():
        return Path(cohort)
    do = "Give the folder that they lie in, or a store: --images PATH."
    raise InputError("--images", f"the cohort {cohort} is no folder, and nothing says where its images are", "", do)
