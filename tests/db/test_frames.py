"""Frames in the catalogue: ids of many at once."""

import pytest

from seeing.db.items import frame_numbers, item_number


@pytest.mark.parametrize("copy", [0, 3])
def test_ids_of_many_frames_are_those_of_each(copy: int) -> None:
    frames = [None, 0, 1, 9, 10, 123456]
    one_by_one = [item_number("ab" * 16, frame=n, part=None, copy=copy) for n in frames]
    assert frame_numbers("ab" * 16, frames, copy=copy) == one_by_one
