"""After any sequence of changes, the library is as if made from scratch."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

World = Any  # see conftest.py


class Trouble:
    """Does to a folder what people do to theirs, at random."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.seeds = 0
        self.bin = world.root / "bin"
        self.bin.mkdir()

    def files(self) -> list[Path]:
        return sorted(p for p in self.world.folder.rglob("*.png") if p.is_file())

    def some_file(self) -> Path | None:
        files = self.files()
        return self.random.choice(files) if files else None

    def place(self) -> Path:
        folder = self.random.choice([".", "a", "b", "a/b"])
        name = self.random.choice(["1.png", "2.png", "x y.png", "\N{SNOWMAN}.png"])
        path: Path = self.world.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def step(self) -> str:
        deeds = [self.write, self.write, self.touch, self.move, self.copy, self.swap, self.remove,
                 self.spoil, self.restore, self.rename_folder]  # fmt: skip
        deed = self.random.choice(deeds)
        deed()
        return deed.__name__

    def write(self) -> None:
        # few looks, so that equal contents meet; sizes differ now and then
        seed = self.random.randrange(8)
        self.world.put(str(self.place().relative_to(self.world.folder)), seed, width=24 + seed % 3)

    def touch(self) -> None:
        if path := self.some_file():
            self.world.at_new_time(path)

    def move(self) -> None:
        if path := self.some_file():
            path.replace(self.place())

    def copy(self) -> None:
        path, to = self.some_file(), self.place()
        if path and path != to:
            shutil.copy(path, to)
            self.world.at_new_time(to)

    def swap(self) -> None:
        a, b = self.some_file(), self.some_file()
        if a and b and a != b:
            kept = a.read_bytes()
            b.replace(a)
            b.write_bytes(kept)
            self.world.at_new_time(b)

    def remove(self) -> None:
        if path := self.some_file():
            path.replace(self.bin / path.name)

    def restore(self) -> None:
        binned = sorted(self.bin.iterdir())
        if binned:
            self.random.choice(binned).replace(self.place())

    def spoil(self) -> None:
        if path := self.some_file():
            path.write_bytes(path.read_bytes()[:60])
            self.world.at_new_time(path)

    def rename_folder(self) -> None:
        folder = self.world.folder / self.random.choice(["a", "b"])
        other = self.world.folder / self.random.choice(["c", "d"])
        if folder.is_dir() and not other.exists():
            folder.rename(other)


@pytest.mark.parametrize("seed", range(12))
def test_after_any_sequence_of_changes_as_if_made_from_scratch(world: World, seed: int) -> None:
    trouble = Trouble(world, seed)
    for _ in range(6):
        deeds = [trouble.step() for _ in range(trouble.random.randrange(1, 7))]
        foreseen = world.refresh(dry_run=True)
        done, encoded = world.encoded(world.refresh)
        assert done.encoded == encoded
        world.same_as_from_scratch()
        # what can't be read is not foreseen: without any, the dry run says exactly what happens
        if not done.failed and not done.failed_before:
            assert world.counts(foreseen) == world.counts(done), deeds
        assert set(world.counts(world.refresh())) <= {"unchanged", "failed_before"}
    world.check_whole()
    if trouble.random.random() < 0.5:
        world.library.prune()
        world.same_as_from_scratch()
        world.check_whole()
