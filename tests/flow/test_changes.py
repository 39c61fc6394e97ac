"""Refreshing after changes: what is new, changed, moved, copied, gone, back or exchanged."""

import shutil
from typing import Any

import pytest

World = Any  # see conftest.py


# --- new and changed ------------------------------------------------------------------------------


def test_new_then_nothing_to_do(world: World) -> None:
    for seed in range(5):
        world.put(f"{seed}.png", seed)
    assert world.told(world.refresh) == {"new": 5, "encoded": 5}
    assert world.told(world.refresh) == {"unchanged": 5}
    world.put("more/5.png", 5)
    assert world.told(world.refresh) == {"new": 1, "unchanged": 5, "encoded": 1}
    world.check_whole()


def test_changed(world: World) -> None:
    world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    before = world.content()
    world.put("a.png", 3)
    assert world.told(world.refresh) == {"changed": 1, "unchanged": 1, "encoded": 1}
    after = world.content()
    assert after.keys() == before.keys()
    a, b = str(world.folder / "a.png"), str(world.folder / "b.png")
    assert after[b] == before[b]
    assert after[a][0] != before[a][0]
    assert after[a][3] != before[a][3]
    world.check_whole()


def test_touched(world: World) -> None:
    path = world.put("a.png", 1)
    world.refresh()
    before = world.content()
    world.at_new_time(path)
    assert world.told(world.refresh) == {"unchanged": 1}
    assert world.content() == before
    assert world.told(world.refresh) == {"unchanged": 1}


# --- moved and copied -----------------------------------------------------------------------------


def test_moved_and_its_folder_renamed(world: World) -> None:
    for seed in range(4):
        world.put(f"old/{seed}.png", seed)
    world.refresh()
    ids = {item.path.name: item.id for item in world.library.items()}
    (world.folder / "old" / "0.png").rename(world.folder / "first.png")
    assert world.told(world.refresh) == {"moved": 1, "unchanged": 3}
    (world.folder / "old").rename(world.folder / "new")
    assert world.told(world.refresh) == {"moved": 3, "unchanged": 1}
    now = {item.path.name: item.id for item in world.library.items()}
    assert now == {"first.png": ids.pop("0.png"), **ids}, "items keep their ids"
    assert sorted(p.parent.name for p in (i.path for i in world.library.items())) == [
        "new", "new", "new", "pictures"
    ]  # fmt: skip
    world.check_whole()


def test_copied(world: World) -> None:
    path = world.put("a.png", 1)
    world.refresh()
    shutil.copy(path, world.folder / "b.png")
    shutil.copy(path, world.folder / "c.png")
    assert world.told(world.refresh) == {"copied": 2, "unchanged": 1}
    assert len(world.library.items()) == 3
    assert len({item.content for item in world.library.items()}) == 1
    path.unlink()
    assert world.told(world.refresh) == {"vanished": 1, "unchanged": 2}
    world.check_whole()


def test_equal_files_are_encoded_once(world: World) -> None:
    path = world.put("a.png", 1)
    for name in ("b.png", "c.png", "d.png"):
        shutil.copy(path, world.folder / name)
    assert world.told(world.refresh) == {"new": 1, "copied": 3, "encoded": 1}
    world.check_whole()


# --- vanished and returned ------------------------------------------------------------------------


def test_vanished_and_returned(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    before = world.content()
    path.rename(world.root / "aside.png")
    assert world.told(world.refresh) == {"vanished": 1, "unchanged": 1}
    assert list(world.content()) == [str(world.folder / "b.png")]
    assert world.told(world.refresh) == {"unchanged": 1}
    (world.root / "aside.png").rename(path)
    assert world.told(world.refresh) == {"returned": 1, "unchanged": 1}
    assert world.content() == before
    world.check_whole()


def test_returned_at_another_time_is_found_again(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    before = world.content()
    path.rename(world.root / "aside.png")
    world.refresh()
    world.library.find_similar(
        world.folder / "b.png", encoder=world.encoder
    )  # an index without a.png
    world.at_new_time((world.root / "aside.png").rename(path))
    assert world.told(world.refresh) == {"returned": 1, "unchanged": 1}
    assert world.content() == before
    found = world.library.find_similar(world.folder / "b.png", encoder=world.encoder)
    assert [match.item.path for match in found] == [path]


def test_vanished_and_returned_elsewhere(world: World) -> None:
    path = world.put("a.png", 1)
    world.refresh()
    path.rename(world.root / "aside.png")
    world.refresh()
    (world.root / "aside.png").rename(world.folder / "z.png")
    assert world.told(world.refresh) == {"moved": 1}
    world.check_whole()


def test_a_link_to_nowhere_has_vanished(world: World) -> None:
    behind = world.draw(world.root / "behind.png", 1)
    (world.folder / "link.png").symlink_to(behind)
    world.refresh()
    behind.unlink()
    assert world.counts(world.refresh()) == {"vanished": 1}


# --- exchanged ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep_times", [True, False])
def test_two_files_exchanged(world: World, keep_times: bool) -> None:
    a = world.put("a.png", 1)
    b = world.put("b.png", 2, width=40)
    world.refresh()
    before = world.content()
    a.rename(world.folder / "x")
    b.rename(a)
    (world.folder / "x").rename(b)
    if not keep_times:
        world.at_new_time(a)
        world.at_new_time(b)
    report, encoded = world.encoded(world.refresh)
    assert encoded == 2, "what a changed file held is never taken for an original"
    assert not report.failed
    after = world.content()
    assert after[str(a)][3] == before[str(b)][3]
    assert after[str(b)][3] == before[str(a)][3]
    world.check_whole()
    assert world.told(world.refresh) == {"unchanged": 2}


def test_a_ring_of_files(world: World) -> None:
    paths = [world.put(f"{seed}.png", seed) for seed in range(6)]
    world.refresh()
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
        world.at_new_time(path)
    world.refresh()
    assert len(world.library.items()) == 6
    world.same_as_from_scratch()


def test_written_over_by_a_move_after_being_copied(world: World) -> None:
    # c is a copy of what a was; a is now what b was
    a, b, c = world.put("a.png", 1), world.put("b.png", 2), world.put("c.png", 3)
    world.refresh()
    shutil.copy(a, c)
    world.at_new_time(c)
    b.rename(a)
    world.refresh()
    world.same_as_from_scratch()
