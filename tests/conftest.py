"""What several tests share: where the real pictures and weights lie."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from at_terminal import Person
from numpy.typing import NDArray
from PIL import Image

from seeing.embed.encoder import Encoder, EncoderOptions
from seeing.embed.table import make_encoder
from seeing.media.picture import Picture
from seeing.networks.torch_ready import ensure_torchvision

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def seeing_data() -> Path:
    """The folder with `data/` and `weights/`: $SEEING_DATA, else `shared` beside the checkout."""
    named = os.environ.get("SEEING_DATA")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"needs real pictures: no data/ in {folder}; set SEEING_DATA")
    return folder


Draw = Callable[..., Path]


def draw_picture(path: Path, seed: int, *, width: int = 32, height: int = 24) -> Path:
    """Write a PNG of soft coloured blotches, another for each seed; return its path."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture(scope="session")
def draw() -> Draw:
    """draw(path, seed, width=32, height=24) writes a small PNG of its own look and returns it."""
    return draw_picture


COUNTING = '''
"""An encoder that a stranger brings: `thumbnail`, counting what it encodes."""

from seeing.embed.thumbnail import ThumbnailEncoder

encoded = 0


class Counting(ThumbnailEncoder):
    def __init__(self, name):
        super().__init__()
        self.name, self.identity = name, name + "@1"

    def encode(self, prepared):
        global encoded
        encoded += len(prepared)
        return super().encode(prepared)


def make(name, options):
    return Counting(name)
'''


@pytest.fixture
def counting(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """A stranger's package with an encoder `counting`; its `encoded` says how many it encoded."""
    site = tmp_path_factory.mktemp("site")
    (site / "counting_encoder.py").write_text(COUNTING)
    about = site / "counting_encoder-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counting-encoder\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[seeing.encoders]\ncounting = counting_encoder:make\n")
    monkeypatch.syspath_prepend(site)
    yield importlib.import_module("counting_encoder")
    sys.modules.pop("counting_encoder", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a hub, unless asked for by name: pytest -m live."""
    if "live" in config.getoption("markexpr"):
        return
    live = [item for item in items if item.get_closest_marker("live")]
    if live:
        config.hook.pytest_deselected(items=live)
        items[:] = [item for item in items if item not in live]


MOBILENET = "timm:mobilenetv2_100"
TINY_CLIP: dict[str, dict[str, Any]] = {
    "model_cfg": {
        "embed_dim": 32,
        "vision_cfg": {
            "image_size": 64,
            "layers": 2,
            "width": 64,
            "patch_size": 8,
            "head_width": 32,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 2,
        },
    },
    "preprocess_cfg": {
        "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}


def drawn(seed: int, height: int = 180, width: int = 240) -> Picture:
    """A picture of 8 bits with a sky, discs and stripes; another one for each seed."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    canvas = rng.uniform(20, 120, 3) + rng.uniform(0, 100, 3) * (rows / height)[..., None]
    for _ in range(6):
        y, x, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(5, height / 3)
        canvas[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = rng.uniform(0, 255, 3)
    canvas += 20 * np.sin(columns * rng.uniform(0.1, 1.0))[..., None]
    canvas += rng.normal(0, 4, canvas.shape)
    return Picture(np.clip(canvas, 0, 255).astype(np.uint8), full_scale=255.0, depth=8)


@pytest.fixture(scope="session")
def pictures() -> list[Picture]:
    """Thirty-two pictures of 8 bits."""
    return [drawn(seed) for seed in range(32)]


@pytest.fixture(scope="session")
def tiny_timm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a weights file with random numbers for one of timm's networks made for tests."""
    folder = tmp_path_factory.mktemp("timm")

    @cache
    def weights_of(architecture: str) -> Path:
        ensure_torchvision()
        import timm
        import torch
        from safetensors.torch import save_file

        torch.manual_seed(7)
        path = folder / f"{architecture}.safetensors"
        save_file(lively(timm.create_model(architecture), 160).state_dict(), path)
        return path

    return weights_of


@pytest.fixture(scope="session")
def tiny_torchvision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with random weights of torchvision's mnasnet0_5."""
    ensure_torchvision()
    import torch
    from safetensors.torch import save_file
    from torchvision import models

    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("torchvision") / "mnasnet.safetensors"
    save_file(lively(models.mnasnet0_5(weights=None), 224).state_dict(), path)
    return path


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a very small CLIP, as open_clip keeps them, and random weights."""
    ensure_torchvision()
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip") / "tiny-clip"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps(TINY_CLIP))
    torch.manual_seed(7)
    network = CLIP(**TINY_CLIP["model_cfg"])
    save_file(dict(network.state_dict()), folder / "open_clip_model.safetensors")
    return folder


def lively(module: Any, side: int) -> Any:
    """Give the batch norms of a fresh network the statistics of noise, as training would."""
    import torch

    norms = [one for one in module.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        for tensor in module.parameters():
            if tensor.ndim > 1 and norms:
                torch.nn.init.kaiming_normal_(tensor)
        module.train()(torch.randn(8, 3, side, side))
    return module.eval()


@pytest.fixture(scope="session")
def mobilenet_weights(seeing_data: Path) -> Path:
    """Real weights of MobileNetV2 (see weights/README.md beside them)."""
    path = seeing_data / "weights" / "mobilenetv2_100_imagenet.safetensors"
    if not path.is_file():
        pytest.skip(f"needs real weights: no {path}")
    return path


@pytest.fixture(scope="session")
def mobilenet(mobilenet_weights: Path) -> Encoder:
    return make_encoder(MOBILENET, EncoderOptions(weights=mobilenet_weights, device="cpu"))


@pytest.fixture(scope="session")
def write_ser() -> Callable[..., Path]:
    """Write frames as SER: write_ser(path, frames, pattern=None, depth=None, times=None)."""
    from seeing.video.ser_write import SerWriter, make_header, to_ticks

    def write(
        path: Path,
        frames: NDArray[Any],
        *,
        pattern: Any = None,
        depth: int | None = None,
        times: NDArray[np.datetime64] | None = None,
    ) -> Path:
        height, width = frames.shape[1:3]
        header = make_header(
            width, height, planes=3 if frames.ndim == 4 else 1, pattern=pattern,
            depth=depth or 8 * frames.dtype.itemsize,
        )  # fmt: skip
        with SerWriter(path, header) as writer:
            writer.write(frames, None if times is None else to_ticks(times))
        return path

    return write


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Callable[..., Person]]:
    """sit("label", ..., columns=80, rows=24) starts `q` at a terminal, in the test's folder."""
    there: list[Person] = []

    def start(*arguments: str, **how: Any) -> Person:
        there.append(Person(*arguments, **{"cwd": tmp_path, **how}))
        return there[-1]

    yield start
    for person in there:
        person.close()
