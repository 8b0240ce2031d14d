"""Every analysis of a second reading. A new one is a file of its own and a line in `ANALYSES`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from overread.analyses.activations import activations
from overread.analyses.attribute_prediction import attribute_prediction
from overread.analyses.attributes import partitions
from overread.analyses.calibration import HISTOGRAM, RELIABILITY, calibration, calibration_subgroup_rows, recalibrated
from overread.analyses.calibration import PARTS as CALIBRATION
from overread.analyses.cohort_summary import cohort_summary
from overread.analyses.comparison import Pair, comparisons, equivalences
from overread.analyses.consequences import consequences
from overread.analyses.decisions import decision_differences, decisions
from overread.analyses.differential import differential
from overread.analyses.disagreement import disagreements
from overread.analyses.discrimination import curves, discrimination_rows
from overread.analyses.evaluation import Evaluation
from overread.analyses.exchange import exchange
from overread.analyses.explorer import explorer
from overread.analyses.floor_matched import TABLE as FLOOR_MATCHED
from overread.analyses.floor_matched import floor_matched
from overread.analyses.label_count import label_count
from overread.analyses.label_quality import label_quality
from overread.analyses.literature import literature
from overread.analyses.operating_points import operating_point_rows, thresholds_table
from overread.analyses.options import Options
from overread.analyses.panel import panel
from overread.analyses.prevalence_following import prevalence_following
from overread.analyses.provenance import provenance
from overread.analyses.recipes import recipes
from overread.analyses.shortcuts import (
    FLOORS,
    POSITIVES,
    Floor,
    floors,
    history_floor,
    later_or_first,
    positives,
    tagged,
    tags,
)
from overread.analyses.smooth_calibration import smooth_calibrations
from overread.analyses.strata import BALANCED, PARTS, sources
from overread.analyses.stratification import stratify
from overread.analyses.subgroups import TABLE as SUBGROUPS
from overread.analyses.subgroups import subgroups
from overread.analyses.tables import estimates_table
from overread.analyses.transport import joined_tables, transport
from overread.records.study import Study

Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True, eq=False)
class Judged:
    """What analyses read: the study, the evaluations of the user's readings, their pairs, the floor, and the choices.

    The floor may still be on its way: an analysis that asks for it waits.
    """

    study: Study
    readers: tuple[Evaluation, ...]
    pairs: tuple[Pair, ...]
    floor: Future[Evaluation] | None
    options: Options

    @property
    def everyone(self) -> tuple[Evaluation, ...]:
        """The user's readings and, where there is one, the floor."""
        return self.readers if self.floor is None else (*self.readers, self.floor.result())


def of_comparisons(judged: Judged) -> Tables:
    """Return what paired tests say; no rows where there is one reading."""
    return {
        "comparisons": comparisons(judged.pairs),
        "equivalence": equivalences(judged.pairs, judged.options.margins),
        "exchange": exchange(judged.pairs, judged.options.prevalence),
    }


def of_estimates(judged: Judged) -> Tables:
    """Return the table of estimates, the floor's among them, and the literature's values beside the readers' own."""
    rows = [row for each in judged.everyone for row in (*discrimination_rows(each), *operating_point_rows(each))]
    estimates = estimates_table(rows)
    names = [each.reading for each in judged.readers]
    return {"estimates": estimates, "literature": literature(judged.study, estimates, names)}


def of_provenance(judged: Judged) -> Tables:
    """Return what is odd about the scores."""
    checked = (provenance(each.reading, each.scores, each.labels, each.findings) for each in judged.readers)
    return {"provenance": joined(each.table for each in checked)}


def of_decisions(judged: Judged) -> Tables:
    """Return decision curves and their differences."""
    return {
        "decision_curve": joined(decisions(each) for each in judged.readers),
        "decision_difference": decision_differences(judged.pairs),
    }


def of_disagreement(judged: Judged) -> Tables:
    """Return where readings disagree."""
    apart = disagreements(judged.pairs, judged.study.cohort.images.gather(judged.study.rows))
    return {
        "disagreement": apart.table,
        "reclassification": apart.reclassification,
        "largest_disagreements": apart.largest,
    }


def of_differential(judged: Judged) -> Tables:
    """Return how well findings are told apart."""
    return {"differential": joined(differential(each) for each in judged.readers)}


def of_label_count(judged: Judged) -> Tables:
    """Return Table 3 and its line."""
    counted = [label_count(each) for each in judged.readers]
    return {
        "label_count": joined(each.table for each in counted),
        "label_count_fit": joined(each.fit for each in counted),
    }


def of_activations(judged: Judged) -> Tables:
    """Return Table 4 and Figure 2."""
    activated = [activations(each, seed=judged.options.seed) for each in judged.readers]
    return {
        "activations": joined(each.table for each in activated),
        "top_activations": joined(each.top for each in activated),
        "frequency": joined(each.frequency for each in activated),
        "frequency_points": joined(each.frequency_points for each in activated),
        "prevalence_following": joined(prevalence_following(each, seed=judged.options.seed) for each in judged.readers),
    }


def of_curves(judged: Judged) -> Tables:
    """Return ROC and precision-recall curves, the floor's among them."""
    return {"curves": joined(curves(each) for each in judged.everyone)}


def of_operating_points(judged: Judged) -> Tables:
    """Return thresholds with their counts, what they mean for 1,000 people, and what all findings do together."""
    return {
        "thresholds": joined(thresholds_table(each) for each in judged.everyone),
        "consequences": joined(consequences(each, judged.options.prevalence) for each in judged.everyone),
        "panel": joined(panel(each) for each in judged.readers),
    }


