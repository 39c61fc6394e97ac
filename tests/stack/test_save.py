"""Pictures of stacks: saved with their depth, whole or not at all."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from seeing.errors import ShapeError, UsageError
from seeing.media.read import read
from seeing.stack.save import check_free, save_picture

SmallFiles = Callable[[int], AbstractContextManager[None]]


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.fits", "a.jpg"])
def test_stacks_are_saved_with_their_depth(tmp_path: Path, name: str, planes: int) -> None:
    random = np.random.default_rng(1)
    smooth = np.linspace(-1, 260, 40 * 30 * planes).reshape(30, 40, planes)
    picture = (smooth + random.normal(0, 0.01, smooth.shape)).astype(np.float32)
    path = tmp_path / name
    begin = np.datetime64("2026-03-20T21:00:00.5")
    history = ["mean of 3 of 9 frames", "a long line " * 12, "Jupiter \N{EM DASH} \N{BULLET}"]
    cut = save_picture(picture, path, white=255, history=history, begin=begin, end=begin)
    again = read(path)
    assert (again.height, again.width, again.channels) == (30, 40, planes)
    if name == "a.fits":
        assert cut == 0
        np.testing.assert_array_equal(again.samples, picture)
        header = fits.getheader(path)
        assert header["DATE-OBS"] == "2026-03-20T21:00:00.500000"
        assert (header["ROWORDER"], header["BUNIT"]) == ("BOTTOM-UP", "adu")
        assert "mean of 3 of 9 frames" in str(header["HISTORY"])
        return
    assert cut == pytest.approx(6 / 261, abs=0.004)
    shown = again.pixels().reshape(picture.shape)
    expected = np.clip(picture / 255, 0, 1)
    if name == "a.jpg":
        assert float(np.abs(shown - expected).mean()) < 0.05
        return
    assert again.depth == 16
    np.testing.assert_allclose(shown, expected, atol=0.51 / 65535)
    save_picture(picture, tmp_path / "flat.png", white=255, flat=True)
    assert read(tmp_path / "flat.png").depth == 8


def test_pictures_that_can_not_be_saved(tmp_path: Path, small_files: SmallFiles) -> None:
    picture = np.zeros((64, 64), np.float32)
    for name in ("a", "a.gif", "no such folder/a.png"):
        with pytest.raises(UsageError):
            save_picture(picture, tmp_path / name, white=255)
    with pytest.raises(ShapeError):
        save_picture(np.zeros((4, 4, 2)), tmp_path / "a.png", white=255)
    for name in ("a.png", "a.tif", "a.fits", "a.jpg"):
        path = tmp_path / name
        path.write_bytes(b"what was here")
        with pytest.raises(UsageError, match="--force"):
            save_picture(picture, path, white=255)
        with small_files(30), pytest.raises(UsageError, match="can't be written"):
            save_picture(picture, path, white=255, force=True)
        assert path.read_bytes() == b"what was here"
        save_picture(picture, path, white=255, force=True)
        assert read(path).width == 64
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.fits", "a.jpg", "a.png", "a.tif"]
    with pytest.raises(UsageError, match="folder"):
        check_free(tmp_path, force=True)
