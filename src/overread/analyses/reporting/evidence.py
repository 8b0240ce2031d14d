"""What of a second reading shows an item of a guideline: a status, the value, and where it stands.

Every piece of evidence names what it needs. Where that is lacking the item is missing, whatever else is there, so that
no item is ever reported by what is not in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from overread.analyses.options import Options
from overread.analyses.planning import said
from overread.records.study import Study

REPORTED, PARTLY, MISSING, NOT_APPLICABLE = "reported", "partly", "missing", "not applicable"
STATUSES = (REPORTED, PARTLY, MISSING, NOT_APPLICABLE)


@dataclass(frozen=True)
class Found:
    """The status of an item, the value or what is lacking, and the place: `#anchor` on the page, or a file."""

    status: str
    value: str
    where: str = ""


@dataclass(frozen=True, eq=False)
class Known:
    """What evidence is looked for in."""

    study: Study
    options: Options
    readings: Sequence[str]
    tables: Mapping[str, pl.DataFrame]
    warnings: Sequence[str]
    methods: Sequence[str]
    versions: Mapping[str, str]

    def has(self, need: str) -> bool:
        """Return whether something is there: a table with rows, or one of `OTHER_NEEDS`."""
        if need in OTHER_NEEDS:
            return OTHER_NEEDS[need](self)
        return need in self.tables and not self.tables[need].is_empty()


OTHER_NEEDS: dict[str, Callable[[Known], bool]] = {
    "methods": lambda of: bool(of.methods),
    "versions": lambda of: bool(of.versions),
    "warnings": lambda of: bool(of.warnings),
    "inputs": lambda of: bool(of.study.sources),
    "plan": lambda of: of.options.plan is not None,
    "patients": lambda of: of.study.patients_known,
    "splits": lambda of: of.study.cohort.split is not None,
    "two readings": lambda of: len(of.readings) > 1,
    "age, gender or view": lambda of: bool({"age", "gender", "view"} & set(of.study.cohort.attributes)),
}
HOW = {
    "subgroups": "name attributes with --by",
    "calibration": "run with --thorough",
    "calibration_curve": "run with --thorough",
    "positives": "run with --thorough",
    "label_agreement": "give a better truth with --adjudicated",
    "transport": "say what is known of the clinic with --prevalence or --clinic",
    "equivalence": "state a margin with --margin",
    "localisation": "give heat maps with --heatmaps",
    "plan": "write a plan with overread plan",
    "patients": "name the patient of each image",
    "splits": "say the split of each image",
}
"""What to do about a need that is lacking."""


@dataclass(frozen=True)
class Evidence:
    """A piece of evidence by name, what it needs, and how it is read where that is there."""

    name: str
    needs: tuple[str, ...]
    read: Callable[[Known], Found]

    def found(self, of: Known) -> Found:
        """Return what is found; missing where a need is lacking."""
        lacking = [need for need in self.needs if not of.has(need)]
        if lacking:
            return Found(MISSING, f"lacking: {lacking[0].replace('_', ' ')}" + how(lacking[0]))
        return self.read(of)


def how(need: str) -> str:
    """Say what to do about a need."""
    return f" ({HOW[need]})" if need in HOW else ""


EVIDENCE: dict[str, Evidence] = {}


def evidence(*needs: str) -> Callable[[Callable[[Known], Found]], Evidence]:
    """Make a function a piece of evidence that needs something."""

    def made(read: Callable[[Known], Found]) -> Evidence:
        EVIDENCE[read.__name__] = Evidence(read.__name__, needs, read)
        return EVIDENCE[read.__name__]

    return made


def ranged(frame: pl.DataFrame, column: str = "value") -> str:
    """Say between which values a column lies.

    >>> ranged(pl.DataFrame({"value": [0.71, None, 0.84]}))
    '0.710 to 0.840'
    """
    values = frame[column].drop_nulls()
    if values.is_empty():
        return "not computed"
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    return f"{low:.3f} to {high:.3f}" if low != high else f"{low:.3f}"


def of_metric(of: Known, metric: str) -> pl.DataFrame:
    """Return the estimates of a metric by finding, of the user's readings on all images."""
    table = of.tables["estimates"]
    return table.filter(
        pl.col("attribute").fill_null("") == "",
        pl.col("metric") == metric,
        pl.col("reading").is_in(list(of.readings)),
        pl.col("finding").is_in(list(of.study.findings)),
        ~pl.col("method").is_in(["delong", "obuchowski"]),
    )


