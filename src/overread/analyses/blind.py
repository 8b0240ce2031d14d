"""The blind reader: what may be told of an image by one who knows age, gender and view, and never sees a pixel.

It is the floor that every model must beat. In ChestX-ray14, for instance, 4 of 10 images were taken AP, often of people
too ill to stand, and a reader that knows only this orders images better than chance on most findings.

The trees see each distinct row of features once, a *cell*, weighted by its numbers of ill and of healthy images. The
loss, its gradients and the histograms are sums over images, so that the fit is the one on all images, in a
hundredth of the time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.trees import Growing, answer, fitted, one_thread
from overread.records.cohort import MISSING, Cohort
from overread.records.errors import InputError
from overread.records.findings import display, key
from overread.records.reading import Reading

Floats = NDArray[np.float64]

MOST_VALUES = 255
"""As many distinct values of a feature as the trees tell apart (scikit-learn's `max_bins`)."""


@dataclass(frozen=True, eq=False)
class Feature:
    """How an attribute becomes a number that trees can split; nan where it is missing.

    Numbers are taken as they are, or, where they have more than `MOST_VALUES` distinct values, as the place among
    `edges`, their quantiles in training. Texts are taken as the place among `levels`, the texts seen in training; any
    other text is missing.
    """

    name: str
    levels: tuple[str, ...] | None = None
    edges: Floats | None = None

    @classmethod
    def learnt(cls, name: str, values: pl.Series, where: str) -> Feature:
        """Learn levels or edges from an attribute's values on the training rows."""
        if is_number(values):
            known = as_floats(values)
            known = known[~np.isnan(known)]
            if len(np.unique(known)) <= MOST_VALUES:
                return cls(name)
            return cls(name, edges=np.unique(np.quantile(known, np.arange(1, MOST_VALUES) / MOST_VALUES)))
        levels = tuple(values.cast(pl.String).drop_nulls().unique().sort())
        if len(levels) > MOST_VALUES:
            raise InputError(
                f"{where}, column {name}",
                f"it holds {len(levels):,} different texts on the training rows",
                f"numbers, or at most {MOST_VALUES} different texts, as a feature",
                "Leave it out of the features, or group its values.",
            )
        return cls(name, levels=levels)

    def numbers(self, values: pl.Series) -> Floats:
        """Return an attribute's values as the trees see them."""
        if self.levels is not None:
            places = {level: float(place) for place, level in enumerate(self.levels)}
            texts = values.cast(pl.String)
            return as_floats(texts.replace_strict(places, default=None, return_dtype=pl.Float64))
        numbers = as_floats(values)
        if self.edges is None:
            return numbers
        places_ = np.searchsorted(self.edges, numbers, side="right").astype(np.float64)
        return np.where(np.isnan(numbers), np.nan, places_)


@dataclass(frozen=True, eq=False)
class Cells:
    """The distinct rows of a table of features, and which of them each row is."""

    values: Floats
    of_row: NDArray[np.int64]

    @classmethod
    def of(cls, table: Floats) -> Cells:
        """Find the distinct rows, in the order of their values, so that the order of the images never matters."""
        codes = np.zeros(len(table), np.int64)
        for column in table.T:
            levels, places = np.unique(column, return_inverse=True)  # takes all nan for one value
            codes = np.unique(codes * len(levels) + places, return_inverse=True)[1]
        return cls(table[np.unique(codes, return_index=True)[1]], codes)

    def counts(self, chosen: NDArray[np.bool_]) -> Floats:
        """Count the chosen rows of each cell."""
        return np.bincount(self.of_row[chosen], minlength=len(self.values)).astype(np.float64)


@dataclass(frozen=True, eq=False)
class BlindReader:
    """Trees per finding on attributes of the image; or one number, for a finding that training could not teach."""

    features: tuple[Feature, ...]
    findings: tuple[str, ...]
    models: tuple[Any, ...]
    n_training: int
    warnings: tuple[str, ...] = ()

    def scores(self, cohort: Cohort, rows: NDArray[np.int64] | None = None) -> Floats:
        """Return the scores (n_rows, n_findings), each the share of ill people that training leads to expect."""
        read = np.arange(cohort.n_images) if rows is None else np.asarray(rows, np.int64)
        cells = Cells.of(features_of(cohort, self.features, read))
        with one_thread():
            answers = [answer(model, cells.values) for model in self.models]
        return np.stack(answers, axis=1)[cells.of_row]

    def read(self, cohort: Cohort, rows: NDArray[np.int64] | None = None, *, name: str = "blind") -> Reading:
        """Read rows of a cohort, all of them unless told which."""
        read = np.arange(cohort.n_images) if rows is None else np.asarray(rows, np.int64)
        images = cohort.images.gather(read)
        return Reading(name, images, self.findings, self.scores(cohort, read), (), self.warnings)


def blind_reading(
    cohort: Cohort,
    *,
    features: Sequence[str] = ("age", "gender", "view"),
    findings: Sequence[str] | None = None,
    reported: NDArray[np.int64] | None = None,
    name: str = "blind",
) -> Reading:
    """Fit a blind reader on the training rows and let it read the reported rows, by default all others.

    `reported` are row numbers of the cohort; the reading has them in the same order. Nobody who is read is learnt
    from: training rows of these patients (of these images, where patients are unknown) are left out, so that the
    reading stays a floor, and never a memory, even where rows of the training part are reported.

    Raises `InputError` as `fit_blind` does, and where there is no row to read.
    """
    if reported is None:
        reported = np.flatnonzero(~in_training(cohort))
        if not len(reported):
            raise InputError(
                cohort.name,
                "every row is a training row, so that there is nothing left to read",
                "rows whose split is val or test",
                "Mark the rows to be read in the column split.",
            )
    reported = np.asarray(reported, np.int64)
    excluded = people(cohort).gather(reported).unique().to_list()
    reader = fit_blind(cohort, features=features, findings=findings, exclude_patients=excluded)
    return reader.read(cohort, reported, name=name)


@dataclass(frozen=True, eq=False)
class BlindScores:
    """The scores of a blind reader that is still being fitted in a second process."""

    growing: Growing
    of_row: NDArray[np.int64]
    warnings: tuple[str, ...]

    def scores(self) -> Floats:
        """Wait for the fit and return the scores (n_rows, n_findings)."""
        return self.growing.result()[self.of_row]


def blind_scores(
    cohort: Cohort, *, features: Sequence[str], findings: Sequence[str], reported: NDArray[np.int64]
) -> BlindScores:
    """Begin to fit a blind reader and to let it read the reported rows; the scores are those of `blind_reading`.

    Raises `InputError` as `fit_blind` does, before the second process is started.
    """
    excluded = people(cohort).gather(reported).unique().to_list()
    training = training_of(cohort, features, findings, excluded)
    read = Cells.of(features_of(cohort, training.learnt, reported))
    growing = Growing(training.cells.values, training.ill, training.healthy, read.values)
    return BlindScores(growing, read.of_row, training.warnings)


@dataclass(frozen=True, eq=False)
class Training:
    """What a blind reader is fitted on: cells of the training rows, with the ill and the healthy of each finding."""

    learnt: tuple[Feature, ...]
    findings: tuple[str, ...]
    cells: Cells
    ill: Floats
    healthy: Floats
    n_training: int
    warnings: tuple[str, ...]


def training_of(
    cohort: Cohort, features: Sequence[str], findings: Sequence[str] | None, exclude_patients: Collection[str] | None
) -> Training:
    """Return what `fit_blind` fits."""
    named = checked_features(cohort, features)
    columns = finding_columns(cohort, cohort.findings if findings is None else findings)
    rows = training_rows(cohort, exclude_patients)
    table = cohort.table[rows]
    learnt = tuple(Feature.learnt(feature, table[feature], cohort.name) for feature in named)
    cells = Cells.of(features_of(cohort, learnt, rows))
    labels = cohort.labels[rows][:, columns]
    ill, healthy = (np.stack([cells.counts(column == value) for column in labels.T], axis=1) for value in (1, 0))
    names = tuple(cohort.findings[column] for column in columns)
    warnings = tuple(
        constant_warning(name, labels[:, column])
        for column, name in enumerate(names)
        if not ill[:, column].any() or not healthy[:, column].any()
    )
    return Training(learnt, names, cells, ill, healthy, len(rows), warnings)


def fit_blind(
    cohort: Cohort,
    *,
    features: Sequence[str] = ("age", "gender", "view"),
    findings: Sequence[str] | None = None,
    exclude_patients: Collection[str] | None = None,
) -> BlindReader:
    """Fit gradient-boosted trees for each finding to attributes, on rows whose split is `train`.

    `features` name attribute columns of the cohort: numbers stay numbers, texts are categories, an empty cell is a
    value of its own. `findings` are all of the cohort's unless given. Rows of `exclude_patients` (names of images,
    where patients are unknown) are left out, and for each finding those on which it was not assessed. The fit is
    the same for any order of the rows and any number of threads.

    Raises `InputError` where the cohort lacks a feature, or has no training row.

    References: Friedman (2001), Ann Stat 29:1189-1232; scikit-learn's HistGradientBoostingClassifier.
    """
    training = training_of(cohort, features, findings, exclude_patients)
    with one_thread():
        models = tuple(
            fitted(training.cells.values, training.ill[:, column], training.healthy[:, column])
            for column in range(len(training.findings))
        )
    return BlindReader(training.learnt, training.findings, models, training.n_training, training.warnings)


def constant_warning(finding: str, labels: NDArray[np.int8]) -> str:
    """Say why a finding has one score for all."""
    n = int((labels != MISSING).sum())
    score = float((labels == 1).sum() / n) if n else 0.0
    if n == 0:
        why = "was assessed on none of the training rows"
    else:
        why = f"is {'absent from' if score == 0 else 'present on'} all {n:,} training rows on which it was assessed"
    return f"The blind reader could not learn {display(finding)}, which {why}: it answers {score:g} for every image."


def checked_features(cohort: Cohort, features: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features, or refuse what the cohort does not have."""
    named = tuple(dict.fromkeys(features))
    unknown = [feature for feature in named if feature not in cohort.attributes]
    if not named or unknown:
        raise InputError(
            cohort.name,
            f"there is no attribute {', '.join(unknown)}" if unknown else "no feature is named",
            f"some of its attributes: {', '.join(cohort.attributes)}" if cohort.attributes else "",
            "" if cohort.attributes else "It has none: add columns such as age, gender and view to its table.",
        )
    return named


def finding_columns(cohort: Cohort, findings: Sequence[str]) -> list[int]:
    """Return where the findings stand in the cohort's labels."""
    places = {key(finding): column for column, finding in enumerate(cohort.findings)}
    unknown = [finding for finding in findings if key(finding) not in places]
    if unknown:
        raise InputError(
            cohort.name, f"there is no finding {', '.join(unknown)}", f"some of {', '.join(cohort.findings)}"
        )
    return [places[key(finding)] for finding in findings]


def training_rows(cohort: Cohort, exclude_patients: Collection[str] | None = None) -> NDArray[np.int64]:
    """Return the row numbers that a reader may learn from; refuse a cohort that leaves none."""
    training = in_training(cohort)
    if exclude_patients is not None:
        training &= ~people(cohort).is_in(list(exclude_patients)).to_numpy()
    if training.any():
        return np.flatnonzero(training)
    if not in_training(cohort).any():
        what = "no row has the split train" if cohort.split is not None else "it has no column split"
    else:
        what = "every patient of its training rows is among those who are read"
    raise InputError(
        cohort.name,
        f"{what}, so that a blind reader has nothing to learn from",
        "rows whose split is train, of patients who are not read",
        "Add a column split with train and test, divided by patient.",
    )


def in_training(cohort: Cohort) -> NDArray[np.bool_]:
    """Say of each row whether it is in the training part."""
    if cohort.split is None:
        return np.zeros(cohort.n_images, np.bool_)
    return (cohort.split == "train").fill_null(False).to_numpy().copy()


def people(cohort: Cohort) -> pl.Series:
    """Return whom each row is of: the patient, or the image itself where patients are unknown."""
    return cohort.images if cohort.patients is None else cohort.patients


def features_of(cohort: Cohort, features: Sequence[Feature], rows: NDArray[np.int64]) -> Floats:
    """Return features (n_rows, n_features) as the trees see them."""
    lacking = [feature.name for feature in features if feature.name not in cohort.attributes]
    if lacking:
        raise InputError(
            cohort.name,
            f"there is no attribute {', '.join(lacking)}, which the blind reader was fitted on",
            f"some of its attributes: {', '.join(cohort.attributes)}",
        )
    table = cohort.table[rows]
    return np.stack([feature.numbers(table[feature.name]) for feature in features], axis=1)


def is_number(values: pl.Series) -> bool:
    """Say whether an attribute's values have an order and distances."""
    return values.dtype.is_numeric() or values.dtype.is_temporal() or values.dtype == pl.Boolean


def as_floats(values: pl.Series) -> Floats:
    """Return numbers, truth values or dates as floats, nan where empty."""
    return values.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
