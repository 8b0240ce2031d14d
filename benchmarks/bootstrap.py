"""Time the bootstrap by patient against a plain loop over scikit-learn that does the same work.

    python benchmarks/bootstrap.py [--replicates 2000] [--plain 3] [--threads N]

For every replicate and finding: AUROC, average precision, and the four counts at a threshold. The reading is the real
one where it lies beside the checkout (`OVERREAD_SHARED`, or `shared` next to the repository), and else simulated in
its size.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from overread.stats.resampling import PatientBootstrap, Ranked, Ranking, observed

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))
READING = "predictions/densenet121_zech.csv.gz"


class Case(NamedTuple):
    """What a reader said of every image, the truth, whose images they are, and the calls."""

    name: str
    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    patients: NDArray[np.int64]
    called: NDArray[np.bool_]


def real() -> Case:
    from overread.records.cohort import read_cohort
    from overread.records.reading import read_reading
    from overread.records.study import study

    judged = study(read_cohort(str(SHARED / "chestxray14")), [read_reading(str(SHARED / READING))], split="all")
    (scores,) = judged.scores.values()
    return Case("the shared Zech reading", judged.labels, scores, judged.patients, called_by(scores, judged.patients))


def simulated() -> Case:
    """Return a cohort of the real one's size, with its shares of positives (1 to 18 %) and of images per patient."""
    n, n_patients, rng = 22_433, 6_187, np.random.default_rng(0)
    patients = np.append(np.arange(n_patients), rng.choice(n_patients // 3, n - n_patients))
    labels = (rng.random((n, 14)) < np.geomspace(0.002, 0.18, 14)).astype(np.int8)
    scores = 1 / (1 + np.exp(3 - rng.normal(size=labels.shape) - 1.4 * labels))
    return Case("a simulated reading", labels, scores, patients, called_by(scores, patients))


def called_by(scores: NDArray[np.float64], patients: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Call the upper three tenths, with a threshold of its own for each half of the patients, as cross-fitting does."""
    thresholds = np.stack([np.quantile(scores, share, axis=0) for share in (0.7, 0.72)])
    return scores >= thresholds[patients % 2]


def plain(case: Case, bootstrap: PatientBootstrap, replicate: int) -> NDArray[np.float64]:
    """Judge one replicate with scikit-learn, finding by finding: (6, findings)."""
    block, lane = divmod(replicate, 64)
    rows = np.repeat(np.arange(len(case.patients)), bootstrap.weights(block)[case.patients, lane])
    out = []
    for f in range(case.labels.shape[1]):
        truth, score = case.labels[rows, f], case.scores[rows, f]
        (tn, fp), (fn, tp) = confusion_matrix(truth, case.called[rows, f], labels=[0, 1])
        out.append((roc_auc_score(truth, score), average_precision_score(truth, score), tp, fp, fn, tn))
    return np.array(out).T


def least(work: Callable[[], object], times: int) -> float:
    """Return the shortest of several runs, in seconds: other work on the machine only ever lengthens them."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=2000, help="replicates of the bootstrap (default 2000)")
    parser.add_argument("--plain", type=int, default=3, help="replicates that the plain loop really does (default 3)")
    parser.add_argument("--threads", type=int, default=None, help="threads (default: all processors)")
    options = parser.parse_args()
    case = real() if (SHARED / READING).is_file() else simulated()

    def resampled() -> Ranked:
        """Do all that one reader costs: sort, judge as it is, draw the patients, judge every replicate."""
        ranking = Ranking.of(case.labels, case.scores, case.patients, case.called)
        observed(ranking)
        return new().ranked(ranking)

    def new() -> PatientBootstrap:
        return PatientBootstrap(case.patients, replicates=options.replicates, threads=options.threads)

    bootstrap, start = new(), time.perf_counter()
    ranked = resampled()
    first = time.perf_counter() - start
    ours = least(resampled, 15)
    done = range(min(options.plain, options.replicates))
    start = time.perf_counter()
    expected = [plain(case, bootstrap, replicate) for replicate in done]
    each = (time.perf_counter() - start) / len(done)
    found = np.stack([ranked.auroc, ranked.average_precision, ranked.tp, ranked.fp, ranked.fn, ranked.tn], axis=1)
    apart = max(float(np.abs(found[replicate] - expected[replicate]).max()) for replicate in done)

    n, n_findings = case.labels.shape
    print(f"{case.name}: {n:,} images of {bootstrap.n_patients:,} patients, {n_findings} findings")
    print(f"{options.replicates:,} replicates by patient; per finding: AUROC, average precision, tp, fp, fn, tn")
    print(f"scikit-learn   {each * options.replicates:9.1f} s   extrapolated from {len(done)}, {each:.3f} s each")
    print(
        f"overread       {ours:9.3f} s   shortest of 15, {bootstrap.threads} threads; {first:.2f} s on the first call"
    )
    print(
        f"ratio          {each * options.replicates / ours:9,.0f}     largest difference between the two: {apart:.0e}"
    )


if __name__ == "__main__":
    main()