def estimated(of: Known, metrics: Mapping[str, str], where: str) -> Found:
    """Return estimates of several metrics with their intervals; partly where one lacks a value or an interval."""
    lacking, parts = [], []
    for metric, name in metrics.items():
        rows = of_metric(of, metric)
        if rows["value"].drop_nulls().is_empty():
            lacking.append(name)
            continue
        if rows["low"].drop_nulls().is_empty():
            lacking.append(f"interval of {name}")
        parts.append(f"{name} {ranged(rows)}")
    if not parts:
        return Found(MISSING, f"lacking: {', '.join(lacking)}")
    level = f"by finding, with {of.options.level:.4g} intervals"
    rest = f"; lacking: {', '.join(lacking)}" if lacking else ""
    return Found(PARTLY if lacking else REPORTED, f"{'; '.join(parts)} ({level}){rest}", where)


# --- who and what was read -------------------------------------------------------------------------------------------


@evidence("inputs")
def data_files(of: Known) -> Found:
    """The files that were read, with checksums."""
    names = ", ".join(source.path for source in of.study.sources)
    return Found(REPORTED, f"cohort {of.study.cohort.name}; files with checksums: {names}", "#sheet-inputs")


@evidence("flow")
def flow(of: Known) -> Found:
    """The flow of images, with what was left out."""
    n = dict(of.tables["flow"].select("step", "n_images").iter_rows())
    out = f"{n['in other splits']:,} in other splits and {n['not scored by all']:,} without scores left out"
    return Found(REPORTED, f"{n['cohort']:,} images, {out}, {n['reported']:,} reported", "#sheet-flow")


@evidence("demographics", "age, gender or view")
def demographics(of: Known) -> Found:
    """Who was imaged, and how."""
    there = [name for name in ("age", "gender", "view") if name in of.study.cohort.attributes]
    lacking = [name for name in ("age", "gender", "view") if name not in there]
    rest = f"; lacking: {', '.join(lacking)}" if lacking else ""
    return Found(
        PARTLY if lacking else REPORTED, f"{', '.join(there)}, by part of the cohort{rest}", "#sheet-demographics"
    )


@evidence("demographics", "splits", "age, gender or view")
def demographics_by_part(of: Known) -> Found:
    """The characteristics of training, tuning and test rows beside one another."""
    names = [name for name in of.tables["demographics"]["split"].unique(maintain_order=True) if name != "reported"]
    status = REPORTED if {"train", "test"} <= set(names) else PARTLY
    return Found(
        status, f"age, gender and view as known, for {', '.join(names)} and the reported rows", "#sheet-demographics"
    )


@evidence("cohort")
def outcome_counts(of: Known) -> Found:
    """Images, patients and positives of every finding."""
    rows = of.tables["cohort"].filter(pl.col("split") == "reported", pl.col("finding") != "")
    fewest = rows.sort("n_positive").row(0, named=True)
    counts = f"{of.study.n_images:,} images; fewest positives: {fewest['n_positive']:,} ({fewest['finding']})"
    return Found(REPORTED, counts, "#sheet-cohort-findings")


@evidence("cohort", "splits")
def partitions(of: Known) -> Found:
    """The size of each part of the data."""
    rows = of.tables["cohort"].filter(pl.col("finding") == "", pl.col("split") != "reported")
    sizes = ", ".join(f"{row['split']} {row['n_images']:,}" for row in rows.iter_rows(named=True))
    return Found(REPORTED, f"{sizes} images", "#sheet-cohort-parts")


@evidence("splits", "patients")
def disjoint(of: Known) -> Found:
    """Whether a patient has images in more than one part."""
    table = of.study.cohort.table.filter(pl.col("split").is_not_null())
    shared = int((table.group_by("patient").agg(pl.col("split").n_unique())["split"] > 1).sum())
    if shared:
        return Found(PARTLY, f"not disjoint by patient: {shared:,} patients lie in more than one part", "#cohort")
    return Found(REPORTED, "parts are disjoint by patient: no patient lies in two of them", "#cohort")


@evidence("cross_tabulation")
def missing_labels(of: Known) -> Found:
    """How many labels are missing, and what became of them."""
    rows = of.tables["cross_tabulation"].unique("finding")
    n, of_all = int(rows["not_assessed"].sum()), int(rows["n_images"].sum())
    how_handled = "left out for that finding" if n else "nothing was filled in"
    return Found(
        REPORTED,
        f"{n:,} of {of_all:,} labels are missing on the reported images; {how_handled}",
        "#sheet-cross-tabulation",
    )


