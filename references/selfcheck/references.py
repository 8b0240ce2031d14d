"""The values that scikit-learn, statsmodels, SciPy and dcurves give on the cohort that `overread selfcheck` reads.

    python references.py DATA    reads DATA/cohort.csv and DATA/draws.csv, writes DATA/references_python.json

Each line below is both the recipe, which is kept as text, and what is evaluated. Nothing of overread is imported.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
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
    return found | {"rechosen": rechosen}


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
        made_by = version(DISTRIBUTION.get(software, "numpy")) if software in {*DISTRIBUTION, "NumPy"} else "printed"
        written.append(
            {"name": name, "values": values.tolist(), "software": software, "version": made_by, "code": code}
        )
    (data / "references_python.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(len(written), "values from Python")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
