"""An evaluation split by the subgroups of an attribute: one pass over its scores, which several analyses read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overread.analyses.attributes import Partition
from overread.analyses.evaluation import Evaluation
from overread.stats.operating_points import Counts
from overread.stats.strata import Strata, strata


@dataclass(frozen=True, eq=False)
class Stratification:
    """An evaluation, a partition of its images, and every rank and count statistic by subgroup and finding."""

    evaluation: Evaluation
    partition: Partition
    observed: Strata
    replicates: Strata

    @property
    def n_positive(self) -> NDArray[np.int64]:
        """The number of images with each finding in each subgroup, (n_findings, n_subgroups)."""
        return self.observed.positives[0].astype(np.int64)

    @property
    def n_negative(self) -> NDArray[np.int64]:
        """The number of images assessed and without each finding in each subgroup, (n_findings, n_subgroups)."""
        return self.observed.negatives[0].astype(np.int64)

    @cached_property
    def n_ill_patients(self) -> NDArray[np.int64]:
        """The number of patients with an image of each finding in each subgroup, (n_findings, n_subgroups)."""
        return self._patients(1)

    @cached_property
    def n_healthy_patients(self) -> NDArray[np.int64]:
        """The number of patients with an image without each finding in each subgroup, (n_findings, n_subgroups)."""
        return self._patients(0)

    @cached_property
    def counts(self) -> Counts:
        """The four counts at the operating points (1 + R, n_findings, n_subgroups): as observed, then as resampled.

        They are nan for findings without a threshold.
        """
        return self._defined(self.observed.counts, self.replicates.counts)

    @cached_property
    def rest_counts(self) -> Counts:
        """The four counts outside each subgroup, as `counts`."""
        return self._defined(self.observed.rest_counts, self.replicates.rest_counts)

    def _patients(self, label: int) -> NDArray[np.int64]:
        labels, n_subgroups = self.evaluation.labels, len(self.partition.subgroups)
        of = np.empty((labels.shape[1], n_subgroups), np.int64)
        seen = np.zeros((n_subgroups + 1, self.evaluation.bootstrap.n_patients), np.bool_)  # the last row is for -1
        for column in range(labels.shape[1]):
            rows = labels[:, column] == label
            seen[:] = False
            seen[self.partition.of_row[rows], self.evaluation.patients[rows]] = True
            of[column] = seen[:-1].sum(axis=1)
        return of

    def _defined(self, observed: Counts, replicates: Counts) -> Counts:
        undefined = ~self.evaluation.thresholds.defined
        cells = []
        for one, many in zip(observed.arrays(), replicates.arrays(), strict=True):
            both = np.moveaxis(np.concatenate([np.moveaxis(one, 0, -1), np.moveaxis(many, 0, -1)], axis=-1), -1, 0)
            both[:, undefined] = np.nan
            cells.append(both)
        return Counts(*cells)


def stratify(evaluation: Evaluation, partition: Partition) -> Stratification:
    """Split an evaluation by subgroup, with the same draws of patients as everywhere else."""
    observed, replicates = strata(
        evaluation.bootstrap,
        evaluation.labels,
        evaluation.scores,
        partition.of_row,
        len(partition.subgroups),
        evaluation.called,
    )
    return Stratification(evaluation, partition, observed, replicates)
