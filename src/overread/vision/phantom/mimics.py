"""What looks like a finding and is none, more often in one gender or view than in the other.

Because of these a model that is told gender and view can do better than one that only sees: the same spot is a nodule
in a man and likely a nipple in a woman, the same line a pneumothorax on PA and likely a fold of skin on AP, where the
patient lies on the plate. All are known pitfalls of reading chest radiographs; how often they occur is this
phantom's choice (`SHARES`).
"""

from __future__ import annotations

import numpy as np

from overread.vision.phantom.anatomy import SIDES, Chest
from overread.vision.phantom.canvas import Map, blurred, cloud, filled, smooth, stroked
from overread.vision.phantom.lesions import Draws, patch

SHARES = {
    "nipple": {"F": 0.35, "M": 0.03},
    "skin fold": {"AP": 0.22, "PA": 0.0},
    "basal haze": {"AP": 0.3, "PA": 0.03},
}
"""How often each occurs, by gender or view: nipples look like nodules, folds of skin like the edge of a
pneumothorax, poorly aired bases like infiltration or pneumonia."""


def mimics(chest: Chest, gender: str, view: str, rng: np.random.Generator) -> Map:
    """Return what nipples, folds of skin and poorly aired bases add to the attenuation of an image."""
    total = np.zeros((chest.size, chest.size), np.float32)
    nipples, fold, haze = rng.random(3)  # drawn always, so that what one shows does not move the others
    if nipples < SHARES["nipple"][gender]:
        total += nipple_shadows(chest, rng)
    if fold < SHARES["skin fold"][view]:
        total += skin_fold(chest, rng)
    if haze < SHARES["basal haze"][view]:
        total += basal_haze(chest, rng)
    return total


def nipple_shadows(chest: Chest, rng: np.random.Generator) -> Map:
    """Return one or two round shadows over the lower lungs, as large and as faint as a nodule."""
    total = np.zeros((chest.size, chest.size), np.float32)
    draws = Draws(rng, rng)
    sides = SIDES if rng.random() < 0.4 else (SIDES[rng.integers(2)],)
    for side in sides:
        centre = chest.within(side, 0.62 + 0.06 * rng.standard_normal(), 0.74 + 0.08 * rng.standard_normal())
        radius = 0.017 + 0.01 * rng.random()
        total += draws.between(0.09, 0.17) * patch(chest, centre, (radius, radius), rng, rough=0.05, soft=0.003)
    return total


def skin_fold(chest: Chest, rng: np.random.Generator) -> Map:
    """Return a fold of skin: a long edge over the outer lung, soft on its inner side, lung markings on both."""
    side = SIDES[rng.integers(2)]
    top, low = chest.body.apex + 0.04 + 0.1 * rng.random(), chest.dome(side) + 0.02
    gap = 0.03 + 0.06 * rng.random()
    heights = np.linspace(top, low, 6)
    edge = smooth(
        [
            chest.at(side, chest.wall(y) - gap * (1.2 - 0.5 * v), y)
            for v, y in zip(np.linspace(0, 1, 6), heights, strict=True)
        ],
        closed=False,
    )
    inner = edge.copy()
    inner[:, 0] -= side * 0.035
    band = blurred(filled(np.concatenate([edge, inner[::-1]]), chest.size), 0.006)
    line = blurred(stroked([(edge, 0.004, 1.0)], chest.size), 0.0012)
    return (0.05 * band + (0.06 + 0.05 * rng.random()) * line) * chest.lung


def basal_haze(chest: Chest, rng: np.random.Generator) -> Map:
    """Return the patchy greyness of bases that hold little air."""
    _, y = chest.grid
    side = SIDES[rng.integers(2)]
    mask = chest.lung if rng.random() < 0.4 else chest.lungs[side]
    start = chest.dome(side) - 0.2
    weight = np.clip((y - start) / 0.18, 0, 1) * mask
    return (0.05 + 0.08 * rng.random()) * weight * np.clip(1 + 0.5 * cloud(rng, chest.size, 0.03), 0, 2)
