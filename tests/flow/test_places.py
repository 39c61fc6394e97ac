"""Where items lie: below a folder, and after pictures and library have moved."""

from pathlib import Path
from typing import Any

import pytest

from seeing.db.items import Item, items_below
from seeing.library import open_library

World = Any  # see conftest.py


def names(items: list[Item]) -> list[str]:
    return sorted(item.path.name for item in items)


def test_items_below(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("a.png", 1)
    world.put("sub/b.png", 2)
    world.put("sub-other/c.png", 3)
    world.put("sub/deep/d.png", 4)
    outside = world.draw(tmp_path / "elsewhere" / "e.png", 5)
    world.refresh(world.folder, outside)
    catalogue = world.library.catalogue

    def below(*paths: str | Path) -> list[str]:
        return names(items_below(catalogue, [Path(p) for p in paths]))

    everything = ["a.png", "b.png", "c.png", "d.png", "e.png"]
    assert below(world.folder / "sub") == ["b.png", "d.png"]
    assert below(f"{world.folder}/sub/") == ["b.png", "d.png"]
    assert below(world.folder / "sub" / "b.png") == ["b.png"]
    assert below(world.folder / "su") == []
    assert below(world.root) == everything[:4]
    assert below(tmp_path) == below("/") == everything
    assert below(outside) == below(outside.parent) == ["e.png"]
    assert below(outside, world.folder / "a.png", outside.parent) == ["a.png", "e.png"]
    monkeypatch.chdir(world.folder / "sub")
    assert below(".") == ["b.png", "d.png"]
    assert below("..") == everything[:4]
    assert below("deep", "../a.png") == ["a.png", "d.png"]


def test_a_library_moved_with_its_pictures_encodes_nothing(world: World) -> None:
    for seed in range(4):
        world.put(f"{seed}.png", seed)
    world.refresh()
    before = {Path(k).name: v for k, v in world.content().items()}
    world.library.close()
    moved = world.root.rename(world.root.with_name("moved away"))
    with open_library(moved) as library:
        encoded = world.counter.encoded
        report = library.index(moved / "pictures", encoder=world.encoder)
        assert world.counts(report) == {"unchanged": 4}
        assert world.counter.encoded == encoded
        assert {Path(k).name: v for k, v in world.content_of(library).items()} == before
        assert all(item.path.is_file() for item in library.items())
        found = library.find_similar(moved / "pictures" / "0.png", encoder=world.encoder)
        assert len(found) == 3
        assert world.counter.encoded == encoded
