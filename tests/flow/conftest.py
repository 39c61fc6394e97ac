"""What the tests of refreshing share: a world of files, its library, and what was encoded."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seeing.flow.refresh import Report
from seeing.library import Library, open_library

Draw = Callable[..., Path]
Content = dict[str, tuple[str, int | None, str | None, bytes]]


class World:
    """A folder of pictures, its library, and what was encoded."""

    encoder = "counting"

    def __init__(self, root: Path, draw: Draw, counter: ModuleType) -> None:
        self.root = root
        self.folder = root / "pictures"
        self.folder.mkdir(parents=True)
        self.draw = draw
        self.counter = counter
        self.clock = 1_000_000_000
        self.library = open_library(root, create=True)

    def put(self, name: str, seed: int, **size: int) -> Path:
        """Write a picture, at a time of its own, so that every change is seen."""
        return self.at_new_time(self.draw(self.folder / name, seed, **size))

    def at_new_time(self, path: Path) -> Path:
        self.clock += 10
        os.utime(path, (self.clock, self.clock))
        return path

    def refresh(self, *paths: str | Path, **options: Any) -> Report:
        return self.library.index(list(paths) or [self.folder], encoder=self.encoder, **options)

    def encoded(self, work: Callable[[], Report]) -> tuple[Report, int]:
        before = self.counter.encoded
        return work(), self.counter.encoded - before

    def told(self, work: Callable[[], Report]) -> dict[str, int]:
        """Return what a refresh reports, without what is zero; checks what it encoded."""
        report, encoded = self.encoded(work)
        assert report.encoded == encoded
        return self.counts(report)

    @staticmethod
    def counts(report: Report) -> dict[str, int]:
        told = {k: v for k, v in asdict(report).items() if isinstance(v, int) and v and k != "lost"}
        if report.failed:
            told["failed"] = len(report.failed)
        return told

    def content(self) -> Content:
        return self.content_of(self.library)

    def content_of(self, library: Library) -> Content:
        """Return (digest, frame, part, vector) of every searchable item, by address."""
        ids, vectors = library.vectors(encoder=self.encoder)
        found = {}
        for number, vector in zip(ids.tolist(), vectors, strict=True):
            item = library.item(number)
            found[str(item.address)] = (item.digest, item.frame, item.part, vector.tobytes())
        return found

    def check_whole(self) -> None:
        """Every present item has a vector and is found by it; nothing is wrong with the library."""
        library = self.library
        if not library.encoders():
            return
        ids, vectors = library.vectors(encoder=self.encoder)
        assert sorted(ids.tolist()) == sorted(item.id for item in library.items())
        assert [f for f in library.doctor(deep=True) if f.level == "wrong"] == []
        for number, vector in zip(ids.tolist(), vectors, strict=True):
            item = library.item(number)
            matches = library.find_similar(item.path, n=len(ids), encoder=self.encoder)
            assert item.path not in [m.item.path for m in matches]
            assert len(matches) + sum(bool(np.array_equal(vector, v)) for v in vectors) >= len(ids)

    def same_as_from_scratch(self) -> None:
        """Compare with a new library over the same files: same paths, digests and vectors."""
        fresh_root = self.root.parent / f"fresh-{self.clock}"
        with open_library(fresh_root / ".q", create=True) as fresh:
            report = fresh.index(self.folder, encoder=self.encoder)
            assert self.content() == self.content_of(fresh)
            unreadable = [str(self.root / name) for name, _ in self.library.status().unreadable]
            assert unreadable == sorted(str((fresh_root / n).resolve()) for n, _ in report.failed)
        shutil.rmtree(fresh_root)


@pytest.fixture
def world(tmp_path: Path, draw: Draw, counting: ModuleType) -> Iterator[World]:
    made = World(tmp_path / "home", draw, counting)
    yield made
    made.library.close()
