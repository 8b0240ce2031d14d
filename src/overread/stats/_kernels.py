"""The compiled loops of the bootstrap: plain loops over arrays, which Numba turns into machine code.

`resampling` is the page to read first; it imports this one when the first bootstrap runs, so that nothing else pays for
Numba. Every loop works on one block of `LANES` replicates at a time: the weights of one patient in the block lie
side by side on one cache line, and the innermost loop runs over them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import float64, int32, int64, njit, uint32, uint64

LANES = 64
GAMMA = 0x9E3779B97F4A7C15  # the odd step of SplitMix64: the golden ratio in 64 bits
BUFFER = 1024
YOUDEN, SENSITIVITY, SPECIFICITY = 0, 1, 2
NEVER = 2**62


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called; keep the machine code for the next process where there is a place."""
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return njit(nogil=True, error_model="numpy")(function)


@compiled
def mixed(x):  # type: ignore[no-untyped-def]
    """Return the output of SplitMix64 for one state (Steele, Lea and Flood 2014, with Stafford's constants)."""
    x = (x ^ (x >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> uint64(27))) * uint64(0x94D049BB133111EB)
    return x ^ (x >> uint64(31))


@compiled
def draw(key, first, weights):  # type: ignore[no-untyped-def]
    """Fill `weights` (n_patients, LANES) with how often each patient is drawn in replicates `first`, `first` + 1, ...

    Draw i of replicate r is the hash of (key, r, i), so that it depends on nothing else. The hash becomes a patient by
    Lemire's multiplication (2019, ACM Trans Model Comput Simul 29:3), without his rejection: the probability of a
    patient is off 1/n by less than 2^-64.
    """
    n_patients = weights.shape[0]
    n = uint64(n_patients)
    low_half = uint64(0xFFFFFFFF)
    # One replicate after the other in contiguous memory, then transposed: the counts stay in the nearest cache.
    counts = np.zeros((LANES, n_patients), np.uint8)
    drawn = np.empty(BUFFER, np.uint32)
    for lane in range(LANES):
        start = mixed(key + uint64(first + lane) * uint64(GAMMA))
        for done in range(0, n_patients, BUFFER):
            size = min(BUFFER, n_patients - done)
            for i in range(size):
                x = mixed(start + uint64(done + i + 1) * uint64(GAMMA))
                carry = ((x & low_half) * n) >> uint64(32)
                drawn[i] = uint32(((x >> uint64(32)) * n + carry) >> uint64(32))
            for i in range(size):
                counts[lane, drawn[i]] += 1
    for patient in range(n_patients):
        for lane in range(LANES):
            weights[patient, lane] = counts[lane, patient]


@compiled
def add(weights, patients, start, stop, total):  # type: ignore[no-untyped-def]
    """Add to `total` (LANES,) the weights of the images `start` to `stop`, given by their patients."""
    image = start
    while image + 4 <= stop:  # four at a time: the totals are then fetched and stored a quarter as often
        a, b, c, d = patients[image], patients[image + 1], patients[image + 2], patients[image + 3]
        for lane in range(LANES):
            total[lane] += (
                int32(weights[a, lane]) + int32(weights[b, lane]) + int32(weights[c, lane]) + int32(weights[d, lane])
            )
        image += 4
    while image < stop:
        patient = patients[image]
        for lane in range(LANES):
            total[lane] += weights[patient, lane]
        image += 1


@compiled
def meet(own, tied, n_positive, n_negative, lost, precision):  # type: ignore[no-untyped-def]
    """Take a group of images with one score, `own` positives and `tied` negatives, into the running totals.

    `lost` is the pairs in which the positive does not come first, ties being half; all numbers of pairs are exact in 64
    bits. `precision` is the sum of precision over positives.
    """
    for lane in range(LANES):
        here = float64(own[lane])
        found = n_positive[lane] + own[lane]
        lost[lane] += here * (n_negative[lane] + 0.5 * tied[lane])
        passed = n_negative[lane] + tied[lane]
        precision[lane] += here * found / max(found + passed, 1)
        n_positive[lane] = found
        n_negative[lane] = passed


@compiled
def meet_one(weights, patient, n_positive, n_negative, lost, precision):  # type: ignore[no-untyped-def]
    """Do as `meet` for a single positive without ties, as almost every group is: no totals of the group are needed."""
    for lane in range(LANES):
        own = int32(weights[patient, lane])
        here = float64(own)
        found = n_positive[lane] + own
        lost[lane] += here * float64(n_negative[lane])
        precision[lane] += here * float64(found) / float64(max(found + n_negative[lane], int32(1)))
        n_positive[lane] = found


