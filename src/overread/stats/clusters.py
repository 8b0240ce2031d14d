"""Sums by patient, and the variances that follow where patients are independent and their images are not."""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def patient_sums(values: ArrayLike, patients: ArrayLike) -> Floats:
    """Add values (n,) or (n, k) over the images of each patient; patients in the order of their sorted names.

    >>> patient_sums([1, 2, 4], ["b", "a", "b"])
    array([2., 5.])
    """
    value = np.asarray(values, dtype=np.float64)
    names, patient = np.unique(np.asarray(patients), return_inverse=True)
    if value.ndim not in (1, 2) or patient.shape != value.shape[:1]:
        raise ValueError(f"values and patients must have a row for each image, got {value.shape} and {patient.shape}")
    if not len(names):
        return np.zeros(value.shape)
    order = np.argsort(patient, kind="stable")
    first = np.searchsorted(patient[order], np.arange(len(names)))
    return np.asarray(np.add.reduceat(value[order], first, axis=0))


def clustered_covariance(influence: ArrayLike, patients: ArrayLike) -> Floats:
    """Return the covariance of k statistics from the influence (n, k) of each image on them; for (n,), the variance.

    K/(K-1) Σ s_i s_iᵀ over the K patients, where s_i sums the influence of the images of patient i: the
    linearised ("sandwich") variance with patients as the unit. `nan` for a single patient.

    References: Rao and Scott (1992), Biometrics 48:577-585; Williams (2000), Biometrics 56:645-646.
    """
    sums = patient_sums(influence, patients)
    n_patients = len(sums)
    if n_patients < 2:
        return np.full(sums.shape[1:] * 2, nan)
    return np.asarray(n_patients / (n_patients - 1) * (sums.T @ sums))


def clustered_mean(values: ArrayLike, patients: ArrayLike) -> tuple[float, float]:
    """Return the mean over images of values (n,) and its variance with patients as the unit.

    The mean is a ratio of two sums over patients, of values and of images; the influence of an image is
    (value - mean) / n.

    >>> mean, variance = clustered_mean([1, 1, 0, 0], [1, 1, 2, 3])
    >>> f"{mean:.2f} {variance:.4f}"
    '0.50 0.1406'
    """
    value = np.asarray(values, dtype=np.float64)
    if not len(value):
        return nan, nan
    mean = float(value.mean())
    return mean, float(clustered_covariance((value - mean) / len(value), patients))
