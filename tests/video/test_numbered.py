"""Folders of numbered pictures, those of PIPP and FireCapture among them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.open import open_video

Planet = Callable[..., NDArray[Any]]
Everything = Callable[..., NDArray[Any]]


def save(folder: Path, names: Sequence[str], frames: NDArray[Any]) -> Path:
    for name, frame in zip(names, frames, strict=True):
        Image.fromarray(frame).save(folder / name)
    return folder


def test_numbers_are_numbers_and_may_have_gaps(
    planet: Planet, tmp_path: Path, everything: Everything
) -> None:
    frames = planet(5)
    names = ["a10.png", "a2.png", "a1.png", "a0100.png", "a11.png"]
    order = [2, 1, 0, 4, 3]
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".a3.png").write_bytes(b"hidden")
    (tmp_path / "sub").mkdir()
    with open_video(save(tmp_path, names, frames)) as video:
        about = video.about
        assert (about.format, about.frames, about.width, about.height) == ("PNG", 5, 64, 48)
        assert (about.planes, about.depth, about.times, about.remarks) == (1, 8, None, [])
        np.testing.assert_array_equal(everything(video, size=2)[..., 0], frames[order])
        assert [video.origin(at).path.name for at in range(5)] == [names[at] for at in order]
        assert video.origin(0).frame is None
        assert video.path == tmp_path


def test_a_list_of_pictures(planet: Planet, tmp_path: Path, everything: Everything) -> None:
    frames = planet(3)
    save(tmp_path, ["b3.png", "b1.png", "b2.png"], frames)
    with open_video([tmp_path / "b3.png", tmp_path / "b1.png"]) as video:
        np.testing.assert_array_equal(everything(video)[..., 0], frames[[1, 0]])


def test_colours_and_sixteen_bits(planet: Planet, tmp_path: Path, everything: Everything) -> None:
    deep = planet(3, depth=16)
    colours = np.stack([deep, deep // 2, deep // 3], axis=-1)
    for at in range(3):
        tifffile.imwrite(tmp_path / f"{at}.tif", colours[at], photometric="rgb")
    with open_video(tmp_path, Overrides(depth=14)) as video:
        assert (video.about.planes, video.about.depth, video.about.full_scale) == (3, 14, 16383)
        np.testing.assert_array_equal(everything(video), colours)


def test_single_fits_with_a_mosaic(planet: Planet, tmp_path: Path, everything: Everything) -> None:
    frames = planet(3, depth=16)
    for at, frame in enumerate(frames):
        unit = fits.PrimaryHDU(frame)
        unit.header["BAYERPAT"] = "RGGB"
        unit.writeto(tmp_path / f"{at}.fits")
    with open_video(tmp_path) as video:
        assert video.about.pattern == "GBRG"  # 48 rows, turned
        np.testing.assert_array_equal(everything(video)[..., 0], frames[:, ::-1])
    with open_video(tmp_path, Overrides(bayer="none")) as video:
        assert video.about.pattern is None


def test_another_size_is_refused_by_name(planet: Planet, tmp_path: Path) -> None:
    frames = planet(20)
    save(tmp_path, [f"{at}.png" for at in range(20)], frames)
    Image.fromarray(frames[7][:40]).save(tmp_path / "7.png")
    with pytest.raises(PictureError) as caught, open_video(tmp_path) as video:
        list(video.batches())
    assert str(caught.value) == (
        "7.png has 64 x 40, 1 channels of 8 bits, the first picture 64 x 48, 1 channels of 8 bits"
    )
    Image.fromarray(np.stack([frames[7]] * 3, axis=-1)).save(tmp_path / "7.png")
    named = pytest.raises(PictureError, match=r"7.png has 64 x 48, 3 channels")
    with named, open_video(tmp_path) as video:
        list(video.batches())


def test_what_cannot_be_decoded_is_left_out_by_name(planet: Planet, tmp_path: Path) -> None:
    save(tmp_path, [f"{at}.png" for at in range(5)], planet(5))
    (tmp_path / "0.png").write_bytes(b"rubbish")
    (tmp_path / "3.png").write_bytes((tmp_path / "3.png").read_bytes()[:100])
    with open_video(tmp_path) as video:
        found = np.concatenate([some for some, _ in video.batches()])
        assert found.tolist() == [1, 2, 4]
        assert [remark.partition(" ")[0] for remark in video.about.remarks] == ["0.png", "3.png"]


def test_folders_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no pictures in this folder"):
        open_video(tmp_path)
    (tmp_path / "a.png").write_bytes(b"rubbish")
    with pytest.raises(PictureError, match=r"a.png: not a picture"):
        open_video(tmp_path)
    with pytest.raises(PictureError, match="no such file"):
        open_video(tmp_path / "none")


def test_a_picture_that_vanishes(planet: Planet, tmp_path: Path) -> None:
    save(tmp_path, [f"{at}.png" for at in range(5)], planet(5))
    with open_video(tmp_path) as video:
        (tmp_path / "3.png").unlink()
        with pytest.raises(PictureError, match=r"3.png: it has gone"):
            list(video.batches())


def test_pipp_names_give_back_the_order(
    planet: Planet, tmp_path: Path, everything: Everything
) -> None:
    """As in the seed's README: rank, capture, frame, per cent; the best has no decimals."""
    frames = planet(4)
    capture = "2022-11-19-1852_7-T-RGB-Mars"
    names = [
        f"00000_{capture}_f03713_quality_100%.png", f"00001_{capture}_f00012_quality_99.89%.png",
        f"00002_{capture}_f51206_quality_7.5%.png", f"00003_{capture}_f00002_quality_0.01%.png",
    ]  # fmt: skip
    with open_video(save(tmp_path, names, frames)) as video:
        np.testing.assert_array_equal(everything(video)[..., 0], frames[[3, 1, 0, 2]])
        header = video.about.header
        assert header["pipp"] == [0.01, 99.89, 100.0, 7.5]
        assert header["frame_numbers"] == [2, 12, 3713, 51206]
        assert header["capture"] == capture
        assert video.about.times is None  # the capture's time is not a frame's
        assert "PIPP" in video.about.remarks[0]


