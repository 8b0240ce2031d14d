"""One pass over images: batches do not matter, boxes are placed, patches are painted over, images follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("cv2")

from overread.records.cohort import cohort_from_frame  # noqa: E402
from overread.vision.heatmaps.explaining import scores_painted_over  # noqa: E402
from overread.vision.heatmaps.gradcam import gradcam  # noqa: E402
from overread.vision.heatmaps.looking import (  # noqa: E402
    Model,
    look,
    moved_maps,
    painted_out,
    placed_boxes,
    randomised_maps,
)
from overread.vision.metadata import MetadataEncoding  # noqa: E402
from overread.vision.networks import build_network  # noqa: E402
from overread.vision.preprocessing import Preprocessing  # noqa: E402

NAMES = [f"{k}.png" for k in range(5)]


class Pixels:
    """Squares of 96 pixels from files of 192 x 96, the same on every call."""

    size, fit = 96, "pad"

    def __init__(self) -> None:
        self.names = NAMES

    def pixels(self, image: str) -> np.ndarray:
        rng = np.random.default_rng(int(image[0]))
        coarse = rng.integers(0, 256, (12, 12))
        return np.kron(coarse, np.ones((8, 8))).astype(np.uint8)

    def batch(self, images: Sequence[str]) -> np.ndarray:
        return np.stack([self.pixels(image) for image in images])

    def extent(self, image: str) -> tuple[int, int]:
        return 192, 96


def cohort() -> object:
    frame = {
        "image": NAMES, "patient": ["a", "a", "b", "c", "d"], "Mass": [0, 1, 0, 1, 1],
        "gender": ["F", "M", "F", None, "M"], "view": ["AP", "PA", "PA", "AP", "AP"],
    }  # fmt: skip
    return cohort_from_frame(frame)


def model(*, metadata: bool = False) -> Model:
    encoding = MetadataEncoding.fitted(cohort(), ("gender", "view")) if metadata else MetadataEncoding()  # type: ignore[arg-type]
    network = build_network("densenet_small", findings=("Mass", "Edema"), metadata_width=encoding.width, weights=None)
    return Model(network.eval(), Preprocessing(size=96, crop=64), encoding)


@pytest.mark.parametrize("method", ["gradcam", "cam", "gradcam++", "occlusion"])
def test_batches_do_not_matter(method: str) -> None:
    table, held = cohort().table, model(metadata=True)  # type: ignore[attr-defined]
    one, many = (look(held, Pixels().batch, table, method=method, batch=n) for n in (2, 5))
    assert one.scores.shape == (5, 2)
    assert one.scores == pytest.approx(many.scores, abs=1e-6)
    assert one.maps == pytest.approx(many.maps, abs=1e-5)


def test_maps_are_those_of_autograd_metadata_and_all() -> None:
    table, held = cohort().table, model(metadata=True)  # type: ignore[attr-defined]
    found = look(held, Pixels().batch, table)
    images, metadata = held.inputs(Pixels().batch(NAMES), table)
    by_autograd = gradcam(held.network, held.network.features, lambda out: out[:, 1], images, metadata)
    assert found.maps[:, 1] == pytest.approx(by_autograd.numpy(), abs=1e-6)


def test_no_rows_no_maps() -> None:
    found = look(model(), Pixels().batch, cohort().table.clear())  # type: ignore[attr-defined]
    assert found.scores.shape == (0, 2)
    with pytest.raises(ValueError, match="method must be one of"):
        look(model(), Pixels().batch, cohort().table, method="lime")  # type: ignore[attr-defined]


def test_boxes_are_placed_with_the_fit_of_the_squares_and_strangers_left_out() -> None:
    boxes = pl.DataFrame({
        "image": ["1.png", "1.png", "9.png"], "finding": ["Mass"] * 3,
        "x": [96.0, 200.0, 0.0], "y": [0.0, 0.0, 0.0], "width": [96.0, 50.0, 9.0], "height": [96.0, 50.0, 9.0],
    })  # fmt: skip
    placed = placed_boxes(cohort(), boxes, Pixels())  # type: ignore[arg-type] # a stand-in
    assert placed["patient"].to_list() == ["a", "a"]
    rows = placed.select("x", "y", "width", "height").rows()
    assert rows[0] == (48, 24, 48, 48)  # half the size, 24 pixels of black above
    assert rows[1][2] == 0  # outside of the image


def test_a_box_is_painted_over_and_nothing_else() -> None:
    square = np.full((40, 40), 100, np.uint8)
    square[10:20, 12:22] = 255
    done = painted_out(square, [[12, 10, 10, 10]])
    assert (np.abs(done.astype(int) - 100) <= 3).all()
    other = np.random.default_rng(0).integers(0, 255, (40, 40)).astype(np.uint8)
    changed = painted_out(other, [[5, 6, 7, 8]]) != other
    assert not changed[:6].any()
    assert not changed[14:].any()


def test_scores_without_lie_at_their_rows() -> None:
    rows, held = cohort(), model()
    boxes = pl.DataFrame({"image": ["1.png", "3.png"], "x": 20.0, "y": 20.0, "width": 30.0, "height": 30.0})
    scores = scores_painted_over(held, rows, np.array([1, 3]), boxes, Pixels(), batch=4)  # type: ignore[arg-type]
    assert np.isnan(scores[[0, 2, 4]]).all()
    before = look(held, Pixels().batch, rows.table).scores  # type: ignore[attr-defined]
    assert (np.abs(scores[[1, 3]] - before[[1, 3]]) > 0).all()
    mirrored = scores_painted_over(  # type: ignore[call-overload]
        held, rows, np.array([1, 3]), boxes, Pixels(), batch=4, mirrored=True  # type: ignore[arg-type]
    )  # fmt: skip
    assert not np.allclose(mirrored[[1, 3]], scores[[1, 3]])


def test_changed_maps_have_the_shape_of_the_maps() -> None:
    table, held = cohort().table, model()  # type: ignore[attr-defined]
    plain = look(held, Pixels().batch, table).maps
    steps: list[str] = []
    random = randomised_maps(held, Pixels().batch, table, method="gradcam", seed=0, progress=steps.append)
    moved = moved_maps(held, Pixels().batch, table, method="gradcam", cells=2)
    assert list(random) == steps
    assert all(each.shape == plain.shape for each in (*random.values(), *moved.values()))
    assert not np.allclose(random["head"], plain)
    again = look(held, lambda names: Pixels().batch(names)[..., ::-1].copy(), table).maps
    assert moved["flipped"] == pytest.approx(again)
