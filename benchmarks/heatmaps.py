"""Time the heat maps of all findings against scoring alone, and against MONAI's Grad-CAM.

    python benchmarks/heatmaps.py

One image of 224 pixels through DenseNet-121 on the processor. Scoring: the 14 logits. Maps: the 14 logits and the 14
maps, in closed form from the same features. MONAI: its `GradCAM` called once per finding, as it has to be. Rounds of
all three follow each other, so that a change in the machine's speed meets all alike; the shortest of each is taken.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from monai.visualize.class_activation_maps import GradCAM

from overread.records.findings import NIH_FINDINGS
from overread.vision.heatmaps.gradcam import maps_of, positive
from overread.vision.networks import build_network
from overread.vision.pixels import FolderPixels
from overread.vision.preprocessing import Preprocessing

IMAGES = Path(__file__).parents[2] / "shared" / "chestxray14" / "images"
ROUNDS, FAST = 5, 8


def radiograph() -> tuple[torch.Tensor, str]:
    """Return a real radiograph where there is one beside the checkout, else noise."""
    recipe = Preprocessing()
    if IMAGES.is_dir():
        square = FolderPixels(IMAGES, recipe.size).pixels(min(path.name for path in IMAGES.glob("*.png")))
        return recipe(torch.from_numpy(square)[None]), "a real radiograph"
    return recipe(torch.randint(0, 256, (1, recipe.size, recipe.size)).to(torch.uint8)), "noise"


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    image, what = radiograph()
    network = build_network(findings=NIH_FINDINGS, weights=None).eval()
    theirs = GradCAM(network, "features.relu5", upsampler=lambda size: lambda maps: maps, postprocessing=lambda x: x)

    def scoring() -> torch.Tensor:
        with torch.inference_mode():
            return network(image)

    def mapping() -> torch.Tensor:
        with torch.inference_mode():
            features = network.activations(image)
            network.answer(features)
            return positive(maps_of(network, features))

    def monai() -> torch.Tensor:
        return torch.cat([torch.as_tensor(theirs(image, class_idx=k)) for k in range(len(NIH_FINDINGS))], dim=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI's hooks warn about modules whose inputs need no gradient
        apart = float((mapping() - monai()).abs().max() / mapping().abs().max())
        taken = {work.__name__: float("inf") for work in (scoring, mapping, monai)}
        for _ in range(ROUNDS):
            for work in (*(scoring, mapping) * FAST, monai):  # one after the other, so that all meet the same machine
                taken[work.__name__] = min(taken[work.__name__], seconds(work))
    print(f"{what}, DenseNet-121, {len(NIH_FINDINGS)} findings, {torch.get_num_threads()} threads")
    print(f"scoring alone        {taken['scoring']:7.4f} s")
    print(f"scores and all maps  {taken['mapping']:7.4f} s   {taken['mapping'] / taken['scoring']:.3f} x scoring alone")
    ratio = taken["monai"] / taken["mapping"]
    print(f"MONAI's GradCAM      {taken['monai']:7.4f} s   {ratio:.0f} x as long; maps differ by {apart:.0e} at most")


if __name__ == "__main__":
    main()
