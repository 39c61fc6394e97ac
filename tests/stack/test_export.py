"""Chosen frames handed over: bit by bit, in their order, whole or not at all."""

import csv
import io
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from seeing.errors import PictureError, SeeingError, UsageError
from seeing.media.read import read
from seeing.stack import export
from seeing.stack.export import (
    export_csv,
    export_files,
    export_pictures,
    export_selection,
    export_ser,
    export_siril,
)
from seeing.stack.siril import read_sequence
from seeing.video.base import Overrides
from seeing.video.open import open_video
from seeing.video.ser import Ser, open_ser
from seeing.video.ser_write import SerWriter, make_header

SmallFiles = Callable[[int], AbstractContextManager[None]]
TICKS = 637_000_000_000_000_000
TEXTS = ("Observer", "fps=100", "20 cm")


def noise(count: int = 12, *, kind: str = "u1", planes: int = 1, seed: int = 0) -> NDArray[Any]:
    dtype = np.dtype(kind)
    shape = (count, 20, 24, planes) if planes > 1 else (count, 20, 24)
    top = 256 if dtype.itemsize == 1 else 4096
    return np.random.default_rng(seed).integers(0, top, shape, dtype=dtype.newbyteorder("="))


def written(path: Path, frames: NDArray[Any], *, first: int = 0, **about: Any) -> Path:
    planes: Any = 3 if frames.ndim == 4 else 1
    depth = 8 if frames.dtype == np.uint8 else 12
    header = make_header(24, 20, planes=planes, depth=depth, start=TICKS, texts=TEXTS, **about)
    with SerWriter(path, header) as writer:
        writer.write(frames, TICKS + 100_000 * (first + np.arange(len(frames))))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- SER ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "planes", "pattern"),
    [("u1", 1, None), ("u2", 1, None), ("u1", 3, None), ("u2", 1, "GRBG")],
)
@pytest.mark.parametrize("order", [[1, 4, 9], [9, 1, 4, 0, 11]])
def test_a_ser_keeps_every_bit(
    tmp_path: Path, kind: str, planes: int, pattern: Any, order: list[int]
) -> None:
    frames = noise(kind=kind, planes=planes)
    path = written(tmp_path / "a.ser", frames, pattern=pattern)
    with open_video(path) as video:
        got = export_ser(video, np.array(order), tmp_path / "b.ser")
    assert got.tolist() == order
    before, after = path.read_bytes(), (tmp_path / "b.ser").read_bytes()
    assert after[:38] + after[42:178] == before[:38] + before[42:178]
    size = frames[0].nbytes
    assert after[178 : 178 + size * len(order)] == frames[order].tobytes()
    assert after[178 + size * len(order) :] == (TICKS + 100_000 * np.array(order)).tobytes()


def test_a_big_endian_ser_of_bgr_stays_so(tmp_path: Path) -> None:
    """What the camera wrote, its odd header included, frame by frame."""
    frames = noise(kind="u2").astype(">u2")
    header = bytearray(make_header(24, 20, depth=12, texts=TEXTS))
    header[22] = 1
    path = tmp_path / "a.ser"
    header[38] = 12
    path.write_bytes(bytes(header) + frames.tobytes())
    with open_ser(path, Overrides(endian="big")) as video:
        export_ser(video, np.array([3, 2]), tmp_path / "b.ser")
    assert (tmp_path / "b.ser").read_bytes()[178:] == frames[[3, 2]].tobytes()
    colours = noise(planes=3)
    header = bytearray(make_header(24, 20, planes=3))
    header[18], header[38] = 101, 12
    path.write_bytes(bytes(header) + colours.tobytes())
    with open_video(path) as video:
        export_ser(video, np.array([7, 2]), tmp_path / "c.ser")
    assert (tmp_path / "c.ser").read_bytes()[178:] == colours[[7, 2]].tobytes()


def test_several_files_become_one(tmp_path: Path) -> None:
    frames = noise(30)
    parts = [
        written(tmp_path / f"part{at}.ser", frames[10 * at : 10 * at + 10], first=10 * at)
        for at in range(3)
    ]
    order = np.array([29, 0, 10, 9, 20])
    with open_video(parts) as video:
        export_ser(video, order, tmp_path / "all.ser")
    with open_video(tmp_path / "all.ser") as video:
        assert isinstance(video, Ser)
        got = np.concatenate([samples.copy() for _, samples in video.batches()])
        assert video.ticks.tolist() == (TICKS + 100_000 * order).tolist()
        assert video.header.instrument == "fps=100"
    np.testing.assert_array_equal(got[..., 0], frames[order])


