"""Videos that grow, shrink or vanish while they are read, and disks that fill up."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seeing.errors import PictureError, UsageError
from seeing.video.open import open_video
from seeing.video.ser_write import SerWriter, make_header

SIDE = 64


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.ser"
    frames = np.arange(200 * SIDE * SIDE, dtype=np.uint32).reshape(200, SIDE, SIDE)
    with SerWriter(path, make_header(SIDE, SIDE)) as writer:
        writer.write((frames * 7919 >> 5).astype(np.uint8))
    return path


def test_a_video_that_grows_is_read_at_its_length_at_opening(video: Path) -> None:
    with open_video(video) as opened, video.open("ab") as more:
        count = 0
        for some, _ in opened.batches():
            more.write(bytes(SIDE * SIDE * 64))
            more.flush()
            count += len(some)
        assert count == len(opened) == 200


def test_a_video_that_shrinks_is_one_line_and_no_crash(video: Path) -> None:
    with open_video(video) as opened:
        batches = opened.batches(size=16)
        next(batches)
        os.truncate(video, 178 + 40 * SIDE * SIDE)
        with pytest.raises(PictureError, match="has become shorter while it was read"):
            list(batches)
        assert opened.frame(39).shape == (SIDE, SIDE, 1)  # what is still there can be read
        with pytest.raises(PictureError, match="shorter"):
            opened.frame(41)


def test_a_video_that_shrinks_does_not_end_the_process(video: Path) -> None:
    """A memory map would: SIGBUS, which no test of the same process could show."""
    program = """
import os, sys
from seeing.errors import PictureError
from seeing.video.open import open_video
video = open_video(sys.argv[1])
os.truncate(sys.argv[1], 5000)
try:
    sum(int(samples.sum()) for _, samples in video.batches())
except PictureError as problem:
    print(problem)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, video], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    assert "shorter" in done.stdout


def test_a_video_that_vanishes_is_read_to_its_end(video: Path) -> None:
    """What is open stays until it is closed; on other systems it can't be removed meanwhile."""
    with open_video(video) as opened:
        video.unlink()
        assert sum(len(some) for some, _ in opened.batches()) == 200


def test_a_video_is_never_written_to(video: Path) -> None:
    video.chmod(0o444)
    before = video.read_bytes(), video.stat().st_mtime_ns
    with open_video(video) as opened:
        for _, samples in opened.batches():
            samples[...] = 0 if samples.flags.writeable else samples
    assert (video.read_bytes(), video.stat().st_mtime_ns) == before


def test_a_full_disk_leaves_nothing(tmp_path: Path, small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("1m").folder
    path = disk / "a.ser"
    path.write_bytes(b"what was here")
    full = pytest.raises(UsageError, match="can't be written: No space left")
    with full, SerWriter(path, make_header(512, 512)) as writer:
        for _ in range(20):
            writer.write(np.zeros((1, 512, 512), np.uint8))
    assert path.read_bytes() == b"what was here"
    assert [file.name for file in disk.iterdir()] == ["a.ser"]


def test_a_disk_that_fills_with_the_last_bytes(
    tmp_path: Path, small_disk: Callable[[str], Any]
) -> None:
    """The trailer comes last, and is what does not fit."""
    disk = small_disk("64k").folder
    full = pytest.raises(UsageError, match="can't be written")
    with full, SerWriter(disk / "a.ser", make_header(4, 4)) as writer:
        writer.write(np.zeros((3000, 4, 4), np.uint8), np.arange(3000))
    assert [file.name for file in disk.iterdir()] == []
