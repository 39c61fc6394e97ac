"""A small library whose pictures are labelled, and another to carry labels to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seeing.library import Library, open_library

Draw = Callable[..., Path]


def filled(home: Path, draw: Draw) -> Library:
    for seed in range(6):
        draw(home / f"{seed}.png", seed)
    library = open_library(home, create=True)
    library.index(home, encoder="thumbnail")
    return library


@pytest.fixture
def library(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Six pictures, 0.png ... 5.png, in the working directory."""
    with filled(tmp_path / "home", draw) as opened:
        monkeypatch.chdir(tmp_path / "home")
        yield opened


@pytest.fixture
def other(tmp_path: Path, draw: Draw) -> Iterator[Library]:
    """Another library of the same pictures, elsewhere."""
    with filled(tmp_path / "other", draw) as opened:
        yield opened


Said = Callable[[Library, str], set[tuple[str, str, str]]]


@pytest.fixture(scope="session")
def said() -> Said:
    """said(library, set) is what counts: {(file name, who, answer)}."""

    def told(library: Library, name: str) -> set[tuple[str, str, str]]:
        return {
            (Path(one.name).name, one.who, one.answer) for one in library.exemplars.labels(name)
        }

    return told


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """Twelve pictures, indexed; none of those that bob or kim are asked about twice."""
    for number in range(12):
        draw(tmp_path / "photos" / f"score-{number}.png", number)
    with open_library(tmp_path / ".q", create=True) as library:
        library.index(tmp_path / "photos", encoder="thumbnail")
    return tmp_path
