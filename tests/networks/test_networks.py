"""Networks: their vectors, device, arithmetic and identity, and what making one costs."""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from seeing.embed.encoder import Encoder, EncoderOptions
from seeing.embed.table import make_encoder
from seeing.errors import EncoderError
from seeing.media.picture import Picture
from seeing.media.read import read
from seeing.networks.fit import Fit
from seeing.networks.network import Network, choose_device
from seeing.networks.torch_ready import ensure_torchvision, quiet

ensure_torchvision()


# --- MobileNet, against timm itself ---------------------------------------------------------------


def test_mobilenet_agrees_with_timm_itself(
    mobilenet: Encoder, mobilenet_weights: Path, seeing_data: Path
) -> None:
    """Golden: timm's own network and transform, unfolded, one picture at a time; timm 1.0.31."""
    import timm
    from PIL import Image
    from safetensors.torch import load_file
    from timm.data import create_transform, resolve_model_data_config

    network = timm.create_model("mobilenetv2_100")
    network.load_state_dict(load_file(mobilenet_weights))
    network.reset_classifier(0)
    network.eval()
    transform = create_transform(**resolve_model_data_config(network))
    for path in sorted((seeing_data / "data" / "photos").glob("*.jpg"))[:6]:
        with Image.open(path) as image, torch.inference_mode():
            theirs = network(transform(image.convert("RGB"))[None]).numpy()[0]
        ours = mobilenet.encode([mobilenet.prepare(read(path))])[0]
        cosine = float(ours @ theirs / np.linalg.norm(theirs))
        # Not 1: some values of the resized picture round the other way (see test_fit).
        assert cosine > 0.9999, f"{path.name}: {cosine:.6f}"


def test_mobilenet_sees_what_is_alike(mobilenet: Encoder, seeing_data: Path) -> None:
    """kodim23 (parrots) turned around is nearer to itself than to any other photo."""
    photos = [read(path) for path in sorted((seeing_data / "data" / "photos").glob("*.jpg"))]
    mirrored = [
        Picture(one.samples[:, ::-1].astype(np.uint8), one.full_scale, one.depth) for one in photos
    ]
    ours = mobilenet.encode([mobilenet.prepare(one) for one in photos])
    theirs = mobilenet.encode([mobilenet.prepare(one) for one in mirrored])
    assert (np.argmax(ours @ theirs.T, axis=1) == np.arange(len(photos))).all()


