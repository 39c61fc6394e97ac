"""Groups that belong together, and folds that never part one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing.db.items import Item
from seeing.train.folds import NEIGHBOURS, folds, groups_of


def item(
    file: str, *, frame: int | None = None, part: str | None = None, at: str | None = None
) -> Item:
    return Item(
        0, 0, Path(file), frame, part, 8, 8, 8, at, "", f"digest of {file}", "present"
    )  # fmt: skip


def together(items: list[Item]) -> set[frozenset[int]]:
    groups = groups_of(items)
    return {frozenset(np.flatnonzero(groups == g).tolist()) for g in np.unique(groups)}


def test_parts_of_a_file_are_together_however_they_were_taken() -> None:
    items = [
        item("a.fits", part="SCI", at="2026-01-01T10:00:00Z"), item("a.fits", part="DQ"),
        item("a.fits", part="ERR", at="2026-01-01T20:00:00Z"), item("b.fits"),
        item("c.jpg", at="2026-01-01T20:00:30"),
    ]  # fmt: skip
    assert together(items) == {frozenset({0, 1, 2, 4}), frozenset({3})}


def test_pictures_of_a_minute_are_together_in_a_chain() -> None:
    seconds = [0, 50, 110, 171, 600, 700]
    items = [item(f"{s}.jpg", at=f"2026-01-01T10:{s // 60:02}:{s % 60:02}Z") for s in seconds]
    chains = {frozenset({0, 1, 2}), frozenset({3}), frozenset({4}), frozenset({5})}
    assert together(items) == chains
    turned = {frozenset(5 - place for place in chain) for chain in chains}
    assert together(items[::-1]) == turned


def test_dates_without_a_time_are_times_too() -> None:
    items = [item("a.fits", at="2026-01-01"), item("b.fits", at="2026-01-01"), item("c.png")]
    assert together(items) == {frozenset({0, 1}), frozenset({2})}


@pytest.mark.parametrize(("videos", "expected"), [(1, 3), (4, 12), (5, 5), (6, 6)])
def test_few_videos_are_cut_and_many_are_whole(videos: int, expected: int) -> None:
    items = [
        item(f"{video}.ser", frame=frame)
        for video in range(videos)
        for frame in (0, NEIGHBOURS - 1, NEIGHBOURS, 2 * NEIGHBOURS)
    ]
    assert len(together(items)) == expected


def test_nothing_has_no_groups() -> None:
    assert groups_of([]).tolist() == []
    assert list(folds(np.zeros(0, np.int64))) == []


@given(
    groups=st.lists(st.integers(-5, 12), min_size=1, max_size=60), count=st.integers(2, 12),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_folds_part_no_group_and_judge_everything_once(
    groups: list[int], count: int, seed: int
) -> None:
    numbers = np.array(groups, np.int64)
    parts = list(folds(numbers, count=count, seed=seed))
    names = len(set(groups))
    assert len(parts) == (0 if names == 1 else min(count, names))
    for learn, judge in parts:
        assert not set(numbers[learn]) & set(numbers[judge])
        assert sorted([*learn, *judge]) == list(range(len(groups)))
        assert len(learn) and len(judge)
    if parts:
        assert sorted(np.concatenate([judge for _, judge in parts])) == list(range(len(groups)))
