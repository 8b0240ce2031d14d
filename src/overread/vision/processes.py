"""Which of several processes this one is, before Lightning has begun."""

from __future__ import annotations

import os

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")
"""Where launchers (Lightning's, torchrun, SLURM) say which process of how many a command is."""


def is_first_process() -> bool:
    """Say whether this process is the one that writes and speaks."""
    return all(os.environ.get(name, "0") == "0" for name in RANKS)