def test_blocks_do_not_change_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = noise(40)
    path = written(tmp_path / "a.ser", frames)
    order = np.random.default_rng(1).permutation(40)
    monkeypatch.setattr(export, "_BLOCK_BYTES", 7 * frames[0].nbytes)
    told: list[tuple[int, int]] = []
    with open_video(path) as video:
        export_ser(video, order, tmp_path / "b.ser", tell=lambda *done: told.append(done))
    assert (tmp_path / "b.ser").read_bytes()[178:][: frames.nbytes] == frames[order].tobytes()
    assert told[-1] == (40, 40)
    assert len(told) == 6


def test_a_debayered_ser(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ser", noise(kind="u2"), pattern="BGGR")
    with open_video(path) as video:
        export_ser(video, np.array([2, 1]), tmp_path / "b.ser", debayer=True)
    with open_video(tmp_path / "b.ser") as video:
        assert (video.about.planes, video.about.pattern, len(video)) == (3, None, 2)
        assert video.about.header["Observer"] == "Observer"


def test_other_videos_as_ser(tmp_path: Path) -> None:
    """A FITS cube of 16 bits; floats are refused."""
    frames = noise(kind="u2")
    fits.PrimaryHDU(frames).writeto(tmp_path / "a.fits")
    with open_video(tmp_path / "a.fits") as video:
        export_ser(video, np.array([5, 0]), tmp_path / "a.ser")
        expected = np.stack([video.frame(5), video.frame(0)])
    with open_video(tmp_path / "a.ser") as video:
        got = np.concatenate([samples.copy() for _, samples in video.batches()])
    np.testing.assert_array_equal(got, expected)
    fits.PrimaryHDU(frames.astype(np.float32)).writeto(tmp_path / "b.fits")
    with open_video(tmp_path / "b.fits") as video:
        with pytest.raises(UsageError, match="floats"):
            export_ser(video, np.array([5, 0]), tmp_path / "b.ser")
        with pytest.raises(UsageError, match="floats"):
            export_pictures(video, np.array([5]), tmp_path / "b")
        (path,) = export_pictures(video, np.array([5]), tmp_path / "b", form="tif")
        np.testing.assert_array_equal(tifffile.imread(path), video.frame(5)[..., 0])
    assert names(tmp_path) == ["a.fits", "a.ser", "b", "b.fits"]


# --- pictures, files, tables ----------------------------------------------------------------------


@pytest.mark.parametrize("form", ["png", "tif"])
@pytest.mark.parametrize(("kind", "planes"), [("u1", 1), ("u2", 1), ("u1", 3), ("u2", 3)])
def test_pictures_keep_their_depth(tmp_path: Path, form: Any, kind: str, planes: int) -> None:
    frames = noise(kind=kind, planes=planes)
    order = [9, 1, 4]
    with open_video(written(tmp_path / "mars.ser", frames)) as video:
        paths = export_pictures(video, np.array(order), tmp_path / "best", form=form)
    assert [path.name for path in paths] == [
        f"{rank:05d}_mars_f{number:05d}.{form}" for rank, number in enumerate(order, 1)
    ]
    for path, number in zip(paths, order, strict=True):
        picture = read(path)
        assert picture.samples.dtype == frames.dtype
        np.testing.assert_array_equal(np.squeeze(picture.samples), frames[number])
    assert names(tmp_path) == ["best", "mars.ser"]
    with open_video(tmp_path / "best") as again:  # and as a video, best first
        np.testing.assert_array_equal(np.squeeze(again.frame(0)), frames[9])


def test_pictures_of_a_mosaic_have_colours(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ser", noise(), pattern="RGGB")
    with open_video(path) as video:
        (coloured,) = export_pictures(video, np.array([3]), tmp_path / "colour")
        (raw,) = export_pictures(video, np.array([3]), tmp_path / "raw", debayer=False)
    assert read(coloured).channels == 3
    np.testing.assert_array_equal(read(raw).samples[..., 0], noise()[3])


def test_files_are_copied_or_linked(tmp_path: Path) -> None:
    source = tmp_path / "frames"
    source.mkdir()
    for at in range(5):
        Image.fromarray(noise(5)[at]).save(source / f"x{at}.png")
    with open_video(source) as video:
        copies = export_files(video, np.array([4, 0]), tmp_path / "copies")
        links = export_files(video, np.array([4, 0]), tmp_path / "links", link=True)
        again = export_files(video, np.array([1]), tmp_path / "again")
        with pytest.raises(UsageError, match="there already"):
            export_files(video, np.array([1]), tmp_path / "again")
        with pytest.raises(UsageError, match="holds other files"):
            export_files(video, np.array([1]), source)
        (source / "x4.png").unlink()
        for link in (False, True):
            with pytest.raises(UsageError, match=r"x4\.png"):
                export_files(video, np.array([0, 4]), tmp_path / "gone", link=link)
    assert [path.name for path in copies] == ["00001_x4.png", "00002_x0.png"]
    assert copies[1].read_bytes() == (source / "x0.png").read_bytes()
    assert copies[1].stat().st_mtime_ns == (source / "x0.png").stat().st_mtime_ns
    assert links[1].readlink() == (source / "x0.png").resolve()
    assert again == [tmp_path / "again" / "00001_x1.png"]
    assert "gone" not in names(tmp_path)
    with (
        open_video(written(tmp_path / "a.ser", noise())) as video,
        pytest.raises(UsageError, match="no files of their own"),
    ):
        export_files(video, np.array([0]), tmp_path / "copies2")


def test_a_table(tmp_path: Path) -> None:
    rows = [{"rank": 1, "frame": 7, "file": "mars,1.ser", "score": 0.5, "time": None}]
    with open_video(written(tmp_path / "a.ser", noise())) as video:
        export_csv(video, rows, tmp_path / "a.csv")
        with pytest.raises(UsageError, match="there already"):
            export_csv(video, rows, tmp_path / "a.csv")
        with pytest.raises(UsageError, match="video itself"):
            export_csv(video, rows, tmp_path / "a.ser", force=True)
    (row,) = csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text()))
    assert row == {"rank": "1", "frame": "7", "file": "mars,1.ser", "score": "0.5", "time": ""}


