"""Pruning and forgetting: what goes, what stays, and the space given back."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import UsageError
from seeing.library import Library

World = Any  # see conftest.py


def sizes(library: Library) -> int:
    return sum(path.stat().st_size for path in (library.folder / "vectors").iterdir())


def test_prune_gives_back_space_and_keeps_the_rest(world: World) -> None:
    for seed in range(10):
        world.put(f"{seed}.png", seed)
    world.refresh()
    full = sizes(world.library)
    for seed in (0, 3, 9):
        (world.folder / f"{seed}.png").unlink()
    world.refresh()
    before = world.content()
    assert sizes(world.library) == full, "what vanished may come back"
    assert world.library.prune() == 3
    assert sizes(world.library) == full * 7 // 10
    assert world.content() == before
    assert world.library.prune() == 0
    world.check_whole()
    world.put("new.png", 77)
    assert world.told(world.refresh) == {"new": 1, "unchanged": 7, "encoded": 1}
    assert sizes(world.library) == full * 8 // 10
    world.check_whole()


def test_prune_never_forgets_a_file_that_is_back(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    path.rename(world.root / "aside.png")
    world.refresh()
    (world.root / "aside.png").rename(path)
    assert world.library.prune() == 0
    assert world.told(world.refresh) == {"returned": 1, "unchanged": 1}


def test_forget_a_folder_and_index_it_again(world: World) -> None:
    for seed in range(6):
        world.put(f"{'keep' if seed % 2 else 'drop'}/{seed}.png", seed)
    world.refresh()
    full, before = sizes(world.library), world.content()
    assert world.library.forget(world.folder / "drop") == 3
    assert sizes(world.library) == full // 2
    assert {Path(name).parent.name for name in world.content()} == {"keep"}
    world.check_whole()
    assert world.told(world.refresh) == {"new": 3, "unchanged": 3, "encoded": 3}
    assert world.content() == before
    with pytest.raises(UsageError, match="knows nothing at"):
        world.library.forget([world.folder / "keep", world.folder / "nowhere"])
    assert world.content() == before, "nothing went"


def test_forget_one_of_two_copies(world: World) -> None:
    path = world.put("a.png", 1)
    shutil.copy(path, world.folder / "b.png")
    world.refresh()
    size = sizes(world.library)
    world.library.forget(path)
    assert sizes(world.library) == size, "the copy needs the row"
    assert [item.path.name for item in world.library.items()] == ["b.png"]
    world.check_whole()
    world.library.forget(world.folder)
    assert sizes(world.library) == 0
    assert world.library.items() == []


def test_forget_whats_broken_and_whats_gone(world: World) -> None:
    (world.folder / "bad.png").write_bytes(b"no picture")
    gone = world.put("gone.png", 1)
    world.refresh()
    gone.unlink()
    assert world.library.forget([world.folder / "bad.png", gone]) == 1
    assert world.library.status().unreadable == []