def test_nearest_stay_among_near_ties_when_decoded_smaller(
    mobilenet: Encoder, seeing_data: Path, tmp_path: Path
) -> None:
    """Mosaics of four photos, 1024 pixels a side: large enough for a reduced decode."""
    from PIL import Image

    rng = np.random.default_rng(5)
    paths = sorted((seeing_data / "data" / "photo-defects" / "biq2021").glob("*.jpg"))
    tiles = [Image.open(path).convert("RGB") for path in paths]
    mosaics = []
    for number in range(40):
        mosaic = Image.new("RGB", (1024, 1024))
        for place, tile in enumerate(rng.choice(len(tiles), 4, replace=False)):
            mosaic.paste(tiles[tile].resize((512, 512)), (place % 2 * 512, place // 2 * 512))
        mosaics.append(tmp_path / f"{number}.jpg")
        mosaic.save(mosaics[-1], quality=92)
    full = mobilenet.encode([mobilenet.prepare(read(path)) for path in mosaics])
    small = [read(path, at_least=mobilenet.reads_at) for path in mosaics]
    assert all(picture.width == 512 for picture in small)
    reduced = mobilenet.encode([mobilenet.prepare(picture) for picture in small])
    truth = full @ full.T - 2 * np.eye(len(full))
    found = reduced @ reduced.T - 2 * np.eye(len(full))
    lost, shared = [], []
    for right, ours in zip(truth, found, strict=True):
        best, nearest = np.argsort(right)[-10:], np.argsort(ours)[-10:]
        lost.append(right[best].min() - right[nearest].min())
        shared.append(len({*best} & {*nearest}) / 10)
    told = f"{np.mean(shared):.3f} shared; similarity lost {np.mean(lost):.4f}, {max(lost):.4f}"
    assert (full * reduced).sum(axis=1).min() > 0.995
    assert np.mean(shared) > 0.9, told
    # Near ties: similarities of any two mosaics lie 0.1 apart.
    assert np.mean(lost) < 0.003, told
    assert max(lost) < 0.02, told


# --- torchvision's classifiers --------------------------------------------------------------------


SMALL_CLASSIFIERS = {
    "squeezenet1_1": 512,
    "shufflenet_v2_x0_5": 1024,
    "mobilenet_v3_small": 1024,
    "mnasnet0_5": 1280,
    "regnet_y_400mf": 440,
    "efficientnet_b0": 1280,
    "resnet18": 512,
    "densenet121": 1024,
    "googlenet": 1024,
}


@pytest.mark.parametrize(("name", "dimension"), SMALL_CLASSIFIERS.items())
def test_torchvisions_classifiers_lose_their_last_layer(
    tmp_path: Path, name: str, dimension: int
) -> None:
    from torchvision import models

    with quiet():
        module = models.get_model(name, weights=None)
    torch.save(module.state_dict(), tmp_path / "weights.pth")
    options = EncoderOptions(tmp_path / "weights.pth", device="cpu")
    encoder = make_encoder(f"torchvision:{name}", options)
    assert encoder.dimension == dimension
    assert encoder.encode([np.zeros((*encoder.network.fit.size, 3), np.uint8)]).shape == (  # type: ignore[attr-defined]
        1,
        dimension,
    )


def test_torchvisions_googlenet_scales_its_input_as_when_trained(tmp_path: Path) -> None:
    from torchvision import models

    with quiet():
        module = models.googlenet(weights=None, init_weights=False)
    torch.save(module.state_dict(), tmp_path / "weights.pth")
    encoder: Any = make_encoder("torchvision:googlenet", EncoderOptions(tmp_path / "weights.pth"))
    assert encoder.network.module.transform_input


# --- device, arithmetic, identity -----------------------------------------------------------------


def test_devices_by_name() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device(None) in {"cuda", "mps", "cpu"}
    for name in ("cuda:99", "gpu", "", "cpu:1", "CPU"):
        with pytest.raises(EncoderError, match=r"there is .*cpu") as caught:
            choose_device(name)
        assert "\n" not in str(caught.value)


def test_a_network_without_one_vector_is_refused() -> None:
    with pytest.raises(EncoderError, match="3-d features"):
        Network(nn.Conv2d(3, 4, 3), Fit((32, 32), (32, 32)), device="cpu")


@pytest.mark.parametrize("arithmetic", ["auto", "bf16"])
def test_arithmetic_is_chosen_and_told(tiny_timm: Callable[[str], Path], arithmetic: Any) -> None:
    options = EncoderOptions(tiny_timm("test_resnet"), device="cpu", arithmetic=arithmetic)
    encoder: Any = make_encoder("timm:test_resnet", options)
    kind = next(encoder.network.module.parameters()).dtype
    assert encoder.card.arithmetic in {"fp32", "bf16"}
    assert (kind == torch.bfloat16) == (encoder.card.arithmetic == "bf16")
    assert arithmetic == "auto" or encoder.card.arithmetic == "bf16"


def test_identity_does_not_depend_on_device_or_path(
    tiny_timm: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tiny_timm("test_resnet")
    (tmp_path / "elsewhere").write_bytes(path.read_bytes())
    identities = {
        make_encoder("timm:test_resnet", EncoderOptions(weights, device=device)).identity
        for weights in (path, tmp_path / "elsewhere")
        for device in ("cpu", None)
    }
    assert len(identities) == 1


def test_identity_depends_on_preparation(tiny_timm: Callable[[str], Path]) -> None:
    from seeing.embed.encoder import identify

    encoder = make_encoder("timm:test_resnet", EncoderOptions(tiny_timm("test_resnet")))
    told = encoder.card.preparation
    same = identify(encoder.name, weights=encoder.card.weights_digest, preparation=told)
    other = {**told, "size": [224, 224]}
    changed = identify(encoder.name, weights=encoder.card.weights_digest, preparation=other)
    assert same == encoder.identity != changed


# --- what making one costs and leaves behind ------------------------------------------------------


def test_quiet_leaves_no_trace() -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers), list(warnings.filters)
    with quiet():
        warnings.warn("noise", stacklevel=1)
        logging.getLogger("timm").warning("noise")
        root.addHandler(logging.NullHandler())
    assert (root.level, root.handlers, warnings.filters) == before


BARE = """
import sys
from seeing.networks.torch_ready import ensure_torchvision
ensure_torchvision()
import timm
from safetensors.torch import load_file
network = timm.create_model("mobilenetv2_100")
network.load_state_dict(load_file(sys.argv[1]))
"""
OURS = """
import sys
from pathlib import Path
from seeing.embed.encoder import EncoderOptions
from seeing.embed.table import make_encoder
make_encoder("timm:mobilenetv2_100", EncoderOptions(Path(sys.argv[1]), device="cpu"))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="measures processor time the Unix way")
def test_making_an_encoder_costs_little_more_than_timm_itself(mobilenet_weights: Path) -> None:
    """Processor time, so that other work on the machine does not count; the best of three."""
    import resource

    def seconds(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", code, str(mobilenet_weights)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    bare = min(seconds(BARE) for _ in range(3))
    ours = min(seconds(OURS) for _ in range(3))
    assert ours < 1.3 * bare, f"{ours:.2f} s against {bare:.2f} s"
