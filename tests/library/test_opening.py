"""Which library is opened: the one named, that of the environment, the nearest upwards."""

from pathlib import Path

import pytest

import seeing
from seeing.errors import LibraryError
from seeing.library import Library, open_library


def test_a_library_is_made_where_it_is_named(tmp_path: Path) -> None:
    with seeing.open(tmp_path / "a") as one, seeing.open(tmp_path / "b" / ".q") as other:
        assert one.folder == tmp_path / "a" / ".q"
        assert other.folder == tmp_path / "b" / ".q"
    with seeing.open(tmp_path / "a" / ".q") as again:
        assert again.folder == tmp_path / "a" / ".q"
    with pytest.raises(LibraryError, match=r"no library in .*; make one with: q index FOLDER"):
        open_library(tmp_path / "c", create=False)
    assert not (tmp_path / "c").exists()


def test_the_nearest_library_upwards_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("Q_LIBRARY", raising=False)
    open_library(tmp_path / "out", create=True).close()
    open_library(tmp_path / "out" / "in", create=True).close()
    deep = tmp_path / "out" / "in" / "deep" / "er"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    with open_library() as library:
        assert library.folder == tmp_path / "out" / "in" / ".q"
    monkeypatch.chdir(tmp_path / "out")
    with open_library() as library:
        assert library.folder == tmp_path / "out" / ".q"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LibraryError, match="no library here or above"):
        open_library()
    with open_library(create=True) as library:
        assert library.folder == tmp_path / ".q"


def test_the_environment_wins_over_the_nearest_and_a_name_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "env", "named"):
        open_library(tmp_path / name, create=True).close()
    monkeypatch.chdir(tmp_path / "here")
    for value in (tmp_path / "env", tmp_path / "env" / ".q"):
        monkeypatch.setenv("Q_LIBRARY", str(value))
        with open_library() as library:
            assert library.folder == tmp_path / "env" / ".q"
    with open_library(tmp_path / "named") as library:
        assert library.folder == tmp_path / "named" / ".q"
    monkeypatch.setenv("Q_LIBRARY", str(tmp_path / "nowhere"))
    with pytest.raises(LibraryError, match="no library in"):
        open_library()


def test_a_closed_library_says_so(own: Library) -> None:
    own.close()
    for call in (own.status, own.items, own.rank, lambda: own.find_similar("0.png")):
        with pytest.raises(LibraryError, match="has been closed"):
            call()
