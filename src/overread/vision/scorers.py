"""What scores images: a model of one's own, or a run of `overread train`.

Any object with three attributes and one method is a scorer, and `scoring.score` turns it into a reading that every
command understands. It is given squares of grey values as the store holds them, black 0 and white 255, and a table of
the images' attributes; it gives back a score in [0, 1] per image and finding. Nothing else is asked of it, so that
PyTorch, MONAI, ONNX or a web service are equally at home. A scorer in PyTorch:

    class Mine:
        findings = ("Effusion", "Mass")   # named as in the cohort
        size = 224                        # pixels a side of the squares that it wants
        attributes = ()                   # columns of the cohort that it wants beside them, such as ("gender", "view")

        def __init__(self, network):
            self.network = network.eval()

        def scores(self, pixels, attributes):
            x = torch.from_numpy(pixels)[:, None].float() / 255
            with torch.inference_mode():
                return torch.sigmoid(self.network(x)).numpy()

With MONAI, transforms included:

    class WithMonai:
        findings, size, attributes = ("Effusion",), 256, ("view",)

        def __init__(self):
            self.prepare = Compose([ScaleIntensity(minv=0, maxv=1), Resize((128, 128))])
            self.network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=1).eval()

        def scores(self, pixels, attributes):
            x = torch.stack([torch.as_tensor(self.prepare(image[None])) for image in pixels])
            with torch.inference_mode():
                return torch.sigmoid(self.network(x)).numpy()

With ONNX Runtime, here on what `overread export` writes (inputs and output of another model have other names):

    class WithOnnx:
        findings, size, attributes = ("Effusion", "Mass"), 256, ()

        def __init__(self, path):
            self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

        def scores(self, pixels, attributes):
            return self.session.run(["scores"], {"pixels": pixels})[0]

and then, for each of them:

    from overread import read_cohort, write_reading
    from overread.vision.pixels import open_pixels
    from overread.vision.scoring import score

    cohort = read_cohort("NIH")
    reading = score(Mine(network), cohort, open_pixels("NIH", size=224), name="mine")
    write_reading(reading, "mine.csv")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray


class Scorer(Protocol):
    """Scores images. `size` is the side of the squares it takes, `attributes` the columns it wants beside them.

    A scorer may have a further attribute, `streams`: how many batches it may be asked to score at the same time from
    several threads; 1 without it.
    """

    @property
    def findings(self) -> Sequence[str]:
        """Return the findings that it scores, named as the cohort names them."""
        ...

    @property
    def size(self) -> int:
        """Return the side of the squares that it takes."""
        ...

    @property
    def attributes(self) -> Sequence[str]:
        """Return the attributes that it takes beside an image."""
        ...

    def scores(self, pixels: NDArray[np.uint8], attributes: pl.DataFrame) -> NDArray[np.floating]:
        """Return scores (images, findings) in [0, 1] of squares (images, size, size), with a row of attributes each."""
        ...
