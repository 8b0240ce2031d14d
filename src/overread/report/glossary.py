"""The words of the page: how each metric is called, and what every word means to a reader who is no statistician."""

from __future__ import annotations

METRICS = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "f1": "F1",
    "ppv": "PPV",
    "npv": "NPV",
    "lr_positive": "LR+",
    "lr_negative": "LR−",
    "dor": "Odds ratio",
}
"""The metrics of Tables 1 and 2 in their order, with their heads."""


def within_sentence(metric: str) -> str:
    """Write the name of a metric as the middle of a sentence has it.

    >>> within_sentence("Sensitivity"), within_sentence("AUROC"), within_sentence("F1")
    ('sensitivity', 'AUROC', 'F1')
    """
    return metric if metric.isupper() else metric[:1].lower() + metric[1:]


PANEL = {
    "any_false_call": "No finding: at least one false call",
    "any_false_call_if_independent": "No finding: the same, if false calls fell independently",
    "all_found": "With findings: all found",
    "some_found": "With findings: some found, not all",
    "none_found": "With findings: none found",
}
"""The shares of images in the panel, in the order of the figure."""

FALSE_CALLS = "No finding: false calls per image"

CHOSEN_ON = {
    "val rows": "Thresholds were chosen on the tuning rows (split val), none of which is reported.",
    "the other fold": (
        "Thresholds were cross-fitted: patients were dealt into two halves, and the threshold of each half was chosen "
        "on the other."
    ),
    "given": "Thresholds were given and not chosen from these data.",
}

OPTIONS = {
    "level": "Level of the intervals",
    "rechoose": "Thresholds chosen anew in each replicate",
    "floor": "Blind reader as the floor",
    "deviation": "Reason for departing from the plan",
}
"""The options whose name alone does not say what they do."""