@evidence("cohort")
def other_findings(of: Known) -> Found:
    """What else is on the images."""
    n = len(of.study.findings)
    return Found(
        PARTLY,
        f"frequency of {n} findings on the reported images, not within those without each",
        "#sheet-cohort-findings",
    )


@evidence("label_agreement")
def label_quality(of: Known) -> Found:
    """How the labels agree with a better truth."""
    n = of.tables["label_agreement"]["label"].n_unique()
    return Found(REPORTED, f"agreement of the labels with a better truth, {n} labels", "#label-quality")


@evidence("transport")
def representativeness(of: Known) -> Found:
    """What would hold among other people."""
    n = of.tables["transport"]["clinic"].n_unique()
    return Found(REPORTED, f"carried over to {n} stated clinic{'s' if n > 1 else ''}", "#transport")


# --- how it was judged -----------------------------------------------------------------------------------------------


@evidence("methods")
def statistics(of: Known) -> Found:
    """The statistical methods, in words to be pasted."""
    return Found(REPORTED, f"{len(of.methods)} paragraphs of methods, true of this run", "#methods")


@evidence("thresholds")
def cut_offs(of: Known) -> Found:
    """How thresholds were chosen, and on which rows."""
    table = of.tables["thresholds"].filter(pl.col("reading").is_in(list(of.readings)))
    rule, chosen = said(of.options.operating_point), ", ".join(table["chosen_on"].unique().sort().to_list())
    when = "laid down in the plan" if of.options.plan is not None else "no plan says that the rule was laid down before"
    status = REPORTED if of.options.plan is not None else PARTLY
    return Found(status, f"rule {rule}, chosen on {chosen}; {when}", "#operating-points")


@evidence("plan")
def plan(of: Known) -> Found:
    """The plan that was written before."""
    assert of.options.plan is not None
    return Found(REPORTED, f"plan of {of.options.plan}", "#plan")


@evidence("comparisons", "two readings")
def detectable(of: Known) -> Found:
    """The smallest difference that could have been shown, for want of a calculation made before."""
    rows = of.tables["comparisons"].filter(metric="auroc", method="bootstrap", finding="mean")
    return Found(
        PARTLY,
        f"smallest detectable difference of the mean AUROC: {ranged(rows, 'smallest_detectable')}",
        "#comparison",
    )


@evidence("versions")
def software(of: Known) -> Found:
    """The software that computed the numbers."""
    return Found(REPORTED, ", ".join(f"{name} {each}" for name, each in of.versions.items()), "#sheet-versions")


# --- what came out ---------------------------------------------------------------------------------------------------


@evidence("cross_tabulation")
def cross_tabulation(of: Known) -> Found:
    """Calls beside the truth, by finding."""
    n = of.tables["cross_tabulation"]["finding"].n_unique()
    return Found(REPORTED, f"2 x 2 tables of {n} findings at the operating points", "#sheet-cross-tabulation")


@evidence("estimates")
def accuracy(of: Known) -> Found:
    """Sensitivity and specificity with their intervals."""
    return estimated(of, {"sensitivity": "sensitivity", "specificity": "specificity"}, "#operating-points")


@evidence("estimates")
def predictive_values(of: Known) -> Found:
    """PPV and NPV with their intervals."""
    return estimated(of, {"ppv": "PPV", "npv": "NPV"}, "#table-2")


@evidence("estimates")
def likelihood_ratios(of: Known) -> Found:
    """Likelihood ratios with their intervals."""
    return estimated(of, {"lr_positive": "LR+", "lr_negative": "LR-"}, "#table-2")


@evidence("estimates")
def odds_ratio(of: Known) -> Found:
    """The diagnostic odds ratio with its interval."""
    return estimated(of, {"dor": "diagnostic odds ratio"}, "#table-2")


@evidence("estimates")
def auroc(of: Known) -> Found:
    """The AUROC with its interval."""
    return estimated(of, {"auroc": "AUROC"}, "#auroc")


@evidence("estimates")
def performance_of_a_part(of: Known) -> Found:
    """The AUROC on the rows reported, and on no other part."""
    found = estimated(of, {"auroc": "AUROC"}, "#auroc")
    status = MISSING if found.status == MISSING else PARTLY
    return Found(status, f"{found.value}, on the reported rows ({of.study.split}) and no other part", found.where)


