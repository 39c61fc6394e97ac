"""SER files that are written: read back equal, whole or not there at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import ShapeError, UsageError
from seeing.video.base import Overrides
from seeing.video.ser import open_ser
from seeing.video.ser_write import SerWriter, make_header, to_ticks

Planet = Callable[..., NDArray[Any]]
Write = Callable[..., Path]
Everything = Callable[..., NDArray[Any]]


@pytest.mark.parametrize("depth", [8, 12, 16])
@pytest.mark.parametrize("colours", [False, True])
def test_what_is_written_is_read(
    tmp_path: Path, planet: Planet, everything: Everything, depth: int, colours: bool
) -> None:
    frames = planet(9, depth=depth)
    if colours:
        frames = np.stack([frames, frames // 2, frames // 4], axis=-1)
    times = np.datetime64("2022-11-19T18:52", "ns") + np.arange(9) * np.timedelta64(20, "ms")
    path = tmp_path / "a.ser"
    ticks = to_ticks(times)
    header = make_header(
        64, 48, planes=3 if colours else 1, depth=depth, start=int(ticks[0]), texts=("A", "B", "C")
    )
    with SerWriter(path, header) as writer:
        for at in range(0, 9, 4):
            writer.write(frames[at : at + 4], ticks[at : at + 4])
        assert not path.exists()
    with open_ser(path, Overrides()) as video:
        about = video.about
        assert (len(video), about.depth, about.remarks) == (9, depth, [])
        found = everything(video)
        np.testing.assert_array_equal(found if colours else found[..., 0], frames)
        assert about.times is not None
        assert about.times.tolist() == times.tolist()
        assert [about.header[key] for key in ("Observer", "Instrument", "Telescope")] == [*"ABC"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.ser"]


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "GBRG", "BGGR", "CMY", None])
def test_patterns_are_written(tmp_path: Path, planet: Planet, pattern: Any) -> None:
    path = tmp_path / "a.ser"
    with SerWriter(path, make_header(64, 48, pattern=pattern)) as writer:
        writer.write(planet(2))
    with open_ser(path, Overrides()) as video:
        assert video.about.pattern == pattern


@pytest.mark.parametrize("kind", ["<u2", ">u2", "u1", "bgr"])
def test_an_exact_copy(ser: Write, planet: Planet, tmp_path: Path, kind: str) -> None:
    """All that the header holds, the byte order, the order of colours and the trailer."""
    frames = planet(5, depth=8 if kind in ("u1", "bgr") else 12)
    frames = np.stack([frames] * 3, axis=-1) if kind == "bgr" else frames.astype(kind)
    path = ser(
        frames, color=101 if kind == "bgr" else 0, endian=1, camera=77, observer=b"\xff\xfe",
        depth=8 if kind in ("u1", "bgr") else 12, utc=3, ticks=[5, 4, 3, 2, 1],
    )  # fmt: skip
    copy = tmp_path / "copy.ser"
    with open_ser(path, Overrides()) as video, SerWriter.like(copy, video) as writer:
        for some, samples in video.batches(size=2):
            writer.write(samples, video.ticks[some])
    assert copy.read_bytes() == path.read_bytes()


def test_a_cut_keeps_all_but_the_count(ser: Write, planet: Planet, tmp_path: Path) -> None:
    frames = planet(6)
    path = ser(frames, observer=b"fps=100")
    copy = tmp_path / "copy.ser"
    with open_ser(path, Overrides()) as video, SerWriter.like(copy, video) as writer:
        for _, samples in video.batches([1, 4]):
            writer.write(samples)
    before, after = path.read_bytes(), copy.read_bytes()
    assert after[178:] == frames[[1, 4]].tobytes()
    assert after[38:42] == (2).to_bytes(4, "little")
    assert after[:38] + after[42:178] == before[:38] + before[42:178]


def test_a_depth_that_lies_is_put_right(ser: Write, planet: Planet, tmp_path: Path) -> None:
    path = ser(planet(3, depth=12), depth=8)
    copied = tmp_path / "copy.ser"
    with open_ser(path, Overrides()) as video, SerWriter.like(copied, video) as writer:
        writer.write(video.frame(0)[None])
    with open_ser(copied, Overrides()) as copy:
        assert copy.header.depth == 16


def test_after_an_error_nothing_is_left(tmp_path: Path, planet: Planet) -> None:
    path = tmp_path / "a.ser"
    path.write_bytes(b"what was here")
    with pytest.raises(RuntimeError), SerWriter(path, make_header(64, 48)) as writer:
        writer.write(planet(2))
        raise RuntimeError
    assert path.read_bytes() == b"what was here"
    assert [file.name for file in tmp_path.iterdir()] == ["a.ser"]


@pytest.mark.parametrize(
    "frames",
    [np.zeros((1, 48, 65), np.uint8), np.zeros((1, 48, 64, 3), np.uint8),
     np.zeros((1, 48, 64), np.float32), np.zeros((48, 64), np.uint8)],
)  # fmt: skip
def test_other_frames_are_refused(tmp_path: Path, frames: NDArray[Any]) -> None:
    with pytest.raises(ShapeError), SerWriter(tmp_path / "a.ser", make_header(64, 48)) as writer:
        writer.write(frames)
    assert [file.name for file in tmp_path.iterdir()] == []


def test_times_for_all_or_for_none(tmp_path: Path, planet: Planet) -> None:
    for ticks in ([None, np.arange(2)], [np.arange(2), None], [np.arange(3)]):
        with (
            pytest.raises(ShapeError),
            SerWriter(tmp_path / "a.ser", make_header(64, 48)) as writer,
        ):
            for some in ticks:
                writer.write(planet(2), some)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="can't be written"),
        SerWriter(tmp_path / "no" / "a.ser", make_header(4, 4)),
    ):
        pass
