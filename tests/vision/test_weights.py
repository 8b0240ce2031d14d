from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from overread.records.errors import InputError  # noqa: E402
from overread.vision import weights as weights_module  # noqa: E402
from overread.vision.networks import build_network, built  # noqa: E402

FINDINGS = ("Effusion", "Mass")


def state(backbone: str, seed: int = 5) -> dict[str, torch.Tensor]:
    return dict(build_network(backbone, findings=FINDINGS, weights=None, seed=seed).features.state_dict())


def as_torchvision(backbone: str, *, old: bool = False) -> dict[str, torch.Tensor]:
    """Name tensors as torchvision 0.15 does in `densenet121().state_dict()`, or as its files (written in 2017) do.

    Of the latter, a few names: features.conv0.weight, features.norm0.running_mean,
    features.denseblock1.denselayer1.norm.1.weight, features.denseblock1.denselayer1.conv.1.weight,
    features.transition1.norm.weight, features.norm5.bias, classifier.weight.
    """
    if backbone.startswith("resnet"):
        return state(backbone) | {"fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)}
    named = {}
    for name, tensor in state(backbone).items():
        if old and name.endswith("num_batches_tracked"):
            continue
        layer = re.sub(r"\.layers\.(norm|conv)([12])\.", r".\1.\2." if old else r".\1\2.", name)
        named[f"features.{layer}"] = tensor
    return named | {"classifier.weight": torch.zeros(1000, 1024), "classifier.bias": torch.zeros(1000)}


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("backbone", ["densenet121", "resnet50"])
def test_every_tensor_of_a_file_in_torchvisions_format_is_used(
    tmp_path: Path, backbone: str, old: bool, ending: str
) -> None:
    tensors = as_torchvision(backbone, old=old)
    path = tmp_path / f"imagenet.{ending}"
    if ending == "pth":
        torch.save(tensors, path, _use_new_zipfile_serialization=not old)
    else:
        safetensors.save_file(tensors, path)
    network, loaded = built(backbone, findings=FINDINGS, metadata_width=0, weights=path, seed=0)
    assert loaded is not None
    assert len(loaded.used) == len(tensors) - 2
    assert {name.split(".")[0] for name in loaded.unused} == {"fc" if backbone == "resnet50" else "classifier"}
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    expected = state(backbone)
    for name, tensor in network.features.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, expected[name]), name


def test_a_run_of_ones_own_and_a_data_parallel_file_serve_too(tmp_path: Path) -> None:
    network = build_network("densenet_small", findings=FINDINGS, weights=None, seed=3)
    safetensors.save_file(network.state_dict(), tmp_path / "weights.safetensors")
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "parallel.pt")
    for name in ("weights.safetensors", "parallel.pt"):
        again = build_network("densenet_small", findings=("Edema",), weights=tmp_path / name)
        for key, tensor in network.features.state_dict().items():
            assert torch.equal(again.features.state_dict()[key], tensor)


def refused(tmp_path: Path, tensors: object) -> str:
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(InputError) as refusal:
        build_network("densenet_small", findings=FINDINGS, weights=tmp_path / "w.pth")
    return str(refusal.value)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    whole = as_torchvision("densenet_small")
    less = {name: tensor for name, tensor in whole.items() if name != "features.norm5.bias"}
    assert "1 tensor missing: norm5.bias." in refused(tmp_path, less)
    assert "1 tensor not known: extra.weight" in refused(tmp_path, whole | {"extra.weight": torch.zeros(1)})
    wrong = refused(tmp_path, whole | {"features.conv0.weight": torch.zeros(16, 1, 7, 7)})
    assert "1 tensor of another shape: conv0.weight [16, 1, 7, 7] instead of [16, 3, 7, 7]" in wrong
    assert "the weights of a densenet_small" in refused(tmp_path, as_torchvision("resnet18"))
    assert "something other than tensors" in refused(tmp_path, {"epoch": 3})


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("harmed"),)  # type: ignore[return-value]


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "cannot be read as weights" in refused(tmp_path, {"a": Harmful()})
    (tmp_path / "w.pt").write_bytes(pickle.dumps(Harmful()))
    for content in (None, b"", b"GIF89a, not weights", (tmp_path / "w.pth").read_bytes()[:200]):
        for name in ("w.pt", "w.safetensors"):
            if content is not None:
                (tmp_path / name).write_bytes(content)
            if (tmp_path / name).exists():
                with pytest.raises(InputError, match="cannot be read as weights"):
                    build_network("densenet_small", findings=FINDINGS, weights=tmp_path / name)
    assert not (tmp_path / "harmed").exists()
    with pytest.raises(InputError, match="there is no such file"):
        build_network("densenet_small", findings=FINDINGS, weights=tmp_path / "absent.pth")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(weights_module.URLS, "densenet_small", "https://weights.invalid/densenet_small-0123abcd.pth")
    return tmp_path / "cache" / "hub" / "checkpoints" / "densenet_small-0123abcd.pth"


def test_without_a_network_the_message_says_what_to_do(cache: Path) -> None:
    with pytest.raises(InputError) as refusal:
        build_network("densenet_small", findings=FINDINGS, weights="imagenet")
    for part in ("https://weights.invalid/", "--weights densenet_small-0123abcd.pth", "--weights none", str(cache)):
        assert part in str(refusal.value)
    assert not cache.exists()


def test_by_name_the_cached_file_is_used_if_its_checksum_is_right(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.mkdir(parents=True)
    torch.save(as_torchvision("densenet_small", old=True), cache)
    with pytest.raises(InputError, match=r"it is not the file of this name.*Delete it"):
        build_network("densenet_small", findings=FINDINGS, weights="imagenet")
    prefix = hashlib.sha256(cache.read_bytes()).hexdigest()[:8]
    cache.rename(cache.with_name(f"densenet_small-{prefix}.pth"))
    monkeypatch.setitem(weights_module.URLS, "densenet_small", f"https://weights.invalid/densenet_small-{prefix}.pth")
    network = build_network("densenet_small", findings=FINDINGS, weights="imagenet")
    assert torch.equal(network.features.state_dict()["conv0.weight"], state("densenet_small")["conv0.weight"])


def test_by_name_a_file_is_downloaded_and_checked(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = tmp_path / "served.pth"
    torch.save(as_torchvision("densenet_small"), served)
    prefix = hashlib.sha256(served.read_bytes()).hexdigest()[:8]
    for name in ("densenet_small-0123abcd.pth", f"densenet_small-{prefix}.pth"):
        (tmp_path / name).write_bytes(served.read_bytes())
    monkeypatch.setitem(weights_module.URLS, "densenet_small", (tmp_path / "densenet_small-0123abcd.pth").as_uri())
    with pytest.raises(InputError, match="could not be downloaded"):
        build_network("densenet_small", findings=FINDINGS, weights="imagenet")
    assert not cache.exists()
    monkeypatch.setitem(weights_module.URLS, "densenet_small", (tmp_path / f"densenet_small-{prefix}.pth").as_uri())
    build_network("densenet_small", findings=FINDINGS, weights="imagenet")
    assert (cache.parent / f"densenet_small-{prefix}.pth").is_file()


def test_a_backbone_without_imagenet_weights_says_which_have_some() -> None:
    with pytest.raises(InputError, match=r"no ImageNet weights of 'densenet_small'.*densenet121"):
        build_network("densenet_small", findings=FINDINGS, weights="imagenet")
