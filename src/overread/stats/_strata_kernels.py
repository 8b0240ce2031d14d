"""The compiled loop behind `strata`: one walk down the scores, with running totals for every stratum.

As in `_kernels`, a block of `LANES` replicates is worked on together, and the innermost loop runs over them. Totals
are handed on as an array and the number of a row: a row handed on by itself would be counted as one more reference.
"""

from __future__ import annotations

import numpy as np
from numba import float64, int32

from overread.stats._kernels import LANES, compiled


@compiled
def add(weights, patients, start, stop, totals, row):  # type: ignore[no-untyped-def]
    """Add the weights of the images `start` to `stop`, given by their patients, to a row of `totals`."""
    image = start
    while image + 4 <= stop:
        a, b, c, d = patients[image], patients[image + 1], patients[image + 2], patients[image + 3]
        for lane in range(LANES):
            totals[row, lane] += (
                int32(weights[a, lane]) + int32(weights[b, lane]) + int32(weights[c, lane]) + int32(weights[d, lane])
            )
        image += 4
    while image < stop:
        patient = patients[image]
        for lane in range(LANES):
            totals[row, lane] += int32(weights[patient, lane])
        image += 1


@compiled
def lose(own, stratum, passed, tied, other, lost, task):  # type: ignore[no-untyped-def]
    """Add the pairs of a stratum's positives here with another's negatives that come first; ties count half."""
    for lane in range(LANES):
        before = float64(passed[other, lane]) + 0.5 * float64(tied[other, lane])
        lost[task, stratum, other, lane] += float64(own[stratum, lane]) * before


@compiled
def gain(own, stratum, found, passed, precision, task):  # type: ignore[no-untyped-def]
    """Add the precision here within a stratum, once for each of its positives here."""
    for lane in range(LANES):
        hits = found[stratum, lane]
        calls = max(hits + passed[stratum, lane], int32(1))
        precision[task, stratum, lane] += float64(own[stratum, lane]) * float64(hits) / float64(calls)


@compiled
def walk(  # type: ignore[no-untyped-def]
    weights,
    positives,
    positive_strata,
    negatives,
    negative_starts,
    group_starts,
    above,
    tied,
    positive_stop,
    positive_starts,
    right,
    precision,
    n_positive,
    n_negative,
):
    """Fill the pairs, the sums of precision and the numbers of images of every task, for one block of replicates.

    A group is the positives of a task that share a score. `negatives` lie in lists, one for each task and stratum, in
    falling order of score; `above` and `tied` (groups, strata) say where in its list the negatives above and at
    the group's score end. `right` (tasks, strata, strata, LANES) is the pairs in the right order, ill stratum first;
    `precision` (tasks, strata, LANES) sums the precision within a stratum over its positives; the last two are the
    numbers of images.
    """
    n_strata = above.shape[1]
    own = np.empty((n_strata, LANES), np.int32)
    level = np.zeros((n_strata, LANES), np.int32)
    found = np.empty((n_strata, LANES), np.int32)
    passed = np.empty((n_strata, LANES), np.int32)
    cursor = np.empty(n_strata, np.int64)
    for task in range(group_starts.size - 1):
        right[task] = 0.0
        precision[task] = 0.0
        found[:] = 0
        passed[:] = 0
        own[:] = 0
        for stratum in range(n_strata):
            cursor[stratum] = negative_starts[task * n_strata + stratum]
        image = positive_starts[task]
        for group in range(group_starts[task], group_starts[task + 1]):
            ties = False
            for stratum in range(n_strata):
                add(weights, negatives, cursor[stratum], above[group, stratum], passed, stratum)
                ties |= tied[group, stratum] > above[group, stratum]
                cursor[stratum] = tied[group, stratum]
            if ties:
                level[:] = 0
                for stratum in range(n_strata):
                    add(weights, negatives, above[group, stratum], tied[group, stratum], level, stratum)
            first, last = n_strata, -1  # the strata of the group's positives lie between these
            while image < positive_stop[group]:
                stratum = positive_strata[image]
                add(weights, positives, image, image + 1, own, stratum)
                first, last = min(first, stratum), max(last, stratum)
                image += 1
            for stratum in range(first, last + 1):
                for other in range(n_strata):
                    lose(own, stratum, passed, level, other, right, task)
            if ties:
                passed += level
                level[:] = 0
            for stratum in range(first, last + 1):
                for lane in range(LANES):
                    found[stratum, lane] += own[stratum, lane]
                gain(own, stratum, found, passed, precision, task)
            for stratum in range(first, last + 1):
                for lane in range(LANES):
                    own[stratum, lane] = 0
        for stratum in range(n_strata):
            stop = negative_starts[task * n_strata + stratum + 1]
            add(weights, negatives, cursor[stratum], stop, passed, stratum)
            for lane in range(LANES):
                n_positive[task, stratum, lane] = found[stratum, lane]
                n_negative[task, stratum, lane] = passed[stratum, lane]
        for stratum in range(n_strata):
            for other in range(n_strata):
                for lane in range(LANES):
                    pairs = float64(found[stratum, lane]) * float64(passed[other, lane])
                    right[task, stratum, other, lane] = pairs - right[task, stratum, other, lane]
