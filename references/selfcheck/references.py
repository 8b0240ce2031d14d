"""The values that scikit-learn, statsmodels, SciPy and dcurves give on the cohort that `overread selfcheck` reads.

    python references.py DATA    reads DATA/cohort.csv and DATA/draws.csv, writes DATA/references_python.json

Each line below is both the recipe, which is kept as text, and what is evaluated. Nothing of overread is imported.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any


def names(data: Path) -> dict[str, Any]:
    """Return what the recipes may use: the cohort's columns, replicates' weights, and other people's functions."""
    import numpy as np
    import pandas as pd
    import scipy.stats
    import sklearn.calibration
    import sklearn.isotonic
    import sklearn.linear_model
    import sklearn.metrics
    import sklearn.preprocessing
    import statsmodels.api as sm
    import statsmodels.stats.multitest
    import statsmodels.stats.proportion
    from dcurves import dca
    from scipy.special import logit
    from statsmodels.stats.contingency_tables import mcnemar

    cohort = pd.read_csv(data / "cohort.csv")
    draws = pd.read_csv(data / "draws.csv").to_numpy()
    found = {column: cohort[column].to_numpy() for column in cohort}
    found |= {"called_a": found["a"] >= 0.3, "called_b": found["b"] >= 0.3, "draws": draws}
    found |= {"weights": draws[found["patient"]].T, "np": np, "pd": pd, "scipy": scipy, "sm": sm, "logit": logit}
    found |= {"skm": sklearn.metrics, "dca": dca, "mcnemar": mcnemar, "statsmodels": statsmodels, "sklearn": sklearn}

    def rechosen(rows: Any, chosen_on: Any, weight: Any) -> list[float]:
        """Count calls of `rows` at the Youden threshold of `chosen_on`, images repeated as often as they were drawn."""
        on = np.repeat(np.flatnonzero(chosen_on), weight[chosen_on])
        fpr, tpr, thresholds = skm_roc(found["ill"][on], found["a"][on], drop_intermediate=False)
        gain = tpr - fpr
        limit = min(t for t, g in zip(thresholds, gain, strict=True) if g >= gain.max() - 1e-12)
        called, ill = found["a"] >= limit, found["ill"] == 1
        cells = (called & ill, called & ~ill, ~called & ill, ~called & ~ill)
        return [float(weight[rows & cell].sum()) for cell in cells]

    import krippendorff
    import skimage.measure
    import skimage.metrics
    import statsmodels.stats.inter_rater

    columns = np.stack([found["ill"], found["called_a"].astype(int), found["called_b"].astype(int)], axis=1)
    places = np.arange(256) / 16

    def inside(box: tuple[float, float, float, float]) -> Any:
        """Flag the pixels of a fine raster that lie in a box: left, top, right, lower."""
        across, down = (places >= box[0]) & (places < box[2]), (places >= box[1]) & (places < box[3])
        return across[None, :] & down[:, None]

    found |= {"raters": columns, "krippendorff": krippendorff, "skimage": skimage, "inside": inside}
    found |= {"one": found["a"][:320].reshape(16, 20), "two": found["b"][:320].reshape(16, 20)}
    skm_roc = sklearn.metrics.roc_curve
    found |= {"rechosen": rechosen, "wave": np.round(0.77 + 0.02 * np.sin(np.arange(41)), 2)}
    found |= {"other_wave": np.round(0.745 + 0.015 * np.cos(3 * np.arange(41)), 2)}
    return found | by_hand(found)


