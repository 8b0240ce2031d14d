"""Scoring: every image once, the same whatever the batches, refusals, and the examples of the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

cv2 = pytest.importorskip("cv2")
torch = pytest.importorskip("torch")

from overread.records.errors import InputError  # noqa: E402
from overread.vision import scorers  # noqa: E402
from overread.vision.pixels import open_pixels  # noqa: E402
from overread.vision.run_scorers import chosen_engine, run_scorer  # noqa: E402
from overread.vision.score_parts import OnDisk, Piece, pieces  # noqa: E402
from overread.vision.scoring import Share, assembled, score, score_share  # noqa: E402

Make = Callable[..., Any]


class Brightness:
    """A scorer that needs no network: the mean grey value, and the number of the row as the cohort has it."""

    findings: Sequence[str] = ("Effusion", "Mass")
    size = 16
    attributes: Sequence[str] = ("number",)

    def __init__(self, *, streams: int = 1) -> None:
        self.streams = streams
        self.asked: list[str] = []

    def scores(self, pixels: NDArray[np.uint8], attributes: pl.DataFrame) -> NDArray[np.floating]:
        self.asked += attributes["image"].to_list()
        return np.column_stack([pixels.mean(axis=(1, 2)) / 255, attributes["number"].to_numpy() / 1000])


@pytest.mark.parametrize(("batch_size", "streams", "workers"), [(1, 1, 1), (5, 1, 3), (16, 3, 1), (100, 2, 2)])
def test_every_image_is_scored_once_and_lands_in_its_own_row(
    batch_size: int, streams: int, workers: int, make_cohort: Make, write_images: Make
) -> None:
    cohort = make_cohort(37, number=range(37))
    folder = write_images(cohort)
    scorer, told = Brightness(streams=streams), []
    reading = score(
        scorer,
        cohort,
        open_pixels(folder, size=16),
        batch_size=batch_size,
        workers=workers,
        progress=told.append,
    )
    assert sorted(scorer.asked) == cohort.images.to_list()
    assert reading.images.to_list() == cohort.images.to_list()
    assert sum(told) == 37
    assert reading.scores[:, 1].tolist() == [row / 1000 for row in range(37)]
    expected = [
        cv2.resize(cv2.imread(str(folder / i), 0), (16, 16), interpolation=cv2.INTER_AREA) for i in cohort.images
    ]
    np.testing.assert_allclose(reading.scores[:, 0], [image.mean() / 255 for image in expected])


def test_scores_of_a_run_are_those_of_its_network_and_do_not_depend_on_batches(
    make_run: Make, make_cohort: Make, write_images: Make
) -> None:
    run, cohort = make_run(), make_cohort(21)
    pixels = open_pixels(write_images(cohort), size=64)
    found = [
        score(run_scorer(run, streams=streams), cohort, pixels, batch_size=batch_size).scores
        for batch_size, streams in ((1, 1), (7, 2), (64, 1))
    ]
    with torch.inference_mode():
        squares = torch.from_numpy(pixels.batch(cohort.images.to_list()))
        metadata = torch.from_numpy(run.metadata.encode(cohort.table))
        expected = torch.sigmoid(run.network()(run.preprocessing(squares), metadata)).numpy()
    for scores in found:
        np.testing.assert_allclose(scores, expected, atol=2e-6)
    assert expected.std(axis=0).min() > 0.01


def test_mirrored_images_are_averaged_as_scores(make_run: Make, make_cohort: Make, write_images: Make) -> None:
    run, cohort = make_run(), make_cohort(5)
    squares = open_pixels(write_images(cohort), size=64).batch(cohort.images.to_list())
    plain, flipped = run_scorer(run), run_scorer(run, flip=True)
    one, other = (plain.scores(np.ascontiguousarray(each), cohort.table) for each in (squares, squares[:, :, ::-1]))
    np.testing.assert_allclose(flipped.scores(squares, cohort.table), (one + other) / 2, atol=1e-6)
    assert np.abs(one - other).max() > 1e-3


def test_bfloat16_stays_near_and_ties_nothing(make_run: Make, make_cohort: Make, write_images: Make) -> None:
    run, cohort = make_run(), make_cohort(30)
    squares = open_pixels(write_images(cohort), size=64).batch(cohort.images.to_list())
    full, reduced = (run_scorer(run, precision=p).scores(squares, cohort.table) for p in ("float32", "bfloat16"))
    assert 0 < np.abs(full - reduced).max() < 0.02
    assert len(np.unique(reduced[:, 0])) == 30


def test_a_precision_an_engine_or_a_device_that_is_none_is_refused(make_run: Make) -> None:
    run = make_run()
    for arguments, said in (
        ({"precision": "float8"}, "float32 or bfloat16"),
        ({"engine": "tensorrt"}, "torch or onnx or openvino"),
        ({"device": "abacus"}, "auto, cpu or cuda"),
        ({"engine": "onnx", "precision": "bfloat16"}, "together with --precision bfloat16"),
    ):
        with pytest.raises(InputError, match=said):
            run_scorer(run, **arguments)
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="there is no GPU"):
            run_scorer(run, device="cuda")


@pytest.mark.parametrize(
    ("asked", "engine"),
    [
        ({"images": 999}, "torch"),
        ({"images": 1000}, "onnx"),
        ({"images": 5, "exported": True}, "onnx"),
        ({"images": 1000, "precision": "bfloat16"}, "torch"),
        ({"images": 1000, "name": "openvino"}, "openvino"),
    ],
)
def test_the_engine_is_the_fastest_at_equal_output(asked: dict[str, Any], engine: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    given = {"name": "auto", "device": "cpu", "precision": "float32", "exported": False} | asked
    assert chosen_engine(given.pop("name"), **given) == engine


# --- what cannot be read, and what is no score -----------------------------------------------------------------------


def test_an_image_that_cannot_be_read_stops_the_work_or_is_left_out(make_cohort: Make, write_images: Make) -> None:
    cohort = make_cohort(20, number=range(20))
    folder = write_images(cohort)
    (folder / "003.png").write_text("not an image")
    (folder / "019.png").write_bytes(b"")
    pixels = open_pixels(folder, size=16)
    with pytest.raises(InputError, match=r"003\.png: the content is text.*--skip-unreadable"):
        score(Brightness(), cohort, pixels)
    parts = ["val"] * 4 + [None] * 16
    reading = score(Brightness(), cohort, pixels, batch_size=4, skip_unreadable=True, split=parts)
    assert reading.images.to_list() == [f"{row:03d}.png" for row in range(20) if row not in (3, 19)]
    assert reading.scores[:, 1].tolist() == [row / 1000 for row in range(20) if row not in (3, 19)]
    assert reading.split is not None
    assert reading.split.to_list() == ["val"] * 3 + [None] * 15
    assert reading.warnings[0].startswith(
        "Left out, as they cannot be read: 2 images (003.png: the content is text; 019"
    )
    for path in folder.iterdir():
        path.write_text("not an image")
    with pytest.raises(InputError, match="no image could be read"):
        score(Brightness(), cohort, pixels, skip_unreadable=True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.full((4, 2), 1.5), r"the score of Effusion on 000\.png is 1\.5.*Apply a sigmoid"),
        (np.full((4, 2), np.nan), "is nan"),
        (np.zeros((4, 1)), r"its shape is \(4, 1\). Expected \(4, 2\)"),
    ],
)
def test_what_is_no_score_is_refused(answer: NDArray[Any], said: str, make_cohort: Make, write_images: Make) -> None:
    scorer = Brightness()
    scorer.scores = lambda pixels, attributes: answer  # type: ignore[method-assign]
    cohort = make_cohort(4, number=range(4))
    with pytest.raises(InputError, match=said):
        score(scorer, cohort, open_pixels(write_images(cohort), size=16))


def test_squares_of_another_size_are_refused(make_cohort: Make, write_images: Make) -> None:
    cohort = make_cohort(4, number=range(4))
    with pytest.raises(InputError, match="the squares have 32 pixels a side"):
        score(Brightness(), cohort, open_pixels(write_images(cohort), size=32))


# --- pieces ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 15, 16, 17, 37, 96, 511, 600, 25_596, 112_120])
def test_pieces_hold_every_row_once(n: int) -> None:
    assert [row for piece in pieces(n) for row in range(piece.start, piece.stop)] == list(range(n))


@pytest.mark.parametrize("of", [2, 3, 5])
def test_shares_make_up_the_whole_and_no_row_is_scored_twice(
    of: int, make_cohort: Make, write_images: Make, tmp_path: Path
) -> None:
    cohort = make_cohort(67, number=range(67))
    pixels = open_pixels(write_images(cohort), size=16)
    parts = OnDisk.begun(tmp_path / "scores.csv.parts", ["work"])
    asked = []
    for first in range(of):
        scorer = Brightness()
        score_share(scorer, cohort, pixels, parts, share=Share(first, of), batch_size=7)
        asked += scorer.asked
    assert sorted(asked) == cohort.images.to_list()
    together = assembled(parts, cohort, Brightness.findings, name="m", split=None)
    np.testing.assert_array_equal(together.scores, score(Brightness(), cohort, pixels).scores)


def test_work_goes_on_from_what_is_done_and_only_if_it_is_the_same_work(
    make_cohort: Make, write_images: Make, tmp_path: Path
) -> None:
    cohort = make_cohort(67, number=range(67))
    pixels = open_pixels(write_images(cohort), size=16)
    folder = tmp_path / "scores.csv.parts"
    score_share(Brightness(), cohort, pixels, OnDisk.begun(folder, ["one"]), share=Share(0, 2))
    scorer = Brightness()
    parts = OnDisk.begun(folder, ["one"])
    score_share(scorer, cohort, pixels, parts)
    assert sorted(scorer.asked) == [f"{row:03d}.png" for row in (*range(16, 32), *range(48, 64))]
    assert OnDisk.begun(folder, ["another"]).done() == 0


def test_a_folder_of_someone_elses_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "scores.csv.parts"
    folder.mkdir()
    OnDisk.begun(folder, [])
    (folder / "parts.json").write_text("{}")
    with pytest.raises(InputError, match="Move it away"):
        OnDisk.begun(folder, [])
    assert (folder / "parts.json").read_text() == "{}"


def test_a_piece_is_kept_whole(tmp_path: Path) -> None:
    parts = OnDisk.begun(tmp_path / "p", [])
    parts.put(3, Piece(np.array([[0.1], [np.nan]]), {"ä.png": "why"}))
    found = parts.get(3)
    np.testing.assert_array_equal(found.scores, [[0.1], [np.nan]])
    assert found.reasons == {"ä.png": "why"}
    assert (parts.has(3), parts.has(2), parts.done()) == (True, False, 1)


# --- the examples of the documentation -------------------------------------------------------------------------------


def example(beginning: str) -> str:
    """Return the lines of the module's documentation that begin so, up to the next that stand further left."""
    text = scorers.__doc__ or ""
    (found,) = re.findall(rf"^    {beginning}.*\n(?:(?:     .*)?\n)*", text, flags=re.MULTILINE)
    return re.sub(r"^    ", "", found, flags=re.MULTILINE)


