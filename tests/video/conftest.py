"""What the tests of videos share: planets to look at, and SER files written by hand."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Bytes = Callable[..., bytes]
Planet = Callable[..., NDArray[Any]]


def planet_frames(
    count: int = 6,
    height: int = 48,
    width: int = 64,
    *,
    depth: int = 8,
    electrons: float = 2000,
    seed: int = 0,
) -> NDArray[Any]:
    """A shaded disc with belts that drifts, with shot noise: (n, h, w), uint8 or uint16."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    frames = []
    for at in range(count):
        y, x = height / 2 + 0.3 * at, width / 2 - 0.4 * at
        radius = min(height, width) / 3
        inside = np.clip(1 - ((rows - y) ** 2 + (columns - x) ** 2) / radius**2, 0, None)
        light = np.sqrt(inside) * (0.8 + 0.2 * np.sin((rows - y) / 3))
        frames.append(random.poisson(light * electrons + 4) / (1.15 * electrons))
    scaled = np.clip(np.array(frames), 0, 1) * (2**depth - 1)
    rounded: NDArray[Any] = scaled.round().astype(np.uint8 if depth <= 8 else np.uint16)
    return rounded


def written_ser(
    frames: NDArray[Any], *, ticks: Sequence[int] | NDArray[Any] = (), **fields: Any
) -> bytes:
    """The bytes of a SER file; fields are those of the header, by what they say by themselves.

    frames: (n, h, w) or (n, h, w, 3), stored as they are.
    """
    count, height, width = frames.shape[:3]
    told = {
        "file_id": b"LUCAM-RECORDER", "camera": 0, "color": 100 * (frames.ndim == 4),
        "endian": 0, "width": width, "height": height, "depth": 8 * frames.dtype.itemsize,
        "counted": count, "observer": b"", "instrument": b"", "telescope": b"",
        "local": 0, "utc": 0,
    }  # fmt: skip
    assert fields.keys() <= told.keys()
    head = struct.pack("<14s7i40s40s40sqq", *(told | fields).values())
    return head + frames.tobytes() + np.asarray(ticks, dtype="<i8").tobytes()


@pytest.fixture(scope="session")
def planet() -> Planet:
    return planet_frames


@pytest.fixture(scope="session")
def ser_bytes() -> Bytes:
    return written_ser


@pytest.fixture
def ser(tmp_path: Path) -> Callable[..., Path]:
    """Write a SER file: ser(frames, name="a.ser", ticks=..., and fields of the header)."""

    def write(frames: NDArray[Any], name: str = "a.ser", **fields: Any) -> Path:
        path = tmp_path / name
        path.write_bytes(written_ser(frames, **fields))
        return path

    return write


@pytest.fixture(scope="session")
def everything() -> Callable[..., NDArray[Any]]:
    """Read all frames of a video at once, and check their numbers."""

    def read(video: Any, numbers: Any = None, *, size: int = 64) -> NDArray[Any]:
        found, samples = [], []
        for some, frames in video.batches(numbers, size=size):
            assert some.dtype == np.int64
            assert 0 < len(some) == len(frames) <= size
            found += some.tolist()
            samples.append(frames.copy())
        expected = range(len(video)) if numbers is None else sorted(set(numbers))
        assert found == list(expected)
        return np.concatenate(samples)

    return read


@pytest.fixture(scope="session")
def planets(seeing_data: Path) -> Path:
    """The folder of real frames of planets."""
    return seeing_data / "data" / "planets"
