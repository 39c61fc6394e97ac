"""CUDA: the same vectors as on the CPU, to stated tolerances."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seeing.embed.encoder import Encoder, EncoderOptions, TextEncoder
from seeing.embed.table import make_encoder
from seeing.media.picture import Picture
from seeing.networks.network import choose_device

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device and a CUDA build of torch"
)
NAMES = ["timm:test_resnet", "timm:test_vit", "timm:test_convnext", "timm:mobilenetv2_100"]
FP32, BF16 = 1e-3, 0.06
"""Of an entry of a unit vector. fp32 differs by the order of sums alone (TF32 is off); bf16 keeps 8
bits and rounds at other places on a GPU: on the CPU it differs from fp32 by 0.05."""

Made = Callable[[str, str, str], Encoder]


@pytest.fixture
def made(request: pytest.FixtureRequest) -> Made:
    def make(name: str, device: str, arithmetic: str) -> Encoder:
        if name == "clip":
            folder = request.getfixturevalue("tiny_clip")
            options = EncoderOptions(device=device, arithmetic=arithmetic)  # type: ignore[arg-type]
            return make_encoder(f"clip:local-dir:{folder}", options)
        if name == "timm:mobilenetv2_100":
            weights: Path = request.getfixturevalue("mobilenet_weights")
        else:
            weights = request.getfixturevalue("tiny_timm")(name.partition(":")[2])
        options = EncoderOptions(weights, device, arithmetic)  # type: ignore[arg-type]
        return make_encoder(name, options)

    return make


def encoded(encoder: Encoder, pictures: list[Picture], batch: int = 32) -> np.ndarray:
    prepared = [encoder.prepare(picture) for picture in pictures]
    parts = [encoder.encode(prepared[at : at + batch]) for at in range(0, len(prepared), batch)]
    return np.concatenate(parts)


def test_cuda_is_chosen_where_it_is() -> None:
    assert choose_device(None) == "cuda"
    assert choose_device("cuda:0") == "cuda:0"


@pytest.mark.parametrize(("arithmetic", "tolerance"), [("fp32", FP32), ("bf16", BF16)])
@pytest.mark.parametrize("name", [*NAMES, "clip"])
def test_agrees_with_the_cpu(
    made: Made, pictures: list[Picture], name: str, arithmetic: str, tolerance: float
) -> None:
    here, there = made(name, "cpu", arithmetic), made(name, "cuda", arithmetic)
    assert here.identity == there.identity
    off = np.abs(encoded(here, pictures) - encoded(there, pictures)).max()
    assert off < tolerance, f"{off:.5f}"


@pytest.mark.parametrize("arithmetic", ["fp32", "bf16"])
@pytest.mark.parametrize("name", [*NAMES, "clip"])
def test_same_vector_whatever_the_batch(
    made: Made, pictures: list[Picture], name: str, arithmetic: str
) -> None:
    encoder = made(name, "cuda", arithmetic)
    alone = encoded(encoder, pictures, batch=1)
    for batch in (3, 8, 32):
        off = np.abs(encoded(encoder, pictures, batch) - alone).max()
        assert off < 1e-3, f"{off:.5f} in batches of {batch}"


def test_text_agrees_with_the_cpu(made: Made) -> None:
    here, there = made("clip", "cpu", "fp32"), made("clip", "cuda", "fp32")
    assert isinstance(here, TextEncoder)
    assert isinstance(there, TextEncoder)
    texts = ["a cat", "a spiral galaxy seen from above"]
    assert np.abs(here.encode_text(texts) - there.encode_text(texts)).max() < FP32


def test_batches_are_halved_when_memory_runs_out(made: Made, pictures: list[Picture]) -> None:
    encoder = made("timm:test_resnet", "cuda", "fp32")
    many = pictures * 4
    expected = encoded(encoder, many, batch=len(many))
    network = encoder.network  # type: ignore[attr-defined]
    network.chunk = len(many)
    torch.cuda.empty_cache()
    # Room for the weights and some pictures, but not for 128 with their copies (3 x 39 MB).
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**26) / total)
    try:
        found = encoded(encoder, many, batch=len(many))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert network.chunk < len(many)
    assert np.abs(found - expected).max() < FP32
