"""OpenVINO, on a run that is exported to ONNX: of all engines the fastest in bfloat16 on processors that have it.

Nothing is sent anywhere: the model is read from memory by the runtime itself, and the converters of OpenVINO, which
may report their use to Intel where a person has agreed to it, are not called.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from overread.records.errors import InputError
from overread.vision.engines.engine import Engine
from overread.vision.runs import Run


def openvino_engine(run: Run, precision: str, streams: int) -> Engine:
    """Return the engine of a run, with so many batches computed at the same time, each on one core.

    Raises `InputError` where OpenVINO, or what an export takes, is not installed.
    """
    try:
        import openvino
    except ImportError:
        do = "pip install 'overread[openvino]'"
        raise InputError("--engine openvino", "OpenVINO is not installed", "", do) from None
    from overread.vision.export import exported

    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "INFERENCE_NUM_THREADS": streams,
        "NUM_STREAMS": streams,
    }
    compiled = core.compile_model(core.read_model(exported(run)), "CPU", settings)
    with_metadata = len(compiled.inputs) > 1
    own = threading.local()

    def scores(pixels: NDArray[np.uint8], metadata: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        given = {"pixels": pixels} | ({"metadata": metadata} if with_metadata else {})
        return np.array(own.request.infer(given)[0])

    return scores