def by_hand(found: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that no library has, each worked out in the plainest way that is slow enough to trust."""
    from itertools import combinations, product
    from math import inf, isfinite, log, nan, sqrt

    import numpy as np
    import statsmodels.api as sm
    from scipy.optimize import brentq, minimize_scalar
    from scipy.special import expit
    from scipy.stats import norm, t
    from sklearn.metrics import roc_auc_score
    from statsmodels.stats.contingency_tables import Table2x2
    from statsmodels.stats.proportion import proportion_confint

    def against_none(a: Any, b: Any, null: float) -> list[float]:
        """Return the percentile interval of replicates' differences, or ratios, p, and their standard error."""
        kept = np.array([x / y if null else x - y for x, y in zip(a, b, strict=True) if isfinite(x) and y > 0])
        low, high = np.quantile(kept, [0.025, 0.975])
        below, above = sum(kept <= null), sum(kept >= null)
        spread = np.std(np.log(kept) if null else kept, ddof=1)
        return [low, high, min(1, 2 * (1 + min(below, above)) / (1 + len(kept))), spread]

    def delong(ill: Any, a: Any, b: Any) -> list[float]:
        """Return the difference of two AUROCs, its interval cut off at 1, p and error, pair by pair."""
        rows, columns = [i for i, y in enumerate(ill) if y], [i for i, y in enumerate(ill) if not y]
        wins = [np.array([[(s[i] > s[j]) + (s[i] == s[j]) / 2 for j in columns] for i in rows]) for s in (a, b)]
        by_ill, by_healthy = (np.cov([w.mean(axis=side) for w in wins]) for side in (1, 0))
        both = by_ill / len(rows) + by_healthy / len(columns)
        difference, error = wins[0].mean() - wins[1].mean(), sqrt(both[0, 0] + both[1, 1] - 2 * both[0, 1])
        z = norm.ppf(0.975)
        p = 2 * norm.sf(abs(difference) / error)
        return [difference, max(-1, difference - z * error), min(1, difference + z * error), p, error]

    def by_bin(bins: int) -> list[float]:
        """Return Wilson's bounds of the rate of positives in each bin, for as many images as its patients are worth."""
        a, ill, patient = found["a"], found["ill"], found["patient"]
        bin_of = np.searchsorted(np.quantile(a, np.linspace(0, 1, bins + 1)[1:-1]), a)
        made = []
        for each in range(bins):
            y, who = ill[bin_of == each], patient[bin_of == each]
            p, n = y.mean(), len(y)
            fit = sm.OLS(y, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": who})
            effect = max(1, fit.bse[0] ** 2 / (p * (1 - p) / (n - 1))) if 0 < p < 1 else 1
            made += list(proportion_confint(p * n / effect, n / effect, method="wilson"))
        return made

    def dealt(patients: list[int], seed: int) -> list[float]:
        """Deal patients into halves by SplitMix64 in Python's own whole numbers."""
        mask = 2**64 - 1

        def mixed(x: int) -> int:
            z = (x + 0x9E3779B97F4A7C15) & mask
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
            return z ^ (z >> 31)

        names = sorted(set(patients), key=lambda name: mixed((name & mask) ^ mixed(seed)))
        first = set(names[: (len(names) + 1) // 2])
        return [float(name not in first) for name in patients]

    def threshold(ill: Any, scores: Any, called: Any, held: str) -> float:
        """Return where a model has a reader's rate, from images written out one by one."""
        if held == "sensitivity":
            falling, k = sorted(scores[ill == 1], reverse=True), int(called[ill == 1].sum())
            if not falling:
                return nan
            if k == 0:
                return inf
            return falling[-1] if k == len(falling) else (falling[k - 1] + falling[k]) / 2
        falling, k = sorted(scores[ill == 0], reverse=True), int(called[ill == 0].sum())
        if not falling:
            return nan
        if k == len(falling):
            return -inf
        higher = [score for score in falling if score > falling[k]]
        return (higher[-1] + falling[k]) / 2 if higher else inf

    def at_equal(held: str) -> list[float]:
        """Return sensitivity of model and reader, then specificity, as they are and in each replicate."""
        ill, a, called, half = found["ill"], found["a"], found["called_b"], found["half"]
        made = []
        for weight in [np.ones(len(ill), int), *found["weights"]]:
            rows = np.repeat(np.arange(len(ill)), weight)
            side, y, s, r = half[rows], ill[rows], a[rows], called[rows]
            own = np.zeros(len(rows), bool)
            for here in (0, 1):
                there = side != here
                own[side == here] = s[side == here] >= threshold(y[there], s[there], r[there], held)
            made += [own[y == 1].mean(), r[y == 1].mean(), (~own[y == 0]).mean(), (~r[y == 0]).mean()]
        return made

    def rates(tp: float, fp: float, fn: float, tn: float) -> dict[str, float]:
        """Return every metric of four counts; infinite or without a value where it would be divided by 0."""

        def over(part: float, whole: float) -> float:
            return part / whole if whole else nan if part == 0 else inf

        a, b = over(tp, tp + fn), over(tn, fp + tn)
        half = 0.5 if 0 in (tp, fp, fn, tn) else 0
        return {
            "sensitivity": a,
            "specificity": b,
            "prevalence": (tp + fn) / (tp + fp + fn + tn),
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
            "balanced_accuracy": (a + b) / 2,
            "ppv": over(tp, tp + fp),
            "npv": over(tn, tn + fn),
            "f1": over(2 * tp, 2 * tp + fp + fn),
            "lr_positive": over(a, 1 - b) if fp else over(a, 0),
            "lr_negative": over(1 - a, b) if fn else over(0, b),
            "dor": (tp + half) * (tn + half) / ((fp + half) * (fn + half)),
            "auroc_floor": a * b,
            "auroc_ceiling": 1 - (1 - a) * (1 - b),
            "tp": tp,
            "fp": fp,
            "fn": fn,
            "tn": tn,
            "n_positive": tp + fn,
            "n_negative": fp + tn,
            "n_images": tp + fp + fn + tn,
        }

    def tables(cells: dict[str, tuple[float, float]]) -> list[dict[str, float]]:
        """Return every table of 7 to 9 ill and 19 to 23 healthy, 27 to 31 in all, that gives the printed numbers."""
        made = []
        for ill, healthy in product(range(7, 10), range(19, 24)):
            for tp, fp in product(range(ill + 1), range(healthy + 1)) if 27 <= ill + healthy <= 31 else ():
                of = rates(tp, fp, ill - tp, healthy - fp)
                area = cells.get("auroc", (-inf, inf))
                others = {name: two for name, two in cells.items() if name != "auroc"}
                fits = all(low - 1e-9 <= of[name] <= high + 1e-9 for name, (low, high) in others.items())
                if fits and of["auroc_floor"] <= area[1] and of["auroc_ceiling"] >= area[0]:
                    made.append(of)
        return made

    printed = (
        {"sensitivity": (0.745, 0.755), "ppv": (0.42, 0.58)},
        {"accuracy": (0.775, 0.785), "npv": (0.85, 0.95)},
        {"lr_negative": (0.25, 0.35), "f1": (0.5, 0.7)},
        {"dor": (9.5, 12.5), "tp": (5, 8)},
        {"fp": (2, 4), "fn": (1, 2)},
        {"tn": (17, 18), "lr_positive": (4.5, 7.5)},
        {"balanced_accuracy": (0.795, 0.805), "prevalence": (0.25, 0.3)},
        {"auroc": (0.84, 0.85), "specificity": (0.9, 1.0)},
    )
    follows = ("tp", "fp", "fn", "tn", "n_positive", "n_negative", "n_images", "sensitivity", "specificity")
    follows += ("accuracy", "ppv", "npv", "f1", "lr_positive", "lr_negative", "dor")

    def all_tables() -> list[float]:
        """Return for each printed table the number of tables that give it, and the ends of what follows."""
        made = []
        for cells in printed:
            fitting = tables(cells)
            made.append(len(fitting))
            for name in follows:
                values = [of[name] for of in fitting if not np.isnan(of[name])]
                made += [min(values), min(max(values), 1e9)]
        return made

    def all_intervals() -> list[float]:
        """Return the ends of the intervals of the three ratios over the tables of the first three."""
        made = []
        for cells in printed[:3]:
            ends: dict[str, list[tuple[float, float]]] = {"dor": [], "lr_positive": [], "lr_negative": []}
            for of in tables(cells):
                tp, fp, fn, tn = (of[name] for name in ("tp", "fp", "fn", "tn"))
                half = 0.5 if min(tp, fp, fn, tn) == 0 else 0
                ends["dor"].append(Table2x2(np.array([[tp, fp], [fn, tn]]) + half).oddsratio_confint())
                if min(tp, fp, fn, tn) > 0:
                    ends["lr_positive"].append(Table2x2([[tp, fn], [fp, tn]]).riskratio_confint())
                    ends["lr_negative"].append(Table2x2([[fn, tp], [tn, fp]]).riskratio_confint())
            for two in ends.values():
                made += [min(low for low, _ in two), max(high for _, high in two)]
        return made

    def of_rates(a: float, b: float, p: float) -> dict[str, float]:
        return rates(a * p, (1 - b) * (1 - p), (1 - a) * p, b * (1 - p))

    def corners(a: tuple[float, float], b: tuple[float, float], p: tuple[float, float], names: Any) -> list[float]:
        """Return the ends of what follows from three printed rates: each metric is steady in each of them."""
        every = [of_rates(*corner) for corner in product(a, b, p)]
        return [end(of[name] for of in every) for name in names for end in (min, max)]

    every_rate = ("sensitivity", "specificity", "prevalence", "accuracy", "balanced_accuracy", "ppv", "npv", "f1")
    every_rate += ("lr_positive", "lr_negative", "dor", "auroc_floor", "auroc_ceiling")

    def conflict(cells: dict[str, tuple[float, float]]) -> list[float]:
        """Return the smallest part of the printed rates that no point of a fine lattice gives."""
        at = np.linspace(0, 1, 201)
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b, p = at[:, None, None], at[None, :, None], at[None, None, :]
            of = {"sensitivity": a, "specificity": b, "prevalence": p}
            of["npv"] = b * (1 - p) / (b * (1 - p) + (1 - a) * p)
            of["ppv"] = a * p / (a * p + (1 - b) * (1 - p))
        for size in range(1, len(cells) + 1):
            for names in combinations(cells, size):
                meets = np.ones((201, 201, 201), bool)
                for name in names:
                    low, high = cells[name]
                    meets &= (of[name] >= low - 0.002) & (of[name] <= high + 0.002)
                if not meets.any():
                    return [float(name in names) for name in cells]
        return [0.0] * len(cells)

    def raster(step: int) -> tuple[Any, Any]:
        """Return the middles of fine pixels along x from 10 to 30 and along y from 0 to 8."""
        return 10 + (np.arange(20 * step) + 0.5) / step, (np.arange(8 * step) + 0.5) / step

    def covered(box: tuple[float, float, float, float], step: int = 8) -> Any:
        """Return the share of each of 4 x 5 cells that a box covers, by counting pixels."""
        x, y = raster(step)
        inside = ((y > box[1]) & (y < box[3]))[:, None] & ((x > box[0]) & (x < box[2]))[None, :]
        return inside.reshape(4, 2 * step, 5, 4 * step).mean(axis=(1, 3))

    def blind_maps() -> Any:
        centre = np.exp(-(((np.array([12, 16, 20, 24, 28]) - 20) / 5) ** 2) / 2)
        down = np.exp(-(((np.array([1, 3, 5, 7]) - 4) / 2) ** 2) / 2)
        one, two = (11, 1, 19, 5), (15, 0, 27, 3)
        frequent = (covered(one) + covered(two)) / 2
        return np.concatenate([np.outer(down, centre).ravel(), frequent.ravel(), covered((13, 0.5, 23, 4)).ravel()])

    def overlap(box: Any, drawn: Any) -> tuple[float, float]:
        wide = max(0, min(box[2], drawn[2]) - max(box[0], drawn[0]))
        shared = wide * max(0, min(box[3], drawn[3]) - max(box[1], drawn[1]))
        area, other = ((b[2] - b[0]) * (b[3] - b[1]) for b in (box, drawn))
        return shared / (area + other - shared), shared / area

    def on_boxes() -> list[float]:
        """Return what a map with two hottest cells has in two boxes, and the best that any map could have."""
        drawn, heat = [(17, 1, 25, 5), (10, 5, 13, 8)], np.zeros((4, 5))
        heat[1, 2], heat[1, 4], heat[3, 0] = 5, 5, 2
        both = covered(drawn[0]) + covered(drawn[1])
        detected = {(18, 2, 22, 4), (26, 2, 30, 4), (10, 6, 14, 8)}  # 2 of 5 is above 60 of 255, and below 180
        best = [[max(overlap(box, d)[k] for d in drawn) for box in sorted(detected)] for k in (0, 1)]
        spans = [(i, j) for i, j in combinations(range(6), 2)], [(i, j) for i, j in combinations(range(5), 2)]
        every = [(10 + 4 * left, 2 * top, 10 + 4 * right, 2 * low) for (left, right), (top, low) in product(*spans)]
        most = max(overlap(box, d)[0] for box in every for d in drawn)
        single = max(covered(d).max() for d in drawn)
        made = [float((heat * both).sum() / heat.sum()), 0.5, 1.0, max(best[0]), max(best[1])]
        made += [both.max(), 1.0, 1.0, most, single]
        for at, values in (((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), best[0]), ((0.1, 0.25, 0.5, 0.75, 0.9), best[1])):
            made += [sum(value <= limit for value in values) for limit in at]
        made += [float(most <= limit) for limit in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)]
        return made + [float(single <= limit) for limit in (0.1, 0.25, 0.5, 0.75, 0.9)]

    def intercept(ill: Any, scores: Any, stratum: Any, shares: Any, weight: Any = None) -> float:
        """Return the root of the weighted estimating equation."""
        given, code = np.asarray(weight if weight is not None else np.ones(len(ill))), np.asarray(stratum)
        total = np.array([given[code == s].sum() for s in range(len(shares))])
        w = np.where(code >= 0, given * (np.asarray(shares) / total)[code], 0)
        x = np.log(scores) - np.log1p(-np.asarray(scores))
        return brentq(lambda a: float(np.sum(w * (ill - 1 / (1 + np.exp(-x - a))))), -30, 30, xtol=1e-13, rtol=1e-14)

    def intercept_moves() -> list[float]:
        """Return how the root moves with the weight of one image, and with the share of one stratum."""
        given, made, e = (found["ill"], found["a"], found["stratum"]), [], 1e-4
        for row in range(12):
            more, less = np.ones(len(found["ill"])), np.ones(len(found["ill"]))
            more[row], less[row] = 1 + e, 1 - e
            ends = (intercept(*given, (0.2, 0.5, 0.3), weight) for weight in (more, less))
            made.append((next(ends) - next(ends)) / (2 * e))
        for place in range(3):
            ends = (intercept(*given, np.array([0.2, 0.5, 0.3]) + side * e * np.eye(3)[place]) for side in (1, -1))
            made.append((next(ends) - next(ends)) / (2 * e))
        return made

    def shift() -> list[float]:
        """Return the prevalence under which scores are likeliest, the largest gap, its quantile and p."""

        def gap(ill: Any, healthy: Any, there: Any) -> tuple[float, Any]:
            f1, f0, m = (each / each.sum() for each in (ill, healthy, there))
            b1, b0, bm = (each.reshape(5, 5).sum(axis=1) for each in (f1, f0, m))
            top = minimize_scalar(
                lambda p: -np.sum(bm * np.log(p * b1 + (1 - p) * b0)), bounds=(0, 1), options={"xatol": 1e-12}
            ).x
            return top, np.cumsum(m - top * f1 - (1 - top) * f0)

        cells = np.append(np.arange(1, 25) / 25 + 0.001, inf)
        ill, healthy = found["a"][found["ill"] == 1], found["a"][found["ill"] == 0]
        counts = [
            np.array([np.sum((s < high) & (s >= low)) for low, high in zip([-inf, *cells], cells, strict=False)])
            for s in (ill, healthy, found["there"])
        ]
        top, seen = gap(*counts)
        drawn = [gap(*(np.roll(each, 5 * k) + k for each in counts))[1] for k in range(12)]
        far, chance = np.max(np.abs(seen)), [np.max(np.abs(each - seen)) for each in drawn]
        return [top, far, np.quantile(chance, 0.9), (1 + sum(np.array(chance) >= far)) / 13]

    def of_strata() -> Any:
        """Return the area of all images, as they are and in each replicate, and the share of pairs of two strata."""
        ill, a, stratum = found["ill"], found["a"], found["stratum"]
        whole = [roc_auc_score(ill, a, sample_weight=w) for w in (np.ones(len(ill)), *found["weights"])]
        n_ill, n_healthy = (np.bincount(stratum[ill == kind], minlength=3) for kind in (1, 0))
        return np.append(whole, np.outer(n_ill, n_healthy) / (n_ill.sum() * n_healthy.sum()))

    def recipe(*values: float) -> list[float]:
        """Return the mean of three runs whose variances by patient are 0.003 and covariances 0.002, as Hillis has it."""
        mean, s2, own, shared = np.mean(values), np.var(values, ddof=1), 0.001, 0.002
        by_patient, variance = shared + own / 3, s2 / 3 + shared
        freedom = variance**2 / ((s2 / 3) ** 2 / 2)
        half, alone = t.ppf(0.975, freedom) * sqrt(variance), norm.ppf(0.975) * sqrt(by_patient)
        error = sqrt(by_patient if alone > half else variance)
        wide, new = max(half, alone), sqrt(max(s2, own) + shared)
        return [mean, max(0, mean - wide), min(1, mean + wide), error, sqrt(s2), new]

    def smooth_bounds() -> list[float]:
        """Return the bounds of the smooth calibration curve, its columns by differences of cubes divided twice."""
        x, ill = np.log(found["a"]) - np.log1p(-found["a"]), found["ill"]
        t1, t2, t3, t4, t5 = np.quantile(x, [0.05, 0.275, 0.5, 0.725, 0.95])

        def columns(at: Any) -> Any:
            def slope(knot: float) -> Any:
                return (np.clip(at - knot, 0, None) ** 3 - np.clip(at - t5, 0, None) ** 3) / (t5 - knot)

            return np.column_stack([np.ones(len(at)), at, *(slope(t) - slope(t4) for t in (t1, t2, t3))])

        fit = sm.Logit(ill, columns(x)).fit(
            disp=0, tol=1e-14, maxiter=200, cov_type="cluster", cov_kwds={"groups": found["patient"]}
        )
        grid = columns(np.log([0.02, 0.1, 0.3, 0.6, 0.9]) - np.log1p([-0.02, -0.1, -0.3, -0.6, -0.9]))
        half = norm.ppf(0.975) * np.sqrt(np.diag(grid @ fit.cov_params() @ grid.T))
        return [*expit(grid @ fit.params - half), *expit(grid @ fit.params + half)]

    def of_one_patient() -> list[float]:
        """Count pairs of one patient one by one, and add them up by the square of how often each is drawn."""
        draws = found["draws"]
        right, pairs = np.zeros(len(draws)), np.zeros(len(draws))
        for who in range(len(draws)):
            mine = found["patient"] == who
            for x, y in product(found["a"][mine & (found["ill"] == 1)], found["a"][mine & (found["ill"] == 0)]):
                right[who] += (x > y) + (x == y) / 2
                pairs[who] += 1
        drawn = [[(count**2 * each).sum() for each in (right, pairs)] for count in draws.T]
        return [*right, *pairs, *np.ravel(drawn)]

    def distances(apart: Any, level: float) -> list[float]:
        """Return the sums between which the one that was seen is neither too small nor too large."""
        chance = np.stack([np.sin(np.arange(200) * (k + 1.3)) for k in range(6)], 1) / 50
        seen = np.abs(apart).sum()

        def edge(share: float) -> float:
            step, at = 1.0, 0.0  # from below: go on while more than that share of the sums lies under what was seen
            if np.mean(np.abs(chance).sum(axis=1) <= seen) <= share:
                return 0.0
            while step > 1e-9:
                while np.mean(np.abs((at + step) * apart + chance).sum(axis=1) <= seen) > share:
                    at += step
                step /= 10
            return at

        return [min(edge((1 + level) / 2) * seen, seen), max(edge((1 - level) / 2) * seen, seen)]

    known = {
        "of_one_patient": of_one_patient,
        "distances": distances,
        "smooth_bounds": smooth_bounds,
        "intercept": intercept,
        "intercept_moves": intercept_moves,
        "shift": shift,
        "of_strata": of_strata,
    }
    known |= {"recipe": recipe}
    known |= {"against_none": against_none, "delong": delong, "by_bin": by_bin, "dealt": dealt, "at_equal": at_equal}
    known |= {"all_tables": all_tables, "all_intervals": all_intervals, "corners": corners, "conflict": conflict}
    known |= {"every_rate": every_rate, "rates": rates, "blind_maps": blind_maps, "on_boxes": on_boxes}
    return known | {"Table2x2": Table2x2, "log": log}


RECIPES = [
    ("auroc", "scikit-learn", "[skm.roc_auc_score(ill, a), skm.roc_auc_score(ill, b)]"),
    ("auroc", "SciPy", "[scipy.stats.mannwhitneyu(s[ill == 1], s[ill == 0]).statistic / (ill.sum() * (ill == 0).sum()) for s in (a, b)]"),
    ("average_precision", "scikit-learn", "[skm.average_precision_score(ill, a), skm.average_precision_score(ill, b)]"),
    ("roc_curve", "scikit-learn", "np.concatenate([skm.roc_curve(ill, a, drop_intermediate=False)[1], 1 - skm.roc_curve(ill, a, drop_intermediate=False)[0]])"),
    ("precision_recall_curve", "scikit-learn", "np.concatenate([skm.precision_recall_curve(ill, a)[0][-2::-1], skm.precision_recall_curve(ill, a)[1][-2::-1]])"),
    ("accuracy", "scikit-learn", "[skm.accuracy_score(ill, called_a), *statsmodels.stats.proportion.proportion_confint(np.sum(called_a == ill), len(ill), method='wilson')]"),
    ("f1", "scikit-learn", "skm.f1_score(ill, called_a)"),
    ("counts", "scikit-learn", "skm.confusion_matrix(ill, called_a)[[1, 0, 1, 0], [1, 1, 0, 0]]"),
    ("kappa", "scikit-learn", "skm.cohen_kappa_score(truth, ill)"),
    ("proportion", "statsmodels", "[45 / 50, *statsmodels.stats.proportion.proportion_confint(45, 50, method='wilson')]"),
    ("proportion_at_the_ends", "statsmodels", "[*statsmodels.stats.proportion.proportion_confint(0, 20, method='wilson'), *statsmodels.stats.proportion.proportion_confint(20, 20, method='wilson')]"),
    ("clustered_mean", "statsmodels", "[(f := sm.OLS(a, np.ones(len(a))).fit(cov_type='cluster', cov_kwds={'groups': patient})).params[0], f.bse[0] ** 2]"),
    ("mcnemar_exact", "statsmodels", "mcnemar(skm.confusion_matrix(called_a[ill == 1], called_b[ill == 1]), exact=True).pvalue"),
    ("mcnemar_chi_square", "statsmodels", "mcnemar(skm.confusion_matrix(called_a[ill == 1], called_b[ill == 1]), exact=False, correction=False).pvalue"),
    ("holm", "statsmodels", "statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005, 0.2, 0.011], method='holm')[1]"),
    ("decision_curve", "dcurves", "dca(pd.DataFrame({'ill': ill, 'a': a}), outcome='ill', modelnames=['a'], thresholds=[0.1, 0.3]).sort_values(['model', 'threshold']).net_benefit"),
    ("decision_curve_prevalence", "dcurves", "dca(pd.DataFrame({'ill': ill, 'a': a}), outcome='ill', modelnames=['a'], thresholds=[0.1, 0.3], prevalence=0.05).query('model == \"a\"').net_benefit"),
    ("brier", "scikit-learn", "skm.brier_score_loss(ill, a)"),
    ("brier_parts", "scikit-learn", "[skm.brier_score_loss(ill, a) - (r := skm.brier_score_loss(ill, sklearn.isotonic.IsotonicRegression().fit_transform(a, ill))), ill.mean() * (1 - ill.mean()) - r, ill.mean() * (1 - ill.mean())]"),
    ("isotonic", "scikit-learn", "sklearn.isotonic.IsotonicRegression().fit_transform(a, ill)[:40]"),
    ("isotonic_map", "scikit-learn", "sklearn.isotonic.IsotonicRegression(out_of_bounds='clip').fit(a[half == 0], ill[half == 0]).predict([0.005, 0.11, 0.255, 0.5, 0.63, 0.985])"),
    ("calibration_covariance", "statsmodels", "sm.Logit(ill, sm.add_constant(logit(a))).fit(disp=0, tol=1e-14, cov_type='cluster', cov_kwds={'groups': patient}).cov_params().ravel()"),
    ("calibration_in_the_large", "statsmodels", "sm.GLM(ill, np.ones(len(ill)), family=sm.families.Binomial(), offset=logit(a)).fit(tol=1e-14).params"),
    ("calibration_in_the_large_interval", "statsmodels", "sm.GLM(ill, np.ones(len(ill)), family=sm.families.Binomial(), offset=logit(a)).fit(tol=1e-14, cov_type='cluster', cov_kwds={'groups': patient}).conf_int()"),
    ("reliability", "scikit-learn", "np.concatenate(sklearn.calibration.calibration_curve(ill, a, n_bins=10, strategy='quantile'))"),
    ("ridge", "scikit-learn", "sklearn.linear_model.LogisticRegression(C=0.5, tol=1e-12, max_iter=10000).fit(x := sklearn.preprocessing.StandardScaler().fit_transform(np.column_stack([a, b])), ill).decision_function(x)[:8]"),
    ("bootstrap_auroc", "scikit-learn", "[skm.roc_auc_score(ill, a, sample_weight=w) for w in weights]"),
    ("bootstrap_average_precision", "scikit-learn", "[skm.average_precision_score(ill, a, sample_weight=w) for w in weights]"),
    ("bootstrap_counts", "scikit-learn", "np.ravel([skm.confusion_matrix(ill, called_a, sample_weight=w)[[1, 0, 1, 0], [1, 1, 0, 0]] for w in weights])"),
    ("bootstrap_sums", "NumPy", "np.ravel([[np.average(a[half == g], weights=w[half == g]) for g in (0, 1)] for w in weights])"),
    ("bootstrap_strata", "scikit-learn", "np.ravel([[skm.roc_auc_score(ill[stratum == s], a[stratum == s], sample_weight=w[stratum == s]) for s in range(3)] for w in weights])"),
    ("cross_fitted", "scikit-learn", "np.ravel([np.add(rechosen(half == 0, half == 1, w), rechosen(half == 1, half == 0, w)) for w in weights])"),
    ("percentile", "NumPy", "np.quantile(np.linspace(0.2, 0.9, 41) ** 2, [0.05, 0.95])"),
    ("strata_precision", "scikit-learn", "[skm.average_precision_score(ill[stratum == s], a[stratum == s]) for s in range(3)]"),
    ("weighted_mean", "NumPy", "np.average([0.8, 0.7, 0.9], weights=[30, 10, 5])"),
    ("mean_replicates", "NumPy", "np.mean([[0.8, 0.9, 0.5], [0.7, 0.65, 0.1]], axis=1)"),
    ("pooled", "scikit-learn", "skm.confusion_matrix(np.append(ill, ill), np.append(called_a, called_b))[[1, 0, 1, 0], [1, 1, 0, 0]]"),
    ("cell_edges", "NumPy", "np.quantile(np.repeat(a, np.where(ill == 1, (ill == 0).sum(), (ill == 1).sum())), np.arange(1, 4) / 4, method='inverted_cdf')"),
    ("fleiss_kappa", "statsmodels", "statsmodels.stats.inter_rater.fleiss_kappa(statsmodels.stats.inter_rater.aggregate_raters(raters)[0])"),
    ("krippendorff_alpha", "krippendorff", "krippendorff.alpha(reliability_data=raters.T, level_of_measurement='nominal')"),
    ("spearman", "SciPy", "scipy.stats.spearmanr(a, b).statistic"),
    ("bootstrap_spearman", "SciPy", "[scipy.stats.spearmanr(np.repeat(a, w), np.repeat(b, w)).statistic for w in weights]"),
    ("sign_test", "SciPy", "scipy.stats.binomtest(int(((d := np.bincount(patient, called_a.astype(int) - called_b)) > 0).sum()), int((d != 0).sum())).pvalue"),
    ("ssim", "scikit-image", "skimage.metrics.structural_similarity(one, two, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0, full=True)[1].mean()"),
    ("iou", "NumPy", "[[(inside(p) & inside(q)).sum() / (inside(p) | inside(q)).sum() for q in ((2, 2, 8, 7), (0, 5, 3, 12))] for p in ((1, 1, 6, 6), (4, 4, 5, 5))]"),
    ("iobb", "NumPy", "[[(inside(p) & inside(q)).sum() / inside(p).sum() for q in ((2, 2, 8, 7), (0, 5, 3, 12))] for p in ((1, 1, 6, 6), (4, 4, 5, 5))]"),
    ("boxes_of_map", "scikit-image", "sorted([r.bbox[1], r.bbox[0], r.bbox[3], r.bbox[2]] for t in (60, 180) for r in skimage.measure.regionprops(skimage.measure.label(one / one.max() * 255 >= t, connectivity=2)))"),
    ("heat_in_box", "NumPy", "np.kron(one, np.ones((4, 4)))[4:34, 6:50].sum() / np.kron(one, np.ones((4, 4))).sum()"),
    ("smooth_calibration_bounds", "statsmodels", "smooth_bounds()"),
    ("own_pairs", "NumPy", "of_one_patient()"),
    ("p_of_clusters", "SciPy", "[2 * scipy.stats.t.sf(abs(z) * np.sqrt((n - 1) / n), n - 1) for z, n in ((1.96, 12), (-3.0, 2), (0.5, 400))]"),
    ("sum_of_distances_interval", "NumPy", "(lambda apart: [*distances(apart, 0.95), *distances(apart / 4, 0.8)])(np.array([0.02, -0.01, 0.03, 0.0, -0.02, 0.01]))"),
    ("boxes_on_thresholds", "scikit-image", "sorted({(10 + 4 * r.bbox[1], 2 * r.bbox[0], 10 + 4 * r.bbox[3], 2 * r.bbox[2]) for t in (60, 180) for r in skimage.measure.regionprops(skimage.measure.label(np.array([[255, 0, 180, 0, 179], [0, 0, 0, 0, 0], [60, 0, 59, 0, 0], [0, 60, 0, 0, 255]]) >= t, connectivity=2))})"),
    ("constants", "Wang et al. (2017), section 3.2, Tables 7 and 4; Zhang et al. (2018)", "[60, 180, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.1, 0.25, 0.5, 0.75, 0.9, 15]"),
    ("equivalence_two_sided", "SciPy", "[x for d in (0.004, -0.004, -0.007) for low, high in [(scipy.stats.norm.sf((d + 0.01) / 0.003), scipy.stats.norm.cdf((d - 0.01) / 0.003))] for x in (max(low, high), low < 0.05, max(low, high) < 0.05)]"),
    ("mcnemar_error", "NumPy", "np.std(np.repeat([0, 1, -1, 0], [59, 6, 16, 80])) / np.sqrt(161)"),
    ("cells_of", "NumPy", "np.digitize([0.1, 0.25, 0.3, 0.5, 0.75, 0.8], [0.25, 0.5, 0.75])"),
    ("reweighted_intercept_moves", "SciPy", "intercept_moves()"),
    ("reweighted_intercept_far", "SciPy", "intercept(np.array([0, 1, 1, 1, 1, 1]), np.array([1e-6, 2e-5, 1e-5, 1e-4, 2e-6, 1e-3]), [0, 0, 1, 1, 1, -1], [0.5, 0.5])"),
    ("score_shift", "SciPy", "shift()"),
    ("strata_total", "scikit-learn", "of_strata()"),
    ("recipe_mean_alike", "SciPy", "[*recipe(0.801, 0.802, 0.8015), *recipe(0.70, 0.95, 0.99)]"),
    ("percentile_with_undefined", "NumPy", "[0.3, *np.quantile(np.linspace(0.1, 0.8, 41) ** 2, [0.035, 0.965])]"),
    ("holm_capped", "statsmodels", "statsmodels.stats.multitest.multipletests([0.4, 0.5, 0.9, 0.03, 1.0, 0.0], method='holm')[1]"),
    ("bootstrap_difference", "NumPy", "[wave.mean() - other_wave.mean(), *against_none(wave, other_wave, 0)]"),
    ("bootstrap_difference_turned", "NumPy", "[other_wave.mean() - wave.mean(), *against_none(other_wave, wave, 0)]"),
    ("bootstrap_ratio", "NumPy", "[0.76 / 0.75, *against_none([*wave, 0.8, np.nan], [*other_wave, 0.0, 0.7], 1)]"),
    ("difference_delong_cut_off", "NumPy", "delong([1, 1, 1, 0, 0, 0], [0.9, 0.95, 0.8, 0.7, 0.2, 0.1], [0.3, 0.5, 0.7, 0.4, 0.9, 0.6])"),
    ("alike", "statsmodels", "[1.0, 0.0, 0.0, mcnemar([[2, 0], [0, 1]], exact=True).pvalue]"),
    ("newcombe_without_disagreement", "statsmodels", "statsmodels.stats.proportion.confint_proportions_2indep(10, 10, 10, 10, method='newcomb')"),
    ("dor_with_and_without_empty_cells", "statsmodels", "[Table2x2(np.array(t) + 0.5).oddsratio for t in ([[20, 0], [10, 30]], [[0, 4], [3, 8]], [[5, 6], [0, 2]], [[3, 2], [1, 0]])]"),
    ("folds", "Python", "dealt([5, 5, 7, 7, 7, 9, 11, -3, 2**40, 12], seed=3)"),
    ("reliability_bounds", "statsmodels", "by_bin(12)"),
    ("calibration_hard", "statsmodels", "sm.Logit([1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1], sm.add_constant(logit(np.clip([0.999, 0.9995, 0.02, 0.001, 0.3, 0.0, 1.0, 0.6, 0.4, 0.9999, 0.0001, 0.97], 1e-6, 1 - 1e-6)))).fit(disp=0, tol=1e-14).params"),
    ("equal_sensitivity", "NumPy", "at_equal('sensitivity')"),
    ("equal_specificity", "NumPy", "at_equal('specificity')"),
    ("corrected_estimate", "NumPy", "[0.97, *np.minimum(np.quantile(np.linspace(0.8, 1.1, 99), [0.025, 0.975]), 1)]"),
    ("corrected_difference", "NumPy", "[0.03, *np.quantile(np.linspace(-0.01, 0.04, 99) / np.linspace(0.4, 0.6, 99), [0.025, 0.975])]"),
    ("seen_auroc", "NumPy", "(lambda ill, healthy: ill * (1 - healthy) * 0.83 + (ill * healthy + (1 - ill) * (1 - healthy)) / 2 + (1 - ill) * healthy * 0.17)(0.8 * 0.1 / 0.17, 0.2 * 0.1 / 0.83)"),
    ("possible", "NumPy", "[*[0.1 < share < 0.8 for share in (0.05, 0.099, 0.101, 0.5, 0.799, 0.801, 0.9)] * 2, False, False]"),
    ("image_blind_maps", "NumPy", "blind_maps()"),
    ("skill", "NumPy", "[(0.6 - 0.2) / (0.9 - 0.2), (0.1 - 0.2) / (0.9 - 0.2)]"),
    ("located", "NumPy", "on_boxes()"),
    ("undefined", "the definition: what is divided by no image has no value, and what is fitted best by no finite number neither", "np.ones(41)"),
    ("defined", "the definition", "[1.0, 0.0, 0.0, 0.7, 0.0, 1.0, 1.0, 0.85, 0.0, 0.0, 0.3]"),
    ("printed_tables", "Python", "all_tables()"),
    ("printed_intervals", "statsmodels", "all_intervals()"),
    ("printed_rates", "Python", "corners((0.745, 0.755), (0.845, 0.855), (0.095, 0.105), every_rate) + corners((0.745, 0.755), (0.845, 0.855), (0.4, 0.6), every_rate)"),
    ("printed_rates_elsewhere", "Python", "corners((0.745, 0.755), (0.845, 0.855), (0.02, 0.02), ('ppv', 'npv', 'f1'))"),
    ("printed_rates_solved", "NumPy", "[1 - 0.755 / 4.95, 1 - 0.745 / 5.05, *[ppv / (1 - ppv) / (lr + ppv / (1 - ppv)) for ppv, lr in ((0.345, 5.05), (0.355, 4.95))]]"),
    ("printed_conflict", "NumPy", "conflict({'prevalence': (0.095, 0.105), 'specificity': (0.895, 0.905), 'sensitivity': (0.695, 0.705), 'ppv': (0.645, 0.655)})"),
    ("whole_share", "Python", "[float(any(low <= k / n <= high for n in range(of[0], of[1] + 1) for k in range(n + 1))) for of, (low, high) in (((7, 7), (0.795, 0.805)), ((7, 8), (0.745, 0.755)), ((12, 14), (0.855, 0.865)), ((12, 13), (0.875, 0.885)))]"),
    ("metric_of", "Python", "[rates(12, 5, 3, 40)[name] for name in ('prevalence', 'balanced_accuracy', 'auroc_floor', 'auroc_ceiling', 'f1', 'dor')]"),
    ("newcombe_printed", "Fagerland, Lydersen and Laake (2017), chapter 8", "[-0.0621, -0.1186, -0.0046]"),
    ("seed_paper_extra_people", "Valsson and Arandjelović, Table 2: -25 of 1,000 ill, 23 of 1,000 healthy", "[-25.0, 23.0]"),
]  # fmt: skip
"""Name of the check, the software whose version is written beside it, the line that gives the value."""

DISTRIBUTION = {
    "scikit-learn": "scikit-learn",
    "SciPy": "scipy",
    "statsmodels": "statsmodels",
    "dcurves": "dcurves",
    "scikit-image": "scikit-image",
    "krippendorff": "krippendorff",
}


def main(data: Path) -> None:
    """Evaluate every recipe and write the values with what made them."""
    import numpy as np

    known = names(data)
    written = []
    for name, software, code in RECIPES:
        values = np.asarray(eval(code, known), np.float64).ravel()
        if not values.size or np.isnan(values).any():
            raise SystemExit(f"{name}: no value")
        made_by = "printed"
        if software == "Python":
            made_by = python_version()
        elif software in {*DISTRIBUTION, "NumPy"}:
            made_by = version(DISTRIBUTION.get(software, "numpy"))
        written.append(
            {"name": name, "values": values.tolist(), "software": software, "version": made_by, "code": code}
        )
    (data / "references_python.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(len(written), "values from Python")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