def of_recipes(judged: Judged) -> Tables:
    """Return how runs of one recipe spread, and how recipes differ; no rows where no recipe was named."""
    compared = recipes(judged.readers, judged.options.groups)
    return {"recipes": compared.table, "recipe_comparisons": compared.comparisons}


def of_attributes(judged: Judged) -> Tables:
    """Return how subgroups fare, and where the AUROC comes from; no rows where no attribute was named."""
    options = judged.options
    dealt = partitions(judged.study, options.by or None) if options.by or options.thorough else ()
    parted = [stratify(each, partition) for each in judged.readers for partition in dealt]
    fared, came = [subgroups(each) for each in parted], [sources(each) for each in parted]
    rows = [
        row for each, fare in zip(parted, fared, strict=True) for row in (*fare.rows, *calibration_subgroup_rows(each))
    ]
    return {
        "estimates": estimates_table(rows),
        "subgroups": joined((each.table for each in fared), SUBGROUPS),
        "auroc_parts": joined((each.parts for each in came), PARTS),
        "auroc_balanced": joined((each.balanced for each in came), BALANCED),
    }


def of_attribute_prediction(judged: Judged) -> Tables:
    """Return how well the outputs tell who was imaged, and how; no rows unless the second reading is thorough."""
    options = judged.options
    told = partitions(judged.study, options.by or None) if options.thorough else ()
    return {"attribute_prediction": attribute_prediction(judged.readers, told, seed=options.seed)}


def of_calibration(judged: Judged) -> Tables:
    """Return whether scores are frequencies, as they were given and recalibrated off the reported rows.

    No rows unless the second reading is thorough: the fits take longer than all other numbers together.
    """
    readers = judged.readers if judged.options.thorough else ()
    found = [calibration(each, recalibrated(judged.study, each.reading, judged.options)) for each in readers]
    return {
        "estimates": estimates_table([row for each in found for row in each.rows]),
        "calibration": joined((each.parts for each in found), CALIBRATION),
        "reliability": joined((each.reliability for each in found), RELIABILITY),
        "calibration_histogram": joined((each.histogram for each in found), HISTOGRAM),
    }


def of_smooth_calibration(judged: Judged) -> Tables:
    """Return the calibration curves without bins; no rows unless the second reading is thorough."""
    return smooth_calibrations(judged.readers if judged.options.thorough else ())


def of_shortcuts(judged: Judged) -> Tables:
    """Return skill above the floors that see no image, and positives that something else may give away.

    No rows unless the second reading is thorough.
    """
    if not judged.options.thorough:
        schemas = {"floors": FLOORS, "floor_matched": FLOOR_MATCHED, "positives": POSITIVES}
        return {name: pl.DataFrame(schema=schema) for name, schema in schemas.items()}
    unseeing = [each for each in judged.everyone if each not in judged.readers]
    blind = [Floor.of(each) for each in unseeing]
    past = history_floor(judged.study, judged.readers[0].bootstrap)
    below = [*blind, *([past] if past else [])]
    later = later_or_first(judged.study)
    kinds = [*(tagged(judged.study, tag) for tag in tags(judged.study)), *([later] if later else [])]
    return {
        "floors": joined((floors(each, below) for each in judged.readers), FLOORS),
        "floor_matched": joined((floor_matched(each, by) for each in judged.readers for by in unseeing), FLOOR_MATCHED),
        "positives": joined((positives(each, kind) for each in judged.readers for kind in kinds), POSITIVES),
    }


def of_transport(judged: Judged) -> Tables:
    """Return what would hold in the clinic; no rows where nothing was said of it."""
    names = [each.reading for each in judged.readers]
    options = judged.options
    carried = (transport(each, judged.study, names, options.prevalence, options.clinic) for each in judged.readers)
    return joined_tables(carried)


def of_label_quality(judged: Judged) -> Tables:
    """Return how good the labels are; no rows where no better truth and no size of noise was given."""
    return label_quality(judged.study, judged.readers, judged.pairs, judged.options)


def of_cohort(judged: Judged) -> Tables:
    """Return who is in the cohort."""
    return {"cohort": cohort_summary(judged.study)}


def of_explorer(judged: Judged) -> Tables:
    """Return what the page's explorer moves through."""
    return explorer(judged.readers)


ANALYSES: tuple[Callable[[Judged], Tables], ...] = (  # the longest first, and those that wait for the floor last
    of_attributes,
    of_attribute_prediction,
    of_calibration,
    of_smooth_calibration,
    of_comparisons,
    of_decisions,
    of_provenance,
    of_disagreement,
    of_differential,
    of_activations,
    of_label_count,
    of_recipes,
    of_transport,
    of_label_quality,
    of_explorer,
    of_cohort,
    of_estimates,
    of_shortcuts,
    of_curves,
    of_operating_points,
)


def joined(tables: Iterable[pl.DataFrame], schema: Mapping[str, type[pl.DataType]] | None = None) -> pl.DataFrame:
    """Return the tables of several readings as one; of none, where that may be, an empty one of the schema."""
    return pl.concat([*tables, *([] if schema is None else [pl.DataFrame(schema=schema)])])


def all_tables(judged: Judged) -> Tables:
    """Return the tables of every analysis, in the order of the list, however many threads made them."""
    with ThreadPoolExecutor(judged.options.threads) as threads:
        made = list(threads.map(lambda analysis: analysis(judged), ANALYSES))
    tables: Tables = {}
    for part in made:
        for name, table in part.items():  # several analyses give estimates
            tables[name] = pl.concat([tables[name], table]) if name in tables else table
    return tables