@compiled
def rank(  # type: ignore[no-untyped-def]
    weights,
    negatives,
    positives,
    negative_starts,
    positive_starts,
    group_starts,
    above,
    tied,
    positive_stop,
    out,
):
    """Fill `out` (6, tasks, LANES): AUROC, average precision, two rows left alone, the positives and the negatives.

    One pass in falling order of score. A group is the positives that share a score; `above` and `tied` say where the
    negatives above and at that score end.
    """
    lost = np.empty(LANES, np.float64)
    precision = np.empty(LANES, np.float64)
    n_negative = np.empty(LANES, np.int32)
    n_positive = np.empty(LANES, np.int32)
    own = np.empty(LANES, np.int32)
    level = np.empty(LANES, np.int32)
    for task in range(group_starts.size - 1):
        lost[:] = 0.0
        precision[:] = 0.0
        n_negative[:] = 0
        n_positive[:] = 0
        negative, positive = negative_starts[task], positive_starts[task]
        for group in range(group_starts[task], group_starts[task + 1]):
            add(weights, negatives, negative, above[group], n_negative)
            if above[group] == tied[group] and positive + 1 == positive_stop[group]:
                meet_one(weights, positives[positive], n_positive, n_negative, lost, precision)
            else:
                own[:] = 0
                level[:] = 0
                add(weights, positives, positive, positive_stop[group], own)
                add(weights, negatives, above[group], tied[group], level)
                meet(own, level, n_positive, n_negative, lost, precision)
            negative, positive = tied[group], positive_stop[group]
        add(weights, negatives, negative, negative_starts[task + 1], n_negative)
        for lane in range(LANES):
            pairs = float64(n_positive[lane]) * float64(n_negative[lane])
            out[0, task, lane] = 1.0 - lost[lane] / pairs if pairs > 0 else np.nan
            out[1, task, lane] = precision[lane] / n_positive[lane] if pairs > 0 else np.nan
            out[4, task, lane] = n_positive[lane]
            out[5, task, lane] = n_negative[lane]


@compiled
def count(weights, patients, starts, out):  # type: ignore[no-untyped-def]
    """Fill `out` (lists, LANES) with the summed weight of each list of images (`patients` from start to start)."""
    total = np.empty(LANES, np.int32)
    for task in range(starts.size - 1):
        total[:] = 0
        add(weights, patients, starts[task], starts[task + 1], total)
        for lane in range(LANES):
            out[task, lane] = total[lane]


@compiled
def group(weights, patients, n_rows, values, starts, out_weights, out_sums):  # type: ignore[no-untyped-def]
    """Fill (groups, LANES) with the weight of each group and (groups, columns, LANES) with its weighted sums.

    Entries are sorted by group; each has a patient, the number of that patient's rows in the group and their sums.
    """
    for which in range(starts.size - 1):
        out_weights[which] = 0
        out_sums[which] = 0.0
        for entry in range(starts[which], starts[which + 1]):
            patient = patients[entry]
            for lane in range(LANES):
                out_weights[which, lane] += n_rows[entry] * weights[patient, lane]
            for column in range(values.shape[1]):
                value = values[entry, column]
                for lane in range(LANES):
                    out_sums[which, column, lane] += value * weights[patient, lane]


@compiled
def totals(weights, patients, positive, start, stop, present, absent):  # type: ignore[no-untyped-def]
    """Set `present` and `absent` (LANES,) to the weights of the positives and negatives from `start` to `stop`."""
    present[:] = 0
    absent[:] = 0
    add(weights, patients, start, stop, absent)
    for image in range(start, stop):
        if positive[image]:
            add(weights, patients, image, image + 1, present)
    for lane in range(LANES):
        absent[lane] -= present[lane]


@compiled
def fewest(whole, share):  # type: ignore[no-untyped-def]
    """Return the smallest k with k / whole >= share, by the division that `Rule.choose` does."""
    k = max(int64(whole * share) - 1, 0)
    while k <= whole and k / whole < share:
        k += 1
    return k


