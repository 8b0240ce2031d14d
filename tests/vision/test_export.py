"""ONNX: the same scores, for any number of images, and a file that says what it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("cv2")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from overread.cli.app import main  # noqa: E402
from overread.records.errors import InputError  # noqa: E402
from overread.vision import export as exporting  # noqa: E402
from overread.vision import scorers  # noqa: E402
from overread.vision.engines import onnx_runtime  # noqa: E402
from overread.vision.export import export, exported, properties  # noqa: E402
from overread.vision.pixels import open_pixels  # noqa: E402
from overread.vision.run_scorers import run_scorer  # noqa: E402
from overread.vision.scoring import score  # noqa: E402

Make = Callable[..., Any]


@pytest.mark.slow
def test_an_export_scores_as_the_network_does_says_what_it_is_and_is_what_scoring_uses(
    make_run: Make,
    make_cohort: Make,
    write_images: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, cohort = make_run(), make_cohort(21)
    monkeypatch.setattr(sys, "argv", ["overread", "export", str(run.folder)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    said = capsys.readouterr()
    assert said.err == ""
    assert "differ from the network's by" in said.out
    data = (run.folder / "model.onnx").read_bytes()

    found = properties(data)
    assert json.loads(found["overread.findings"]) == ["Effusion", "Mass"]
    assert json.loads(found["overread.preprocessing"]) == run.preprocessing.as_json()
    assert json.loads(found["overread.metadata_inputs"]) == ["gender=F", "view=AP"]
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    shapes = {
        each.name: [size.dim_param or size.dim_value for size in each.type.tensor_type.shape.dim]
        for each in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"pixels": ["images", 64, 64], "metadata": ["images", 2], "scores": ["images", 2]}

    monkeypatch.setattr(exporting, "export", None)  # the file is used, not made again
    assert exported(run) == data
    pixels = open_pixels(write_images(cohort), size=64)
    expected, by_onnx = (score(run_scorer(run, engine=engine), cohort, pixels) for engine in ("torch", "onnx"))
    np.testing.assert_allclose(by_onnx.scores, expected.scores, atol=2e-6)

    pytest.importorskip("openvino")
    by_openvino = score(run_scorer(run, engine="openvino", streams=2), cohort, pixels, batch_size=4)
    np.testing.assert_allclose(by_openvino.scores, expected.scores, atol=5e-6)


@pytest.mark.slow
def test_an_export_of_other_weights_is_not_used_and_the_documented_scorer_runs(
    make_run: Make, make_cohort: Make, write_images: Make
) -> None:
    run, other, cohort = make_run(attributes=(), size=256), make_run(name="other"), make_cohort(3)
    data, difference = export(run)
    assert difference < 1e-5
    (other.folder / "model.onnx").write_bytes(data)
    assert properties(exported(other))["overread.metadata_inputs"] != "[]"
    (run.folder / "model.onnx").write_bytes(data)

    text = scorers.__doc__ or ""
    code = text[text.index("    class WithOnnx") : text.index("and then, for each of them")]
    names: dict[str, Any] = {"onnxruntime": onnxruntime}
    exec("\n".join(line[4:] for line in code.splitlines()), names)
    pixels = open_pixels(write_images(cohort), size=256)
    found = score(names["WithOnnx"](str(run.folder / "model.onnx")), cohort, pixels)
    np.testing.assert_allclose(found.scores, score(run_scorer(run), cohort, pixels).scores, atol=2e-6)


def test_what_is_no_onnx_file_has_no_properties() -> None:
    assert properties(b"\x00\x01nothing") == {}


def test_without_onnx_the_extra_is_named(make_run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = make_run()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'overread\[onnx\]'"):
        onnx_runtime.onnx_engine(run)