def test_for_siril(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    dy, dx, scores = random.normal(size=(3, 3))
    order = np.array([9, 1, 4])
    with open_video(written(tmp_path / "a.ser", noise())) as video:
        path, listed = export_siril(video, order, dy, dx, scores, tmp_path / "b.ser", form="1.4")
        beside = export_selection(video, order, dy, dx, scores, form="1.0")
        for wrong in ("b.avi", "b.ser"):
            with pytest.raises(UsageError):
                export_siril(video, order, dy, dx, scores, tmp_path / wrong, form="1.4")
        with pytest.raises(UsageError, match="no such name"):
            export_siril(video, order, dy, dx, scores, tmp_path / "it's.ser", form="1.0")
    assert (path.name, listed.name, beside.name) == ("b.ser", "b.seq", "a.seq")
    best = int(np.argmax(scores))
    one, all_of_it = read_sequence(listed), read_sequence(beside)
    assert (one.name, one.reference, all_of_it.reference) == ("b", best, order[best])
    np.testing.assert_allclose(one.dx, dx - dx[best], atol=1e-6)
    np.testing.assert_allclose(all_of_it.dx[order], dx - dx[best], atol=1e-6)
    assert np.flatnonzero(all_of_it.included).tolist() == sorted(order.tolist())
    assert names(tmp_path) == ["a.seq", "a.ser", "b.seq", "b.ser"]


# --- faults ---------------------------------------------------------------------------------------


Export = Callable[[Any, Path, bool], Any]
KINDS: dict[str, Export] = {
    "b.ser": lambda v, p, f: export_ser(v, np.arange(9, -1, -1), p, force=f),
    "pictures": lambda v, p, f: export_pictures(v, np.arange(10), p, form="tif", force=f),
    "b.csv": lambda v, p, f: export_csv(v, [{"x": "y" * 9000}], p, force=f),
    "c.ser": lambda v, p, f: export_siril(
        v, np.arange(10), np.zeros(10), np.zeros(10), np.zeros(10), p, form="1.0", force=f
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_full_disk_leaves_nothing(tmp_path: Path, name: str, small_files: SmallFiles) -> None:
    frames = noise(kind="u2", count=200).repeat(3, axis=0)
    path = written(tmp_path / "a.ser", frames)
    with open_video(path) as video:
        for limit in (50, 700):
            with small_files(limit), pytest.raises(UsageError, match="too large") as caught:
                KINDS[name](video, tmp_path / name, False)
            assert "\n" not in str(caught.value)
            assert str(tmp_path / name.partition(".")[0]) in str(caught.value)
            assert ".part" not in str(caught.value)
            assert names(tmp_path) == ["a.ser"]
        KINDS[name](video, tmp_path / name, False)
        assert names(tmp_path)[-1] != "a.ser"


@pytest.mark.parametrize("name", KINDS)
def test_what_is_there_is_kept_unless_forced(tmp_path: Path, name: str) -> None:
    with open_video(written(tmp_path / "a.ser", noise())) as video:
        KINDS[name](video, tmp_path / name, False)
        before = names(tmp_path)
        with pytest.raises(UsageError, match="--force"):
            KINDS[name](video, tmp_path / name, False)
        KINDS[name](video, tmp_path / name, True)
        assert names(tmp_path) == before
        for gone in ("no such folder/x.ser", "no such folder/x"):
            with pytest.raises(UsageError, match="no such folder"):
                KINDS[name](video, tmp_path / gone, False)


def test_the_video_is_never_written_over(tmp_path: Path) -> None:
    """Not by its name, a link to it, another of its pieces, or a picture of its folder."""
    first = written(tmp_path / "a.ser", noise())
    second = written(tmp_path / "b.ser", noise(), first=20)
    (tmp_path / "link.ser").symlink_to(second)
    (tmp_path / "hard.ser").hardlink_to(second)
    before = first.read_bytes(), second.read_bytes()
    with open_video([first, second]) as video:
        for name in ("a.ser", "b.ser", "link.ser", "hard.ser"):
            with pytest.raises(UsageError, match="the video itself"):
                export_ser(video, np.arange(3), tmp_path / name, force=True)
    assert (first.read_bytes(), second.read_bytes()) == before
    folder = tmp_path / "folder"
    folder.mkdir()
    Image.fromarray(noise()[0]).save(folder / "00001_folder_f00000.png")
    with open_video(folder) as video, pytest.raises(UsageError, match="the video itself"):
        export_pictures(video, np.array([0]), folder, force=True)


def test_videos_that_vanish_or_have_no_such_frame(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ser", noise(200))
    with open_video(path) as video:
        with pytest.raises(PictureError, match="no frame 200"):
            export_ser(video, np.array([3, 200]), tmp_path / "b.ser")
        with pytest.raises(UsageError, match="no frames"):
            export_ser(video, np.zeros(0, np.int64), tmp_path / "b.ser")
        with path.open("rb+") as file:
            file.truncate(2000)
        for name in ("b.ser", "pictures"):
            with pytest.raises(SeeingError) as caught:
                KINDS[name](video, tmp_path / name, False)
            assert "\n" not in str(caught.value)
    folder = tmp_path / "frames"
    folder.mkdir()
    for at in range(3):
        Image.fromarray(noise()[at]).save(folder / f"x{at}.png")
    with open_video(folder) as video:
        shutil.rmtree(folder)
        with pytest.raises(PictureError, match="gone"):
            export_ser(video, np.array([0]), tmp_path / "b.ser")
    assert names(tmp_path) == ["a.ser"]


def test_a_broken_picture_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for at in range(4):
        Image.fromarray(noise()[at]).save(folder / f"x{at}.png")
    (folder / "x2.png").write_bytes((folder / "x2.png").read_bytes()[:200])
    with open_video(folder) as video:
        got = export_ser(video, np.array([3, 2, 1]), tmp_path / "b.ser")
        zeros = np.zeros(3)
        _, listed = export_siril(
            video, np.array([3, 2, 1]), zeros, np.array([5.0, 6, 7]), zeros, tmp_path / "c.ser",
            form="1.0",
        )  # fmt: skip
        paths = export_pictures(video, np.array([3, 2, 1]), tmp_path / "best")
    assert got.tolist() == [3, 1]
    assert read_sequence(listed).dx.tolist() == [0, 2]
    assert [path.name for path in paths] == ["00001_frames_f00003.png", "00003_frames_f00001.png"]
