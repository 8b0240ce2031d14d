"""Time the paired bootstrap of two readers against the two single ones.

    python benchmarks/paired.py

The same draws of patients serve both readers, so that comparing them costs little more than judging each alone.
Single: draw, judge, and give every metric of every finding its interval, for each reader with a bootstrap of its own.
Paired: the same for both with one bootstrap, and the difference of every metric with interval and p. The second
reader is the first with noise; the first is the real reading where that lies beside the checkout.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bootstrap import READING, SHARED, Case, called_by, least, real, simulated
from overread.stats.averages import RATIOS
from overread.stats.operating_points import METRICS, Counts
from overread.stats.paired import bootstrap_comparison
from overread.stats.resampling import PatientBootstrap, Ranked, Ranking, observed, percentile

TIMES = 9
Metrics = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def judged(case: Case, bootstrap: PatientBootstrap) -> Metrics:
    """Return every metric's values and replicates."""
    ranking = Ranking.of(case.labels, case.scores, case.patients, case.called)
    both: tuple[Ranked, Ranked] = (observed(ranking), bootstrap.ranked(ranking))
    metrics = {name: (getattr(both[0], name)[0], getattr(both[1], name)) for name in ("auroc", "average_precision")}
    counts = [Counts(each.tp, each.fp, each.fn, each.tn) for each in both]
    return metrics | {name: (of(counts[0])[0], of(counts[1])) for name, of in METRICS.items()}


def intervals(metrics: Metrics) -> None:
    """Give every metric of every finding its interval."""
    for values, replicates in metrics.values():
        for column, value in enumerate(values):
            percentile(float(value), replicates[:, column])


def differences(a: Metrics, b: Metrics) -> None:
    """Compare every metric of every finding."""
    for name, (values, replicates) in a.items():
        for column, value in enumerate(values):
            other = float(b[name][0][column]), b[name][1][:, column]
            bootstrap_comparison(float(value), other[0], replicates[:, column], other[1], ratio=name in RATIOS)


def main() -> None:
    a = real() if (SHARED / READING).is_file() else simulated()
    noise = np.random.default_rng(1).normal(0, 0.02, a.scores.shape)
    scores = np.clip(a.scores + noise, 0, 1)
    b = Case("noise", a.labels, scores, a.patients, called_by(scores, a.patients))

    def single(case: Case) -> None:
        intervals(judged(case, PatientBootstrap(case.patients)))

    def paired() -> None:
        bootstrap = PatientBootstrap(a.patients)
        metrics = [judged(case, bootstrap) for case in (a, b)]
        for each in metrics:
            intervals(each)
        differences(*metrics)

    single(a)  # load or compile
    alone = least(lambda: single(a), TIMES) + least(lambda: single(b), TIMES)
    together = least(paired, TIMES)
    print(f"{a.name} and the same with noise: {len(a.labels):,} images, {a.labels.shape[1]} findings, 2,000 replicates")
    print(f"two single bootstraps {alone:.3f} s, one paired {together:.3f} s: ratio {together / alone:.2f}")


if __name__ == "__main__":
    main()
