"""Synthetic radiographs with known truth: a test rig for everything that looks at images.

`Design` says what a cohort is made from, `write_phantom` writes it as a folder in NIH's layout, and `render` draws one
image from its `Spec`, with or without its drain. Needs numpy and OpenCV, no torch.
"""

from overread.vision.phantom.cohort import write_phantom
from overread.vision.phantom.design import Design, Drains
from overread.vision.phantom.rendering import Box, Phantom, Spec, render

__all__ = ["Box", "Design", "Drains", "Phantom", "Spec", "render", "write_phantom"]