@evidence("estimates", "curves")
def discrimination(of: Known) -> Found:
    """AUROC with interval and the ROC curve."""
    found = estimated(of, {"auroc": "AUROC"}, "#curves")
    return Found(found.status, f"{found.value}; ROC curves", found.where)


@evidence("estimates")
def uncertainty(of: Known) -> Found:
    """How uncertain the numbers are."""
    unit = "patients" if of.study.patients_known else "images, as patients are not known"
    found = estimated(of, {"auroc": "AUROC"}, "#sheet-auroc-intervals")
    value = f"{of.options.replicates:,} bootstrap replicates of {unit}, level {of.options.level:.4g}"
    return Found(found.status, value if found.status == REPORTED else found.value, "#sheet-auroc-intervals")


@evidence("subgroups")
def subgroups(of: Known) -> Found:
    """Performance by subgroup."""
    names = ", ".join(of.tables["subgroups"]["attribute"].unique(maintain_order=True).to_list())
    return Found(REPORTED, f"by {names}, with gaps to the rest and intervals", "#subgroups")


@evidence("subgroups")
def fairness(of: Known) -> Found:
    """Performance by age or gender."""
    people = [name for name in ("age", "gender") if name in set(of.tables["subgroups"]["attribute"])]
    if not people:
        return Found(MISSING, "lacking: subgroups by age or gender (name them with --by)")
    return Found(REPORTED, f"gaps and underdiagnosis by {', '.join(people)}", "#subgroups")


@evidence("positives")
def robustness(of: Known) -> Found:
    """What the scores may lean on besides the disease."""
    shown = "floors that see no image, and positives that something else may give away"
    return Found(PARTLY, f"{shown}; neither the images nor the model were varied", "#shortcuts")


@evidence("cross_tabulation", "disagreement")
def failures(of: Known) -> Found:
    """Counts of errors, and the images on which readings disagree most."""
    return Found(
        PARTLY, "counts of errors, and images with the largest disagreements; no image is shown", "#disagreement"
    )


@evidence("localisation")
def explanations(of: Known) -> Found:
    """Heat maps held against boxes."""
    return Found(REPORTED, "heat maps held against the cohort's boxes", "#where-it-looks")


@evidence("calibration")
def calibration(of: Known) -> Found:
    """Slope and intercept of the calibration."""
    rows = of.tables["calibration"]
    return Found(REPORTED, f"slope {ranged(rows, 'slope')}, intercept {ranged(rows, 'intercept')}", "#calibration")


@evidence("calibration_curve")
def calibration_plot(of: Known) -> Found:
    """The calibration plot."""
    return Found(REPORTED, "smooth curve of frequency by score, and bins, for each finding", "#calibration")


@evidence("calibration")
def overall(of: Known) -> Found:
    """The Brier score and its parts."""
    return Found(REPORTED, f"Brier score {ranged(of.tables['calibration'], 'brier')}", "#sheet-calibration-table")


@evidence("decision_curve")
def net_benefit(of: Known) -> Found:
    """Net benefit over threshold probabilities."""
    at = of.tables["decision_curve"]["threshold_probability"].to_list()
    return Found(REPORTED, f"decision curves, threshold probability {min(at):g} to {max(at):g}", "#decision-curves")


@evidence("score_histogram")
def distributions(of: Known) -> Found:
    """How scores are distributed among ill and healthy."""
    return Found(REPORTED, "scores of images with and without each finding, in bins", "tables/score_histogram.csv")


@evidence("consequences")
def people(of: Known) -> Found:
    """What it means for people at a stated prevalence."""
    given = ", ".join(f"{name} {share:g}" for name, share in of.options.prevalence.items())
    where = f"this cohort's prevalence{' and ' + given if given else ''}"
    return Found(REPORTED if given else PARTLY, f"people of 1,000 at {where}", "#consequences")


@evidence("consequences")
def numbers_needed(of: Known) -> Found:
    """People found and alarmed falsely; how many must be treated for one to gain is not a report's to say."""
    given = people.found(of)
    return Found(PARTLY, f"{given.value}; what treatment does to them is not in a report", given.where)


@evidence("literature")
def literature(of: Known) -> Found:
    """Published values beside the readings' own."""
    n = of.tables["literature"]["model"].n_unique()
    return Found(REPORTED, f"beside {n} published models, those on other images marked", "#literature")


@evidence("warnings")
def caveats(of: Known) -> Found:
    """What overread itself warns of."""
    return Found(PARTLY, f"{len(of.warnings)} warnings of this run", "#warnings")
