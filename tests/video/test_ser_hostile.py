"""SER files of random headers and lengths: never more than one line, or more memory than a file."""

import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.open import is_video
from seeing.video.ser import open_ser

INT32 = some.integers(-(2**31), 2**31 - 1)
SMALL = some.integers(-2, 12)
SIZE = SMALL | some.integers(1, 40) | INT32
TIME = some.integers(-(2**63), 2**63 - 1) | some.just(638_000_000_000_000_000)
FILE_ID = some.sampled_from([b"LUCAM-RECORDER", b"JSOLEX-TRIMMED"]) | some.binary(max_size=14)
KNOWN = some.builds(
    Overrides,
    bayer=some.sampled_from([None, "none", "RGGB", "CMY"]),
    depth=some.none() | some.integers(1, 16),
    endian=some.sampled_from([None, "little", "big"]),
    colours=some.sampled_from([None, "RGB", "BGR"]),
)
HEADER = some.tuples(
    FILE_ID, INT32, some.sampled_from([0, 8, 9, 10, 11, 16, 19, 100, 101, 1]) | INT32, INT32,
    SIZE, SIZE, some.integers(1, 16) | INT32, SMALL | INT32,
    some.binary(max_size=40), some.binary(max_size=40), some.binary(max_size=40), TIME, TIME,
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "a.ser"


def look(path: Path, known: Overrides) -> None:
    """Read all of a file; only PictureError may come, of one line."""
    try:
        with open_ser(path, known) as video:
            count = 0
            for numbers, samples in video.batches(size=7):
                count += len(numbers)
                assert samples.shape[1:] == (video.about.height, video.about.width,
                                             video.about.planes)  # fmt: skip
            assert count == len(video) > 0
            video.frame(len(video) - 1)
    except PictureError as problem:
        assert "\n" not in str(problem)
        assert str(problem)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(fields=HEADER, body=some.binary(max_size=3000), cut=some.none() | some.integers(0, 200),
       known=KNOWN)  # fmt: skip
def test_no_header_and_no_length_is_a_crash(
    path: Path, fields: Any, body: bytes, cut: int | None, known: Overrides
) -> None:
    content = (struct.pack("<14s7i40s40s40sqq", *fields) + body)[:cut]
    path.write_bytes(content)
    look(path, known)
    is_video(path)
    assert path.read_bytes() == content


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(length=some.integers(0, 178 + 6 * 200 + 6 * 8), count=some.integers(-1, 9))
def test_a_file_cut_anywhere(path: Path, length: int, count: int) -> None:
    frames = np.arange(6 * 200, dtype=np.uint32).astype(np.uint8)
    ticks = 638_000_000_000_000_000 + np.arange(6, dtype="<i8")
    head = struct.pack("<14s7i40s40s40sqq", b"LUCAM-RECORDER", 0, 0, 0, 20, 10, 8, count,
                       b"", b"", b"", 0, 0)  # fmt: skip
    path.write_bytes((head + frames.tobytes() + ticks.tobytes())[:length])
    look(path, Overrides())


@pytest.mark.parametrize(
    ("width", "height", "depth", "frames"),
    [
        (2**31 - 1, 2**31 - 1, 16, 2**31 - 1),
        (60_000, 60_000, 8, 1),
        (1, 1, 8, 2**31 - 1),
        (1, 1, 16, 0),
        (100, 100, 8, 0),
        (1000, 1000, 8, 1),
        (2**31 - 1, 1, 8, 10),
    ],
)
def test_no_header_asks_for_more_memory_than_the_file_has(
    path: Path, width: int, height: int, depth: int, frames: int
) -> None:
    """To judge it, 1024 x 1024 pixels are looked at as floats, in 23 MB; no more than that."""
    size = 1_000_000
    head = struct.pack("<14s7i40s40s40sqq", b"LUCAM-RECORDER", 0, 0, 0, width, height, depth,
                       frames, b"", b"", b"", 0, 0)  # fmt: skip
    path.write_bytes(head + np.random.default_rng(1).bytes(size))
    with suppress(PictureError):
        open_ser(path, Overrides()).close()  # what is imported and cached is not counted
    tracemalloc.start()
    with suppress(PictureError), open_ser(path, Overrides()) as video:
        next(iter(video.batches()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * size + 24_000_000, peak


def test_nothing_that_is_no_file_is_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.ser"):
        with pytest.raises(PictureError):
            open_ser(path, Overrides())
        assert not is_video(path)
