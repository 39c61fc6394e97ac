"""Checksums of frames: against plain integers, and no two alike."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.video.mark import marks

_WHOLE = 2**64


def splitmix(number: int) -> int:
    """Steele, Lea & Flood 2014, in Python's own integers."""
    z = number * 0x9E3779B97F4A7C15 % _WHOLE
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % _WHOLE
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % _WHOLE
    return z ^ (z >> 31)


def direct(content: bytes) -> int:
    content += bytes(-len(content) % 8)
    total = 0
    for place in range(0, len(content), 8):
        word = int.from_bytes(content[place : place + 8], "little")
        total += (splitmix(place // 8 + 1) | 1) * (word ^ (word >> 29))
    return total % _WHOLE


@pytest.mark.parametrize("shape", [(8, 8, 1), (5, 7, 1), (3, 3, 3), (1, 1, 1)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_marks_are_those_of_plain_integers(shape: tuple[int, ...], kind: type) -> None:
    frames: NDArray[Any] = np.random.default_rng(0).integers(0, 255, (4, *shape)).astype(kind)
    assert marks(frames).tolist() == [direct(frame.tobytes()) for frame in frames]


def test_one_pixel_is_seen_whatever_its_place_and_bit() -> None:
    frames = np.zeros((64 * 8 + 1, 8, 8), np.uint8)
    for number in range(64 * 8):
        frames[number].flat[number // 8] = 1 << number % 8
    assert len(set(marks(frames).tolist())) == len(frames)


def test_two_highest_bits_do_not_cancel() -> None:
    frames = np.zeros((29, 8, 8), np.uint8)
    for number, (one, other) in enumerate((i, j) for i in range(8) for j in range(i)):
        frames[number].flat[[8 * one + 7, 8 * other + 7]] = 128
    assert len(set(marks(frames).tolist())) == len(frames)


def test_views_and_batches_change_nothing() -> None:
    frames = np.random.default_rng(1).integers(0, 255, (9, 16, 12, 3), np.uint8)
    backwards = frames[..., ::-1]
    assert np.array_equal(marks(backwards), marks(backwards.copy()))
    alone = [int(marks(frame[None])[0]) for frame in frames]
    assert marks(frames).tolist() == alone
