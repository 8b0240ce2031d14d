"""Van Calster et al. (2025): which measures of performance to report."""

from __future__ import annotations

from overread.analyses.reporting import evidence as shows
from overread.analyses.reporting.guideline import Guideline, Item

VAN_CALSTER = Guideline(
    key="van-calster-2025",
    title="Van Calster 2025: measures of performance",
    citation="Van Calster et al. (STRATOS topic group 6), Evaluation of performance measures in predictive artificial "
    "intelligence models to support medical decisions: overview and guidance. Lancet Digit Health 2025; "
    "arXiv 2412.10288.",
    url="https://arxiv.org/abs/2412.10288",
    checked="The measures that its abstract recommends as essential, and its five domains, as read there in November "
    "2026. It numbers no items.",
    items=(
        Item("", "Essential: AUROC", (shows.auroc,)),
        Item("", "Essential: calibration plot", (shows.calibration_plot,)),
        Item("", "Essential: clinical utility, as net benefit with a decision curve", (shows.net_benefit,)),
        Item("", "Essential: distribution of scores in ill and healthy", (shows.distributions,)),
        Item("", "Domain discrimination", (shows.discrimination,)),
        Item("", "Domain calibration", (shows.calibration,)),
        Item("", "Domain overall performance", (shows.overall,)),
        Item("", "Domain classification, at a stated threshold", (shows.accuracy, shows.cross_tabulation)),
        Item("", "Domain clinical utility", (shows.net_benefit,)),
    ),
)
