"""The sign test with patients as the unit: do more patients change one way than the other?"""

from __future__ import annotations

from math import nan

from numpy.typing import ArrayLike
from scipy.stats import binom

from overread.stats.clusters import patient_sums


def sign_test(changes: ArrayLike, patients: ArrayLike) -> float:
    """Return the exact two-sided p of changes (n,), of which those of a patient are added up first.

    Patients whose changes add up to 0 say nothing and are left out; of the others, either sign is as likely if nothing
    but chance moves them. With one image per patient and changes of a yes or no this is McNemar's exact test. `nan`
    where no patient changes.

    Reference: Dixon and Mood (1946), J Am Stat Assoc 41:557-566.

    >>> sign_test([1, 1, 1, 1, 1, 1, 0], range(7))
    0.03125
    """
    sums = patient_sums(changes, patients)
    up, down = int((sums > 0).sum()), int((sums < 0).sum())
    if not up + down:
        return nan
    return float(min(1.0, 2 * binom.cdf(min(up, down), up + down, 0.5)))
