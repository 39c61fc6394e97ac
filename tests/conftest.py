"""What several tests share: where the real pictures and weights lie."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

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
