"""TIFF files of many pages, written by tifffile."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.open import is_video, open_video
from seeing.video.pages import open_pages

Planet = Callable[..., NDArray[Any]]
Everything = Callable[..., NDArray[Any]]


def looked(path: Path, everything: Everything, **known: Any) -> tuple[NDArray[Any], Any]:
    with open_pages(path, Overrides(**known)) as video:
        return everything(video, size=3), video.about


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64", "int16"])
@pytest.mark.parametrize(
    "options", [{}, {"bigtiff": True, "byteorder": ">"}, {"compression": "zlib"}]
)
def test_pages_are_frames(
    planet: Planet, tmp_path: Path, everything: Everything, kind: str, options: Any
) -> None:
    frames = planet(7, depth=8 if kind == "uint8" else 12).astype(kind)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", **options)
    found, about = looked(path, everything)
    whole = kind in ("uint8", "uint16")
    assert found.dtype == (kind if whole else np.float32)
    np.testing.assert_array_equal(found[..., 0], frames.astype(found.dtype))
    assert (about.format, about.planes, about.remarks) == ("TIFF", 1, [])
    assert about.full_scale == (2**about.depth - 1 if whole else frames.max())
    assert is_video(path)


def test_colours_and_their_alpha(planet: Planet, tmp_path: Path, everything: Everything) -> None:
    grey = planet(4, depth=16)
    frames = np.stack([grey, grey // 2, grey // 4, grey * 0], axis=-1)
    for channels, planar in ((3, "contig"), (4, "contig"), (3, "separate")):
        path = tmp_path / "a.tif"
        stored = frames[..., :channels]
        stored = np.moveaxis(stored, -1, 1) if planar == "separate" else stored
        tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar)
        found, about = looked(path, everything)
        np.testing.assert_array_equal(found, frames[..., :3])
        assert bool(about.remarks) == (channels == 4)


def test_white_may_be_zero(planet: Planet, tmp_path: Path, everything: Everything) -> None:
    frames = planet(3)
    tifffile.imwrite(tmp_path / "a.tif", 255 - frames, photometric="miniswhite")
    np.testing.assert_array_equal(looked(tmp_path / "a.tif", everything)[0][..., 0], frames)


def test_pages_of_another_size_are_left_out(
    planet: Planet, tmp_path: Path, everything: Everything
) -> None:
    frames = planet(4)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in frames:
            writer.write(frame, photometric="minisblack", contiguous=False)
            writer.write(frame[::4, ::4], photometric="minisblack", contiguous=False)
    found, about = looked(path, everything)
    np.testing.assert_array_equal(found[..., 0], frames)
    assert about.remarks == ["4 pages of another size or kind left out"]
    with open_video(path) as video:
        assert video.origin(3).frame == 6


def test_patterns_and_depth_are_given(
    planet: Planet, tmp_path: Path, everything: Everything
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planet(3, depth=12), photometric="minisblack")
    about = looked(path, everything, bayer="GRBG", depth=12)[1]
    assert (about.pattern, about.full_scale) == ("GRBG", 4095)


def test_one_page_is_a_picture(planet: Planet, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planet(1)[0])
    assert not is_video(path)
    with tifffile.TiffWriter(path) as writer:
        writer.write(planet(1)[0])
        writer.write(planet(1)[0][::4, ::4], subfiletype=1)
    assert not is_video(path)


def test_damage_is_at_most_one_line(planet: Planet, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planet(3, 8, 8), photometric="minisblack", compression="zlib")
    content = path.read_bytes()
    for at in range(0, len(content), 5):
        for broken in (content[:at], content[:at] + b"\xff" + content[at + 1 :]):
            path.write_bytes(broken)
            try:
                with open_video(path) as video:
                    list(video.batches())
            except PictureError as problem:
                assert "\n" not in str(problem)


def test_a_page_that_is_damaged_is_left_out(planet: Planet, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planet(5), photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as file:
        at, length = file.pages[2].dataoffsets[0], file.pages[2].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[at : at + length] = bytes(length)
    path.write_bytes(content)
    with open_video(path) as video:
        assert np.concatenate([some for some, _ in video.batches()]).tolist() == [0, 1, 3, 4]
        assert video.about.remarks == ["frame 2 can't be decoded; left out"]


def test_a_file_cut_while_it_is_open(planet: Planet, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planet(50), photometric="minisblack")
    with open_video(path) as video:
        os.truncate(path, 20_000)
        with pytest.raises(PictureError, match="shorter"):
            list(video.batches())