def test_the_example_in_pytorch_runs(make_cohort: Make, write_images: Make) -> None:
    names: dict[str, Any] = {"torch": torch}
    exec(example("class Mine"), names)
    network = torch.nn.Sequential(torch.nn.AvgPool2d(224), torch.nn.Flatten(), torch.nn.Linear(1, 2))
    cohort = make_cohort(5)
    reading = score(names["Mine"](network), cohort, open_pixels(write_images(cohort), size=224), name="mine")
    assert reading.findings == ("Effusion", "Mass")
    assert len(np.unique(reading.scores)) == 10


def test_the_example_with_monai_runs(make_cohort: Make, write_images: Make) -> None:
    from monai.networks.nets import DenseNet121
    from monai.transforms import Compose, Resize, ScaleIntensity

    names = {"torch": torch, "DenseNet121": DenseNet121, "Compose": Compose, "Resize": Resize}
    names |= {"ScaleIntensity": ScaleIntensity}
    exec(example("class WithMonai"), names)
    cohort = make_cohort(2)
    reading = score(names["WithMonai"](), cohort, open_pixels(write_images(cohort), size=256))
    assert reading.scores.shape == (2, 1)


def test_the_call_in_the_documentation_runs(make_cohort: Make, write_images: Make, tmp_path: Path) -> None:
    names: dict[str, Any] = {"Mine": lambda network: Brightness(), "network": None}
    cohort = make_cohort(3, number=range(3))
    folder = write_images(cohort)
    cohort.table.with_columns(Mass=1).write_csv(tmp_path / "truth.csv")
    text = scorers.__doc__ or ""
    code = re.sub(r"^    ", "", text[text.index("    from overread import") :], flags=re.MULTILINE).replace(
        '"NIH", size=224', f'"{folder}", size=16'
    )
    code = code.replace('"NIH"', f'"{tmp_path / "truth.csv"}"').replace("mine.csv", str(tmp_path / "mine.csv"))
    exec(code, names)
    assert (tmp_path / "mine.csv").read_text().startswith("image,Effusion,Mass\n000.png,")