DEFINITIONS = {
    "Finding, label": (
        "What may be present on an image, and the truth about it: present, absent or not assessed. An image may show "
        "several findings or none. The labels of most public cohorts were read from reports by software and are "
        "themselves wrong in part."
    ),
    "Reader, reading": (
        "A model or a person, and all its answers on the cohort: one score from 0 to 1 per image and finding."
    ),
    "Floor, blind reader": (
        "A reader that knows age, gender and view of each image and never sees a pixel. What it reaches can be had "
        "without looking; only what lies above it can come from the image."
    ),
    "AUROC": (
        "Area under the receiver operating characteristic curve: the chance that a random image with the finding has a "
        "higher score than a random image without it, ties counted half. 0.5 is guessing, 1 is perfect order. It says "
        "nothing about any threshold and does not depend on how frequent the finding is."
    ),
    "Average precision": (
        "The mean of the precision (PPV) over all thresholds, weighted by the gain in recall (sensitivity). A reader "
        "who guesses reaches the prevalence; so it can be compared for one finding in one cohort, not across findings."
    ),
    "Operating point, threshold": (
        "The score at or above which a reader's answer counts as positive (a call), and the rule that chose it."
    ),
    "Youden": "The rule that takes the threshold with the largest sensitivity + specificity − 1.",
    "Sensitivity": "Of the images with the finding, the share that is called.",
    "Specificity": "Of the images without the finding, the share that is not called.",
    "Accuracy": (
        "Of all images, the share that is called or left alone rightly. For a rare finding it is high for a reader "
        "that never calls."
    ),
    "PPV": (
        "Positive predictive value, precision: of the images called, the share that has the finding. It falls with the "
        "prevalence."
    ),
    "NPV": (
        "Negative predictive value: of the images not called, the share that is without the finding. It rises as the "
        "prevalence falls."
    ),
    "F1": "The harmonic mean of PPV and sensitivity: 2 TP / (2 TP + FP + FN).",
    "LR+, LR−": (
        "Likelihood ratios: sensitivity / (1 − specificity) and (1 − sensitivity) / specificity. By how much a call, "
        "or its absence, multiplies the odds of the finding. Means over findings are taken on the log scale."
    ),
    "Odds ratio": (
        "Diagnostic odds ratio, (TP × TN) / (FP × FN): LR+ divided by LR−. Where one of the four counts is empty, 0.5 "
        "is added to all four, and a note says so. Means over findings are taken on the log scale."
    ),
    "TP, FP, FN, TN": (
        "True and false positives, false and true negatives: called with and without the finding, not called with and "
        "without it."
    ),
    "Interval": (
        "The range that random choice of patients leaves open at the stated level: if the cohort were drawn anew many "
        "times, such ranges would hold the true value in that share of draws. It does not cover errors of the labels "
        "or another hospital."
    ),
    "Patient bootstrap": (
        "Patients are drawn with replacement, with all their images, and every number is computed anew; the interval "
        "holds the middle of these values (percentiles)."
    ),
    "Obuchowski, DeLong": (
        "Closed forms of the interval of an AUROC. Obuchowski (1997) takes patients as clusters. DeLong (1988) takes "
        "all images for independent and is too narrow where patients have several; it is given for comparison with "
        "other papers only."
    ),
    "Planned, exploratory": (
        "A number is planned where a plan named it before any score was read, and primary where it answers the "
        "question that the study is for. Every other number is exploratory: it raises questions, and another cohort "
        "answers them."
    ),
    "Kappa": (
        "Cohen's kappa: how far two answers, such as the calls of two readings, agree beyond what two readers who do "
        "not look would. 0 is that, 1 is the same answers."
    ),
    "Fleiss’ kappa, Gwet’s AC1, Krippendorff’s alpha": (
        "How far several readers agree beyond chance. They differ in what chance would do: for a rare finding the "
        "kappa and alpha of readers who agree on nearly every image can be low, and AC1 is not."
    ),
    "Better truth": (
        "Answers that are trusted more than the cohort's labels, such as those of a panel of radiologists. They too "
        "may be wrong."
    ),
    "Recipe, run": (
        "A way to make a model, and one model made so. Runs of one recipe differ by chance alone: the seed, the order "
        "of the images."
    ),
    "Subgroup, gap": (
        "The images that share a value of an attribute, such as the view; a metric among them minus the same among all "
        "other images whose attribute is known."
    ),
    "Underdiagnosis": "Of the images with any finding, the share on which no finding at all is called.",
    "History reader": (
        "A reader that sees no image and repeats what the label of the patient's previous exam said; a floor as the "
        "blind reader is."
    ),
    "Matched on a floor": (
        "Only an ill and a healthy image of two patients, with like scores of the floor, are set against each other, "
        "so that what the floor knows cannot tell them apart."
    ),
    "Balanced AUROC": (
        "The AUROC over those pairs of an ill and a healthy image of two patients that are alike in an attribute, so "
        "that it cannot tell them apart."
    ),
    "Calibration: slope, intercept": (
        "Whether scores are frequencies. Slope 1 and intercept 0 are right; a slope below 1 means scores that are too "
        "extreme, an intercept below 0 scores that are too high on average."
    ),
    "Recalibration: Platt, isotonic, temperature": (
        "Scores mapped to the frequencies that were seen on other patients: by moving and stretching the log odds, by "
        "rising steps, by stretching alone."
    ),
    "ECE, ICI, Brier score": (
        "Expected calibration error: the mean distance between score and frequency over bins of images. Integrated "
        "calibration index: the mean distance between score and a smooth curve of the frequency. Brier score: the mean "
        "squared distance between score and label."
    ),
    "Skill": "(AUROC − floor) / (1 − floor): the share of the way from the floor to a perfect order.",
    "Prevalence": "The share of images with the finding among those assessed.",
    "Mean, weighted, pooled": (
        "Over findings: each counts the same; each counts by its number of positives; or all decisions are put into "
        "one table of counts."
    ),
    "Loss": (
        "Binary cross-entropy in nats: −log of the score given to what is true. 0 is certain and right; 0.69 is a "
        "score of 0.5."
    ),
    "Activation, base activation": "An output's mean score over some images; over all images.",
    "Spearman's rank correlation": (
        "From −1 to 1: whether two quantities put the findings in the same order (1), the opposite (−1) or unrelated "
        "orders (0)."
    ),
}
"""Every word that the page uses and a clinician may not, in the order of the appendix."""
