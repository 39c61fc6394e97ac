"""Frames in the catalogue: ids of many at once."""

import shutil
from pathlib import Path

import pytest

from seeing.db.items import frame_numbers, item_number
from seeing.library import open_library
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