@compiled
def choose(weights, patients, positive, scores, turning, starts, kind, share, out):  # type: ignore[no-untyped-def]
    """Fill `out` (tasks, LANES) with the threshold that a rule chooses on the weighted images of each task.

    The rules are those of `operating_points.Rule.choose`; nan where no threshold can be chosen. Images lie in falling
    order of score; a score is observed in a replicate where an image that has it has a weight. `turning` marks the
    last image of each score that may be chosen; the case that none is better than calling every image comes last.
    """
    present, absent = np.empty(LANES, np.int32), np.empty(LANES, np.int32)
    tp, called, before = np.empty(LANES, np.int32), np.empty(LANES, np.int32), np.empty(LANES, np.int32)
    best, limit = np.empty(LANES, np.float64), np.empty(LANES, np.int64)
    for task in range(starts.size - 1):
        start, stop = starts[task], starts[task + 1]
        totals(weights, patients, positive, start, stop, present, absent)
        tp[:] = 0
        called[:] = 0
        before[:] = 0
        best[:] = 0.0
        for lane in range(LANES):
            out[task, lane] = np.nan
            if kind == SENSITIVITY:
                limit[lane] = fewest(present[lane], share) if present[lane] > 0 else NEVER
            elif kind == SPECIFICITY:
                limit[lane] = absent[lane] - fewest(absent[lane], share) if absent[lane] > 0 else -1
        added = start
        for image in range(start, stop):
            if positive[image]:
                add(weights, patients, image, image + 1, tp)
            if not turning[image]:
                continue
            add(weights, patients, added, image + 1, called)
            added = image + 1
            score = scores[image]
            undecided = False
            if kind == YOUDEN:
                undecided = True
                for lane in range(LANES):
                    fp = float64(called[lane] - tp[lane])
                    gain = float64(tp[lane]) * float64(absent[lane]) - fp * float64(present[lane])
                    if called[lane] > before[lane] and gain >= best[lane]:
                        best[lane] = gain
                        out[task, lane] = score
            elif kind == SENSITIVITY:
                for lane in range(LANES):
                    if called[lane] > before[lane] and tp[lane] >= limit[lane] and np.isnan(out[task, lane]):
                        out[task, lane] = score
                    undecided |= np.isnan(out[task, lane])
            else:
                for lane in range(LANES):
                    allowed = called[lane] - tp[lane] <= limit[lane]
                    if allowed and called[lane] > before[lane]:
                        out[task, lane] = score
                    undecided |= allowed
            if not undecided:
                break
            for lane in range(LANES):
                before[lane] = called[lane]
        if kind == YOUDEN:
            for lane in range(LANES):
                if present[lane] == 0 or absent[lane] == 0:
                    out[task, lane] = np.nan
                elif best[lane] == 0.0:  # as good as calling every image: of equals the lowest score
                    image = stop - 1
                    while weights[patients[image], lane] == 0:
                        image -= 1
                    out[task, lane] = scores[image]


@compiled
def call(weights, patients, positive, scores, starts, thresholds, out):  # type: ignore[no-untyped-def]
    """Fill `out` (4, tasks, LANES) with true and false positives, false and true negatives at each lane's threshold."""
    present, absent = np.empty(LANES, np.int32), np.empty(LANES, np.int32)
    tp, called = np.empty(LANES, np.int32), np.empty(LANES, np.int32)
    for task in range(starts.size - 1):
        start, stop = starts[task], starts[task + 1]
        totals(weights, patients, positive, start, stop, present, absent)
        tp[:] = 0
        called[:] = 0
        lowest, highest = np.inf, -np.inf
        for lane in range(LANES):
            if thresholds[task, lane] < lowest:  # never where it is nan
                lowest = thresholds[task, lane]
            if thresholds[task, lane] > highest:
                highest = thresholds[task, lane]
        # Called in every replicate, then in some, then in none.
        image = start
        while image < stop and scores[image] >= highest:
            image += 1
        add(weights, patients, start, image, called)
        for each in range(start, image):
            if positive[each]:
                add(weights, patients, each, each + 1, tp)
        while image < stop and scores[image] >= lowest:
            patient, score, found = patients[image], scores[image], int32(positive[image])
            for lane in range(LANES):
                weight = int32(weights[patient, lane]) * int32(score >= thresholds[task, lane])
                called[lane] += weight
                tp[lane] += weight * found
            image += 1
        for lane in range(LANES):
            fp = called[lane] - tp[lane]
            known = not np.isnan(thresholds[task, lane])
            out[0, task, lane] = tp[lane] if known else np.nan
            out[1, task, lane] = fp if known else np.nan
            out[2, task, lane] = present[lane] - tp[lane] if known else np.nan
            out[3, task, lane] = absent[lane] - fp if known else np.nan
