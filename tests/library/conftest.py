"""Libraries that the tests of the Library share: one for all of them, one of a test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from seeing.library import Library, open_library

Draw = Callable[..., Path]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> Path:
    """Sixty pictures, 30 ... 89 pixels wide, indexed by thumbnail and colour; not to be changed."""
    home = tmp_path_factory.mktemp("library") / "home"
    for seed in range(60):
        draw(home / "pictures" / f"{seed}.png", seed, width=30 + seed)
    with open_library(home, create=True) as library:
        library.index(home / "pictures", encoder="thumbnail")
        library.index(home / "pictures", encoder="colour")
    return home


@pytest.fixture
def library(home: Path) -> Iterator[Library]:
    with open_library(home) as library:
        yield library


@pytest.fixture(scope="session")
def picture(home: Path) -> Callable[[int], Path]:
    """picture(3) is the path of a picture in the library of all tests."""

    def path(number: int) -> Path:
        return home / "pictures" / f"{number}.png"

    return path


@pytest.fixture
def truth(library: Library) -> Callable[[Path], list[tuple[str, float]]]:
    """truth(target): (name, cosine) of all items but the target, best first, by numpy alone."""

    def compared(target: Path) -> list[tuple[str, float]]:
        ids, vectors = library.vectors()
        items = [library.item(i) for i in ids.tolist()]
        at = next(n for n, item in enumerate(items) if item.path == target)
        cosines = vectors.astype(np.float64) @ vectors[at].astype(np.float64)
        found = [(i.path.name, c) for i, c in zip(items, cosines.tolist(), strict=True)]
        del found[at]
        return sorted(found, key=lambda pair: -pair[1])

    return compared


@pytest.fixture
def own(tmp_path: Path, draw: Draw) -> Iterator[Library]:
    """A library of a test's own, with five pictures."""
    for seed in range(5):
        draw(tmp_path / "own" / f"{seed}.png", seed)
    with open_library(tmp_path / "own", create=True) as library:
        library.index(tmp_path / "own", encoder="thumbnail")
        yield library
