"""ONNX Runtime, on a run that is exported for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.records.errors import InputError
from overread.vision.engines.engine import Engine
from overread.vision.runs import Run


def onnx_engine(run: Run) -> Engine:
    """Return the engine of a run: of its `model.onnx`, where that is of these weights, else exported now.

    Raises `InputError` where ONNX or its runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError("--engine onnx", "ONNX Runtime is not installed", "", "pip install 'overread[onnx]'") from None
    from overread.vision.export import exported

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # threads are one to a batch
    session = onnxruntime.InferenceSession(exported(run), options, providers=["CPUExecutionProvider"])
    with_metadata = len(session.get_inputs()) > 1

    def scores(pixels: NDArray[np.uint8], metadata: NDArray[np.float32]) -> NDArray[np.float32]:
        given = {"pixels": pixels} | ({"metadata": metadata} if with_metadata else {})
        return session.run(["scores"], given)[0]

    return scores
