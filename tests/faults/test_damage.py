"""A damaged library: noticed, named, mended where that can be, and never a wrong answer."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Content = Callable[[Path], Any]

SEARCH = ("find-similar", "all/picture 5.png", "-n", "60", "--json")


def results(done: CompletedProcess[str]) -> Any:
    import json

    return json.loads(done.stdout)["results"]


@pytest.fixture(scope="module")
def made(q: Run, pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    pictures(folder / "all", 120)
    q("index", "-e", "thumbnail", "all", cwd=folder)
    return folder


@pytest.fixture
def library(made: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test: paths are relative, so it needs no indexing."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / ".q"


def flip(file: Path, *places: int) -> None:
    held = bytearray(file.read_bytes())
    for place in places:
        held[place] ^= 0xFF
    file.write_bytes(held)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def deleted(file: Path) -> None:
    file.unlink()


def spoilt(file: Path) -> None:
    size = file.stat().st_size
    flip(file, 3, size // 3, size // 2, size - 2)


def noise(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(file.stat().st_size))


DAMAGES = [emptied, halved, deleted, spoilt, noise]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_file_is_made_again(
    q: Run, library: Path, damage: Callable[[Path], None]
) -> None:
    expected = results(q(*SEARCH, cwd=library.parent, status=None))
    damage(library / "index" / "1.faiss")
    told = q("doctor", cwd=library.parent, status=None).stdout
    assert "index file" in told and ("damaged" in told or "missing" in told)
    done = q(*SEARCH, cwd=library.parent, status=None)
    assert results(done) == expected
    assert "made again" in done.stderr
    again = q(*SEARCH, cwd=library.parent, status=None)
    assert results(again) == expected and "made again" not in again.stderr
    damage(library / "index" / "1.faiss")
    q("doctor", "--mend", cwd=library.parent, status=None)
    assert "wrong" not in q("doctor", cwd=library.parent).stdout


@pytest.mark.parametrize(
    ("way", "damage"),
    [*(("index", damage) for damage in DAMAGES), ("search", spoilt), ("search", deleted),
     ("mend", halved)],
)  # fmt: skip
def test_damaged_vectors_are_named_left_out_and_made_again(
    q: Run, library: Path, content: Content, damage: Callable[[Path], None], way: str
) -> None:
    expected = content(library)
    answer = results(q(*SEARCH, cwd=library.parent, status=None))
    every = results(q(*SEARCH, "-n", "119", cwd=library.parent, status=None))
    (file,) = (library / "vectors").iterdir()
    if damage is spoilt:
        flip(file, 10 * 1538 + 5, 50 * 1538, 119 * 1538 + 1537)
    else:
        damage(file)
    told = q("doctor", cwd=library.parent, status=1).stdout
    assert "vectors are damaged" in told
    if way == "search":
        shutil.rmtree(library / "index")
        done = q(*SEARCH, "-n", "119", cwd=library.parent, status=None)
        assert "are damaged and left out" in done.stderr
        assert "q index" in done.stderr
        here = {row["item"]: row["similarity"] for row in results(done)}
        known = {row["item"]: row["similarity"] for row in every}
        assert here.items() <= known.items()
        assert len(here) in ((116, 117) if damage is spoilt else (0,)), len(here)
    if way == "mend":
        q("doctor", "--mend", cwd=library.parent, status=1)
    q("index", "all", cwd=library.parent)
    assert "wrong" not in q("doctor", cwd=library.parent).stdout
    assert content(library) == expected
    assert results(q(*SEARCH, cwd=library.parent, status=None)) == answer


@pytest.mark.parametrize("damage", [emptied, halved, deleted, noise, spoilt])
def test_a_damaged_catalogue_is_one_line(
    q: Run, refused: Refused, library: Path, damage: Callable[[Path], None]
) -> None:
    damage(library / "catalogue.db")
    for call in (SEARCH, ("status",), ("doctor",), ("rank", "--reference", "all/picture 1.png"),
                 ("encoders", "--default", "thumbnail")):  # fmt: skip
        done = q(*call, cwd=library.parent, status=None)
        if done.returncode != 2:  # what is damaged lies elsewhere than what was read
            assert call[0] != "doctor" or done.returncode == 1, done.stdout
            assert damage not in (emptied, deleted), call
            continue
        assert len(done.stderr.splitlines()) == 1, (call, done.stderr)
        assert not done.stdout


def test_hundreds_of_random_damages_to_the_catalogue(q: Run, library: Path, tmp_path: Path) -> None:
    """Whatever bytes are changed: an answer or one line, quickly."""
    whole = (library / "catalogue.db").read_bytes()
    moments = random.Random(5)
    for _ in range(12):
        held = bytearray(whole)
        for _ in range(moments.choice((1, 5, 50, 500))):
            held[moments.randrange(len(held))] = moments.randrange(256)
        (library / "catalogue.db").write_bytes(held)
        call = moments.choice((SEARCH, ("status",), ("doctor",), ("status", "--json")))
        done = q(*call, cwd=tmp_path, status=None, timeout=20)
        assert done.returncode in (0, 1, 2), done.stderr
        if done.returncode == 2:
            assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_library_of_a_newer_version_is_refused_untouched(refused: Refused, library: Path) -> None:
    with closing(sqlite3.connect(library / "catalogue.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA user_version = 99")
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in library.rglob("*") if path.is_file()
    }  # fmt: skip
    for call in (SEARCH, ("status",), ("doctor", "--mend"), ("index", "all"), ("forget", "all"),
                 ("index", "--prune"), ("rank", "--reference", "all/picture 1.png")):  # fmt: skip
        told = refused(*call, cwd=library.parent)
        assert "newer" in told and "99" in told and "pip install" in told
    after = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in library.rglob("*") if path.is_file()
    }  # fmt: skip
    after.pop(library / "lock", None), before.pop(library / "lock", None)
    after.pop(library / "lock.pid", None), before.pop(library / "lock.pid", None)
    assert after == before


def test_a_picture_changed_behind_the_librarys_back(
    q: Run, pictures: Pictures, library: Path, tmp_path: Path
) -> None:
    """Other content, same size and time: only a deep look can know."""
    import numpy as np
    from PIL import Image

    path = tmp_path / "flat.bmp"
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(path)
    q("index", "flat.bmp", cwd=tmp_path)
    about = path.stat()
    Image.fromarray(np.full((9, 9, 3), 200, np.uint8)).save(path)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert "wrong" not in q("doctor", cwd=tmp_path).stdout
    told = q("doctor", "--deep", cwd=tmp_path, status=1).stdout
    assert "flat.bmp: its content is not what was indexed" in told


@pytest.mark.parametrize("seconds", [0, -1, -2_000_000_000, 4_102_444_800, 2**33])
def test_clocks_far_off(q: Run, pictures: Pictures, seconds: int, tmp_path: Path) -> None:
    first, *_ = pictures(tmp_path / "all", 3)
    os.utime(first, (seconds, seconds))
    assert "3 new" in q("index", "-e", "thumbnail", "all", cwd=tmp_path).stdout
    assert "3 unchanged" in q("index", "all", cwd=tmp_path).stdout
    q("find-similar", f"all/{first.name}", cwd=tmp_path, status=None)
