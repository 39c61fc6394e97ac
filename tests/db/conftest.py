"""A small library that the tests of the catalogue share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seeing.library import Library, open_library


@pytest.fixture
def library(tmp_path: Path, draw: Callable[..., Path]) -> Iterator[Library]:
    """Six pictures: 0.png ... 5.png, 32, 33, ... pixels wide, 5.png has vanished."""
    for seed in range(6):
        draw(tmp_path / "home" / "pictures" / f"{seed}.png", seed, width=32 + seed)
    with open_library(tmp_path / "home", create=True) as library:
        library.index(tmp_path / "home" / "pictures", encoder="thumbnail")
        (tmp_path / "home" / "pictures" / "5.png").unlink()
        library.index(tmp_path / "home" / "pictures")
        yield library
