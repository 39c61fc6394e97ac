"""Frames in the catalogue: ids of many at once."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tifffile
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from seeing.db.items import frame_numbers, item_number
from seeing.library import Library, open_library
from seeing.samples.night import Night, simulated
from seeing.video.ser_write import SerWriter, make_header


@pytest.mark.parametrize("copy", [0, 3])
def test_ids_of_many_frames_are_those_of_each(copy: int) -> None:
    frames = [None, 0, 1, 9, 10, 123456]
    one_by_one = [item_number("ab" * 16, frame=n, part=None, copy=copy) for n in frames]
    assert frame_numbers("ab" * 16, frames, copy=copy) == one_by_one


def test_one_frame_of_a_copy_is_known_before_all_of_the_original_are_ranked(tmp_path: Path) -> None:
    frames, _ = simulated(Night("rocky", 24, seed=2, size=64))
    original, copy = tmp_path / "a.ser", tmp_path / "b.ser"
    with SerWriter(original, make_header(64, 64, planes=1, depth=8)) as writer:
        writer.write(frames)
    shutil.copy(original, copy)
    with open_library(tmp_path, create=True) as library:
        library.index([f"{copy}#11"], encoder="thumbnail")
        ranking = library.rank_frames(original)
        ranking.video.close()
        assert len(ranking) == 24
        assert len(library.items()) == 25
        assert len({item.id for item in library.items()}) == 25


def contents(library: Library) -> dict[tuple[str, int | None], int]:
    with closing(sqlite3.connect(library.folder / "catalogue.db")) as connection:
        rows = connection.execute(
            "SELECT path_text, frame, content FROM items JOIN sources ON sources.id = source"
        ).fetchall()
    return {(Path(path).name, frame): content for path, frame, content in rows}


def film(path: Path, frames: NDArray[np.uint8] | NDArray[np.uint16]) -> Path:
    """Write the same frames in the format that the name says; a mosaic where it is a SER."""
    if path.suffix == ".fits":
        fits.PrimaryHDU(frames).writeto(path)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, frames, photometric="minisblack")
    else:
        depth = 8 * frames.dtype.itemsize
        with SerWriter(path, make_header(64, 64, planes=1, depth=depth, pattern="RGGB")) as writer:
            writer.write(frames)
    return path


@pytest.mark.parametrize("kind", ["ser", "fits", "tif"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_frame_is_one_content_indexed_or_ranked_in_whatever_file(
    tmp_path: Path, kind: str, depth: Literal[8, 16]
) -> None:
    """Also cut out of its video, and repeated in it."""
    frames = simulated(Night("rocky", 24, seed=2, size=64, depth=depth, duplicates=1))[0]
    same = [n for n in range(1, 24) if np.array_equal(frames[n], frames[n - 1])]
    assert same
    film(tmp_path / f"whole.{kind}", frames)
    film(tmp_path / f"cut.{kind}", frames[6:18])
    film(tmp_path / f"ranked.{kind}", np.concatenate([frames[12:], frames[:12]]))
    with open_library(tmp_path, create=True) as library:
        addresses = [f"{tmp_path}/whole.{kind}#{n}" for n in range(24)]
        addresses += [f"{tmp_path}/cut.{kind}#{n}" for n in range(12)]
        library.index(addresses, encoder="thumbnail")
        library.rank_frames(tmp_path / f"ranked.{kind}").video.close()
        found = contents(library)
    whole = [found[f"whole.{kind}", n] for n in range(24)]
    assert [found[f"cut.{kind}", n] for n in range(12)] == whole[6:18]
    assert [found[f"ranked.{kind}", n] for n in range(24)] == whole[12:] + whole[:12]
    assert len(set(whole)) == 24 - len(same)
    assert all(whole[n] == whole[n - 1] for n in same)


def test_frames_of_a_film_are_one_content_indexed_or_ranked(tmp_path: Path) -> None:
    import av

    frames = simulated(Night("giant", 20, seed=2, size=64))[0]
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "gray"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        out.mux(stream.encode())
    shutil.copy(tmp_path / "a.mkv", tmp_path / "b.mkv")
    with (tmp_path / "b.mkv").open("ab") as file:
        file.write(b"\0" * 9)  # another file by its digest, with the same frames
    with open_library(tmp_path, create=True) as library:
        library.index([tmp_path / "a.mkv"], encoder="thumbnail", every=3)
        library.rank_frames(tmp_path / "b.mkv").video.close()
        found = contents(library)
    assert len([1 for name, _ in found if name == "a.mkv"]) == 7
    for number in range(0, 20, 3):
        assert found["a.mkv", number] == found["b.mkv", number]


def test_a_numbered_picture_is_known_by_its_file_as_any_still(tmp_path: Path) -> None:
    frames = simulated(Night("giant", 12, seed=2, size=64))[0]
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        for number, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"{name}{number:03}.png")
    with open_library(tmp_path, create=True) as library:
        library.rank_frames(tmp_path / "a").video.close()
        library.index([tmp_path / "b"], encoder="thumbnail")
        found = contents(library)
    for number in range(12):
        assert found[f"a{number:03}.png", None] == found[f"b{number:03}.png", None]
