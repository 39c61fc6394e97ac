"""Weights files: what is taken, what is refused, and that nothing in them is ever run."""

import json
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from seeing.embed.encoder import EncoderOptions
from seeing.embed.table import make_encoder
from seeing.errors import EncoderError
from seeing.networks.weights import digest_of, fit_weights, load_weights, renamed

NAME = "timm:test_resnet"
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def weights(tiny_timm: Callable[[str], Path]) -> Weights:
    return load_file(tiny_timm("test_resnet"))


def made(path: Path) -> Any:
    return make_encoder(NAME, EncoderOptions(weights=path, device="cpu"))


def without_classifier(weights: Weights) -> Weights:
    return {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}


SHAPES: dict[str, Callable[[Weights], Any]] = {
    "as it is": lambda weights: weights,
    "without classifier": without_classifier,
    "without counters": lambda w: {n: t for n, t in w.items() if "num_batches" not in n},
    "module.": lambda w: {f"module.{n}": t for n, t in w.items()},
    "module._orig_mod.": lambda w: {f"module._orig_mod.{n}": t for n, t in w.items()},
    "model., among others": lambda w: {
        **{f"model.{n}": t for n, t in w.items()},
        "criterion.weight": torch.ones(3),
    },
    "state_dict": lambda w: {"state_dict": w, "epoch": 3},
    "model": lambda w: {"model": w, "optimizer": {"state": {}, "lr": 0.1}},
    "model, state_dict": lambda w: {"model": {"state_dict": w}},
    "averaged": lambda w: {
        "state_dict": {n: torch.zeros_like(t) for n, t in w.items()},
        "state_dict_ema": w,
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_same_identity_from_whatever_file(
    tiny_timm: Callable[[str], Path], weights: Weights, tmp_path: Path, shape: str
) -> None:
    torch.save(SHAPES[shape](weights), tmp_path / "checkpoint.pth")
    assert made(tmp_path / "checkpoint.pth").identity == made(tiny_timm("test_resnet")).identity


def test_old_pickles_are_read_too(
    tiny_timm: Callable[[str], Path], weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "old.pt"
    torch.save(weights, path, _use_new_zipfile_serialization=False)
    assert made(path).identity == made(tiny_timm("test_resnet")).identity


def test_type_is_told_from_the_content_not_the_name(weights: Weights, tmp_path: Path) -> None:
    save_file(weights, tmp_path / "really-safetensors.pth")
    torch.save(weights, tmp_path / "really-torch.safetensors")
    one = load_weights(tmp_path / "really-safetensors.pth")
    other = load_weights(tmp_path / "really-torch.safetensors")
    assert one.keys() == other.keys()


def test_identity_changes_with_any_weight(weights: Weights, tmp_path: Path) -> None:
    changed = {name: tensor.clone() for name, tensor in weights.items()}
    save_file(changed, tmp_path / "same.safetensors")
    first = next(name for name in sorted(changed) if name.endswith(".weight") and "fc" not in name)
    changed[first].view(-1)[0] += 1
    save_file(changed, tmp_path / "changed.safetensors")
    same, other = made(tmp_path / "same.safetensors"), made(tmp_path / "changed.safetensors")
    assert same.identity != other.identity
    assert same.card.weights_digest != other.card.weights_digest
    assert same.card.weights_path == str(tmp_path / "same.safetensors")


def test_digest_sees_names_and_shapes() -> None:
    one, other = torch.nn.Linear(4, 6, bias=False), torch.nn.Linear(6, 4, bias=False)
    other.weight.data = one.weight.data.reshape(4, 6).clone()
    assert digest_of(one) != digest_of(other)
    assert digest_of(torch.nn.Sequential(one)) != digest_of(one)
    assert digest_of(one.to(torch.float64)) == digest_of(one.to(torch.float32))


def test_the_authors_own_names_are_translated(
    tiny_timm: Callable[[str], Path], tmp_path: Path
) -> None:
    """As DINOv2's authors give them: a token more than timm has, and the classifier less."""
    path = tiny_timm("test_vit")
    weights = load_file(path)
    theirs = {name: tensor for name, tensor in weights.items() if not name.startswith("head.")}
    theirs["mask_token"] = torch.zeros(1, 64)
    torch.save(theirs, tmp_path / "theirs.pth")
    one = make_encoder("timm:test_vit", EncoderOptions(path, device="cpu"))
    other = make_encoder("timm:test_vit", EncoderOptions(tmp_path / "theirs.pth", device="cpu"))
    assert one.identity == other.identity


class Malicious:
    """A pickle of this runs a command when it is loaded without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.mark}'",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_a_pickle_that_would_run_code_runs_none(
    weights: Weights, tmp_path: Path, zipped: bool, nested: bool
) -> None:
    mark = tmp_path / "was-here"
    content = {"state_dict": weights, "args": Malicious(mark)} if nested else Malicious(mark)
    path = tmp_path / "malicious.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(EncoderError, match="nothing in them was run") as caught:
        made(path)
    assert not mark.exists()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_plain_pickle_that_would_run_code_runs_none(tmp_path: Path) -> None:
    mark, path = tmp_path / "was-here", tmp_path / "malicious.pkl"
    path.write_bytes(pickle.dumps(Malicious(mark)))
    with pytest.raises(EncoderError):
        made(path)
    assert not mark.exists()


def one_line(problem: pytest.ExceptionInfo[EncoderError]) -> str:
    told = str(problem.value)
    assert "\n" not in told
    return told


def broken(weights: Weights, folder: Path) -> dict[str, Path]:
    good = folder / "good.safetensors"
    save_file(weights, good)
    content = good.read_bytes()
    torch.save(weights, folder / "good.pth")
    zipped = (folder / "good.pth").read_bytes()
    files = {
        "empty": b"",
        "text": b"these are not the weights you are looking for\n",
        "picture": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500),
        "cut safetensors": content[: len(content) // 2],
        "cut header": content[:50],
        "header that lies": (2**40).to_bytes(8, "little") + content[8:],
        "header of rubbish": (20).to_bytes(8, "little") + b"{" + b"\x00" * 400,
        "cut zip": zipped[: len(zipped) // 2],
        "damaged zip": zipped[:200] + bytes(400) + zipped[600:],
        "json": json.dumps({"a": 1}).encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    torch.save([1, 2, 3], folder / "a list")
    torch.save({"epoch": 3, "names": ["a"]}, folder / "no tensors")
    (folder / "a folder").mkdir()
    names = [*files, "a list", "no tensors", "a folder", "missing"]
    return {name: folder / name for name in names}


def test_broken_files_give_one_line_each(weights: Weights, tmp_path: Path) -> None:
    for name, path in broken(weights, tmp_path).items():
        with pytest.raises(EncoderError) as caught:
            made(path)
        assert str(path) in one_line(caught), name


def test_a_scripted_network_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "scripted.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit itself
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(EncoderError) as caught:
        made(path)
    assert str(path) in one_line(caught)


def test_weights_of_another_network_are_told_apart(
    tiny_timm: Callable[[str], Path], weights: Weights, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match="do not fit") as caught:
        made(tiny_timm("test_vit"))
    assert "missing" in one_line(caught)
    assert "unknown" in one_line(caught)


def test_missing_extra_and_misshapen_are_named(weights: Weights, tmp_path: Path) -> None:
    def refused(changed: Weights) -> str:
        save_file(changed, tmp_path / "changed.safetensors")
        with pytest.raises(EncoderError, match="do not fit") as caught:
            made(tmp_path / "changed.safetensors")
        return one_line(caught)

    kept = without_classifier(weights)
    first = sorted(name for name in kept if name.endswith("weight"))[0]
    assert f"1 missing ({first})" in refused({n: t for n, t in kept.items() if n != first})
    assert "1 unknown (novel.weight)" in refused({**kept, "novel.weight": torch.ones(2)})
    assert f"{first} is (2,), not" in refused({**kept, first: torch.ones(2)})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02"]), st.booleans())
def test_rubbish_never_gets_past(tmp_path: Path, noise: bytes, head: bytes, safe: bool) -> None:
    path = tmp_path / "rubbish"
    start = len(noise).to_bytes(8, "little") + b"{" if safe else head
    path.write_bytes(start + noise)
    with pytest.raises(EncoderError) as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)


def test_prefixes_are_taken_off_only_where_nothing_fits() -> None:
    inner = {"model.weight": torch.ones(1)}
    assert renamed(inner, {"model.weight"}) == inner
    assert set(renamed(inner, {"weight"})) == {"weight"}
    assert set(renamed({"module.model.weight": torch.ones(1)}, {"weight"})) == {"weight"}


def test_half_precision_files_are_brought_to_fp32(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    half = {name: tensor.to(torch.float16) for name, tensor in module.state_dict().items()}
    fit_weights(module, half, tmp_path)
    assert module.weight.dtype == torch.float32
    assert torch.equal(module.weight, half["weight"].float())
