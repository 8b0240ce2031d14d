"""What attributes alone can tell, missing values, boxes, and how the audit was made."""

from __future__ import annotations

import polars as pl

from overread.analyses.audit import Audit
from overread.analyses.audit_blind import CROSSED, floor_rows
from overread.analyses.audit_boxes import SIDE
from overread.analyses.audit_truth import AGREEMENT, MAPPING, truth_said
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.audit.opening import unbroken
from overread.report.figures.dots import draw_intervals, lower_end
from overread.report.figures.theme import Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.appendix import pairs_sheet, sources_sheet
from overread.report.sections.label_quality import agreement_sheet, mapping_sheet

LONGEST = 60


def blind(audit: Audit) -> Section | None:
    """Return how well attributes alone tell each finding; none where the cohort has no attribute."""
    table = audit.tables["blind"]
    if table.is_empty():
        return None
    sets = table["features"].unique(maintain_order=True).to_list()
    floor = floor_rows(table)["features"][0]
    shown = list(dict.fromkeys([floor, sets[-1]]))
    lead = [
        "This is what a reader earns that is told the attributes and never sees an image: a model that does no better "
        "may not be looking at the lungs."
    ]
    known = table.filter(pl.col("value").is_not_null())
    for name in shown:
        values = known.filter(pl.col("features") == name)
        if len(values):
            mean = float(str(values["value"].mean()))
            lead.append(f"Told {listed(name)}, it has a mean AUROC of {numbers.decimal(mean)} over findings.")
    blocks = (blind_figure(audit, table, shown), blind_sheet(audit, table, sets))
    how = CROSSED_GUIDE if table["fitted"][0] == CROSSED else TRAINED_GUIDE
    return Section("blind", "What attributes alone tell", tuple(lead), blocks, (how, BLIND_GUIDE))


def labels(audit: Audit) -> Section | None:
    """Return how far the labels agree with a better truth; none where there is none."""
    of = audit.tables[AGREEMENT]
    if of.is_empty():
        return None
    lead = tuple(unbroken(sentence) for sentence in truth_said(audit.cohort, audit.tables))
    blocks = (agreement_sheet(of, numbers.level(audit.level)), mapping_sheet(audit.tables[MAPPING]))
    return Section("labels", "How good the labels are", lead, blocks, LABELS_GUIDE)


def listed(features: str) -> str:
    """Write attributes as a sentence does."""
    return numbers.listing([display(name) for name in features.split(", ")])


def short(features: str) -> str:
    """Return a name of some attributes that fits into a legend or the head of a column."""
    named = listed(features)
    return named if len(named) <= LONGEST else f"all {len(features.split(', '))} attributes"


def blind_figure(audit: Audit, table: pl.DataFrame, shown: list[str]) -> Figure:
    """Return the AUROCs as a dot plot."""
    level = numbers.level(audit.level)
    own = table.filter(pl.col("features").is_in(shown))
    sentences = [
        f"{display(row['finding'])}, {short(row['features'])}: AUROC {lookup.said(row, audit.level)}"
        for row in own.iter_rows(named=True)
    ]
    frame = own.with_columns(
        pl.Series("reading", [short(name) for name in own["features"]], dtype=pl.String),
        pl.Series("row", [display(name) for name in own["finding"]], dtype=pl.String),
        pl.Series("sentence", sentences, dtype=pl.String),
    )
    first = own.filter(pl.col("features") == shown[0]).sort("value", descending=True, nulls_last=True)
    drawing = draw_intervals(
        frame,
        Readers(tuple(short(name) for name in shown)),
        order=[display(name) for name in first["finding"]],
        title="AUROC",
        domain=(lower_end(own["low"]), 1.0),
        rules=[0.5],
    )
    caption = f"AUROC of readers that see no image, with {level} intervals by patient. The dashed line is guessing."
    return Figure("blind", "What attributes alone tell", drawing, caption)


def blind_sheet(audit: Audit, table: pl.DataFrame, sets: list[str]) -> Sheet:
    """Return the AUROC of each finding by each set of attributes."""
    of = lookup.by_key(table, "finding", "features")
    columns = (Column("Finding", numeric=False), *(Column(short(name)) for name in sets))
    rows = tuple(
        (Cell(display(finding)), *(lookup.cell(of.get((finding, name))) for name in sets))
        for finding in audit.cohort.findings
    )
    foot = f"AUROC; in brackets: {numbers.level(audit.level)} intervals by patient (Obuchowski)."
    return Sheet("blind", "AUROC by attributes, alone and together", columns, rows, foot=(foot,))


def missing(audit: Audit) -> Section:
    """Return the empty cells of every column."""
    table = audit.tables["missing_values"]
    lacking = table.filter(pl.col("n_missing") > 0)
    columns = (Column("Column", numeric=False), Column("Kind", numeric=False), Column("Missing"), Column("Share"))
    rows = tuple(
        (
            Cell(row["column"]),
            Cell(row["kind"]),
            Cell(numbers.count(row["n_missing"])),
            Cell(numbers.percent(row["share"])),
        )
        for row in table.iter_rows(named=True)
    )
    said = "No column has an empty cell."
    if len(lacking):
        worst = lacking.sort("share", descending=True, maintain_order=True).row(0, named=True)
        said = (
            f"{numbers.plural(len(lacking), 'column')} of {len(table)} {'has' if len(lacking) == 1 else 'have'} empty "
            f"cells; the most: {worst['column']} ({numbers.percent(worst['share'])})."
        )
    return Section("missing", "Missing values", (said,), (Sheet("missing", "Missing values by column", columns, rows),))