def test_one_name_that_is_not_pipps(planet: Planet, tmp_path: Path) -> None:
    names = ["00000_x_f3_quality_100%.png", "00001_x_f2_quality_99%.png", "stack.png"]
    with open_video(save(tmp_path, names, planet(3))) as video:
        assert "pipp" not in video.about.header


def test_times_in_names(planet: Planet, tmp_path: Path) -> None:
    names = [
        f"2022-11-19-18{minute}_{tenth}-Mars.png" for minute, tenth in ((52, 7), (53, 0), (9, 1))
    ]
    names[2] = "2022-11-19-190009-Mars.png"
    with open_video(save(tmp_path, names, planet(3))) as video:
        assert video.about.times is not None
        assert video.about.times.astype("datetime64[s]").astype(str).tolist() == [
            "2022-11-19T18:52:42", "2022-11-19T18:53:00", "2022-11-19T19:00:09"
        ]  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        ["2022-11-19-1852_7-1.png", "2022-11-19-1852_7-2.png"],
        ["2022-11-19-1852_7-1.png", "b.png"],
        ["2022-13-19-1852_7-1.png", "2022-11-19-1852_7-2.png"],
        ["2022-11-19-185261-1.png", "2022-11-19-1852_7-2.png"],
    ],
)
def test_times_that_are_none(planet: Planet, tmp_path: Path, names: list[str]) -> None:
    with open_video(save(tmp_path, names, planet(2))) as video:
        assert video.about.times is None


def test_real_frames_of_jupiter(planets: Path) -> None:
    with open_video(planets / "jupiter_jpg") as video:
        about = video.about
        assert (about.frames, about.width, about.height, about.planes) == (250, 800, 600, 3)
        numbers, samples = next(iter(video.batches([0, 9, 249], size=3)))
        assert numbers.tolist() == [0, 9, 249]
        assert samples.dtype == np.uint8
        assert video.origin(9).path.name == "jupiter_0010.jpg"
        expected = np.asarray(Image.open(planets / "jupiter_jpg" / "jupiter_0250.jpg"))
        np.testing.assert_array_equal(samples[2], expected)
