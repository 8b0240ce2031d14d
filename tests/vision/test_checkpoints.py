from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from overread.records.errors import InputError  # noqa: E402
from overread.vision.checkpoints import TensorCheckpoints, read_checkpoint  # noqa: E402


def content() -> dict[str, Any]:
    weight = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    return {
        "state": {0: {"step": torch.tensor(3.0), "average": weight.to(memory_format=torch.channels_last)}},
        "groups": [{"betas": (0.9, 0.999), "params": [0, 1], "foreach": None}],
        "half": torch.ones(2, dtype=torch.bfloat16),
        "nan": float("nan"),
        "name": "é",
        "empty": {},
    }


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    TensorCheckpoints().save_checkpoint(content(), tmp_path / "deep" / "c.safetensors")
    found = TensorCheckpoints().load_checkpoint(tmp_path / "deep" / "c.safetensors")
    expected = content()
    average = found["state"][0]["average"]
    assert torch.equal(average, expected["state"][0]["average"])
    assert average.stride() == expected["state"][0]["average"].stride()
    assert torch.equal(found["half"], expected["half"])
    assert found["state"][0]["step"].shape == ()
    assert found["groups"] == expected["groups"]
    assert isinstance(found["groups"][0]["betas"], tuple)
    assert found["nan"] != found["nan"]
    assert (found["name"], found["empty"]) == ("é", {})
    TensorCheckpoints().remove_checkpoint(tmp_path / "deep" / "c.safetensors")
    assert not list((tmp_path / "deep").iterdir())


def test_what_is_neither_tensor_nor_plain_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="cannot hold PosixPath at /where"):
        TensorCheckpoints().save_checkpoint({"where": tmp_path}, tmp_path / "c.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_damaged_one_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    TensorCheckpoints().save_checkpoint(content(), path)
    for damaged in (path.read_bytes()[:-5], b"", b"\x80\x04harm."):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"cannot be read as a checkpoint.*Delete it, and --resume begins"):
            read_checkpoint(path)


def test_a_full_disk_leaves_the_earlier_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.safetensors"
    TensorCheckpoints().save_checkpoint({"epoch": 1}, path)

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        TensorCheckpoints().save_checkpoint({"epoch": 2}, path)
    assert read_checkpoint(path) == {"epoch": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["c.safetensors"]