def boxes(audit: Audit) -> Section | None:
    """Return what there is of boxes; none where the cohort has none."""
    table = audit.tables["boxes"]
    if table.is_empty():
        return None
    odd = {"n_outside": "Outside", "n_empty": "No area", "n_without_label": "No label", "n_without_image": "No image"}
    columns = (
        Column("Finding", numeric=False),
        *(Column(title) for title in ("Boxes", "Images", "Median share of the image")),
        *(Column(title, "do not fit") for title in odd.values()),
    )
    rows = tuple(
        (
            Cell(display(row["finding"])),
            *(Cell(numbers.count(row[name])) for name in ("n_boxes", "n_images")),
            Cell(numbers.percent(row["median_share"])),
            *(Cell(numbers.count(row[name])) for name in odd),
        )
        for row in table.iter_rows(named=True)
    )
    n, wrong = int(table["n_boxes"].sum()), int(sum(table[name].sum() for name in odd))
    said = f"{numbers.plural(n, 'box', 'boxes')} of {numbers.plural(len(table), 'finding')}; " + (
        "all of them fit their image and its labels." if not wrong else f"{wrong:,} things do not fit."
    )
    sheet = Sheet("boxes", "Boxes by finding", columns, rows, shown=True)
    return Section("boxes", "Boxes", (said,), (sheet,), (BOXES_GUIDE,))


def appendix(audit: Audit) -> Section:
    """Return the appendix: methods, words, warnings, versions and inputs."""
    options = {"Level of intervals": numbers.level(audit.level), "Seed": str(audit.seed)}
    context = {
        "methods": METHODS,
        "definitions": WORDS,
        "warnings": audit.cohort.warnings,
        "options": pairs_sheet("options", "Options", "Option", options),
        "versions": pairs_sheet("versions", "Versions", "Software", audit.versions),
        "sources": sources_sheet(audit.sources),
    }
    return Section("appendix", "Appendix", template="appendix.html", context=context)


TRAINED_GUIDE = (
    "Small gradient-boosted trees were fitted for each finding on the training part and read the other parts; no "
    "patient who is read was learnt from."
)
CROSSED_GUIDE = (
    "The cohort has no training part beside others: the patients were dealt into two halves, and each half was read by "
    "small gradient-boosted trees that had learnt from the other."
)
BLIND_GUIDE = (
    "An attribute can be known before the image is taken (gender, age) or betray why and how it was taken (view, "
    "follow-up number, size of the image): a model can read the latter off the image."
)
LABELS_GUIDE = (
    (
        "The better truth is trusted more than the labels, and may be wrong too. Sensitivity and specificity are those "
        "of the cohort's labels; where the images were chosen by their label they hold for the chosen images only, "
        "and do not carry over to the rest of the cohort."
    ),
    (
        "What wrong labels do to a model's numbers, and whether the errors follow the image, is shown by overread "
        "report with the same table."
    ),
)
BOXES_GUIDE = (
    f"Boxes are in pixels of NIH's images of {SIDE:,} by {SIDE:,}. Outside: the box ends beyond the image by more than "
    "a pixel. No label: the label table does not have that finding on that image."
)
METHODS = (
    (
        "Prevalence is given with Wilson's score interval (1927) for the number of independent images that would give "
        "the share the variance that it has with patients as the unit (Korn and Graubard 1998). Prevalence was "
        "compared between splits by the difference of the two shares with a variance from sums by patient, p-values "
        "adjusted by Holm's method."
    ),
    (
        "Images with two findings were compared with the number expected if findings fell independently; the interval "
        "of the ratio is on the log scale, its variance from sums by patient."
    ),
    (
        "Labels were compared with a better truth, where one was given, on all images that have both, hedged answers "
        "left out: sensitivity, specificity, predictive values and Cohen's kappa (1960), with percentile intervals "
        "from resampling patients."
    ),
    (
        "Readers that see no image are gradient-boosted trees (scikit-learn) on attributes; their AUROC has "
        "Obuchowski's interval (1997), with patients as clusters."
    ),
)
WORDS = {
    "prevalence": "The share of images with a finding, among the images on which it was assessed.",
    "split": "The part of the cohort that an image belongs to: train, val (tuning) or test.",
    "observed to expected": "Images with both findings, over n times the product of their prevalences.",
    "better truth": "Answers that are trusted more than the cohort's labels, such as those of a panel of radiologists.",
    "kappa": "Agreement of label and better truth beyond that of two who do not look: 0 none, 1 perfect.",
    "attribute": "A column of the table that is neither image, patient, split nor finding.",
    "follow-up number": "In ChestX-ray14, the place of an image among the images of its patient, from 0.",
}
