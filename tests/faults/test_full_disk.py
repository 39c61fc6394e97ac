"""A full disk: one line, what was done is kept, and with space the same command completes."""

import resource
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Content = Callable[[Path], Any]


def limited(size: int) -> Callable[[], None]:
    """A limit on the size of files: writing beyond it fails, as on a full disk."""

    def limit() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else the system kills the process
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_indexing_onto_a_small_disk(
    q: Run, pictures: Pictures, content: Content, small_disk: Callable[[str], Any], tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 600)
    kept = tmp_path / "kept"
    kept.mkdir()
    q("index", "-e", "thumbnail", "../all", cwd=kept)
    expected = content(kept / ".q")

    disk = small_disk("1m")  # 600 vectors are 0.9 MB, the catalogue 0.4, the index 0.9
    call = ("index", "-e", "thumbnail", "--batch", "16", str(tmp_path / "all"))
    done = q(*call, cwd=disk.folder, status=2)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "full" in done.stderr or "No space left" in done.stderr, done.stderr
    again = q(*call, cwd=disk.folder, status=2)
    assert len(again.stderr.splitlines()) == 1
    q("status", cwd=disk.folder)

    disk.remount("size=20m")
    q(*call, cwd=disk.folder)
    found = content(disk.folder / ".q")
    assert sorted(row[:4] for row in found.items.values()) == sorted(
        row[:4] for row in expected.items.values()
    )
    assert found.vectors == expected.vectors
    assert "wrong" not in q("doctor", cwd=disk.folder).stdout


@pytest.mark.parametrize("size", [1_000, 150_000, 700_000])
def test_indexing_where_files_may_not_grow(
    q: Run, pictures: Pictures, content: Content, size: int, tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 400)
    kept = tmp_path / "kept"
    kept.mkdir()
    q("index", "-e", "thumbnail", "../all", cwd=kept)
    expected = content(kept / ".q")
    other = tmp_path / "other"
    other.mkdir()
    call = ("index", "-e", "thumbnail", "--batch", "16", "../all")
    done = q(*call, cwd=other, status=None, preexec_fn=limited(size))
    assert done.returncode == (2 if size < 700_000 else 0), done.stderr
    assert len(done.stderr.splitlines()) == (1 if done.returncode else 0), done.stderr
    q(*call, cwd=other)
    assert content(other / ".q") == expected
    assert "wrong" not in q("doctor", cwd=other).stdout


def test_a_full_disk_while_the_index_is_written(
    q: Run, pictures: Pictures, content: Content, tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 400)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    before = content(tmp_path / ".q")
    call = ("find-similar", "all/picture 5.png", "--paths", "-n", "5")
    expected = q(*call, cwd=tmp_path).stdout
    for file in (tmp_path / ".q" / "index").iterdir():
        file.unlink()
    done = q(*call, cwd=tmp_path, preexec_fn=limited(400_000))
    assert done.stdout == expected
    assert any("searching goes on from memory" in line for line in done.stderr.splitlines())
    assert q(*call, cwd=tmp_path).stdout == expected
    assert content(tmp_path / ".q") == before
    assert [f.name for f in (tmp_path / ".q" / "index").iterdir()] == ["1.faiss"]


def test_a_full_disk_while_forgetting(
    q: Run, pictures: Pictures, content: Content, tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 400)
    pictures(tmp_path / "gone", 100, seed=3)
    q("index", "-e", "thumbnail", "all", "gone", cwd=tmp_path)
    for size in (1_000, 100_000, 450_000):
        done = q("forget", "gone", cwd=tmp_path, status=None, preexec_fn=limited(size))
        assert done.returncode in (0, 2), done.stderr
        if done.returncode:
            assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "wrong" not in q("doctor", cwd=tmp_path).stdout
    q("forget", "gone", cwd=tmp_path, status=None)
    q("index", "--prune", cwd=tmp_path)
    held = content(tmp_path / ".q")
    assert len(held.items) == 400 == len(held.vectors)
    size = sum(f.stat().st_size for f in (tmp_path / ".q" / "vectors").iterdir())
    assert size == 400 * 769 * 2


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (4096, 1):
            with pytest.raises(OSError):
                while True:
                    filler.write(bytes(size))


@pytest.mark.parametrize(
    ("option", "name"), [("--csv", "out.csv"), ("--sheet", "out.png"), ("--sheet", "out.jpg")]
)
def test_a_full_disk_while_results_are_written(
    q: Run, refused: Refused, pictures: Pictures, small_disk: Callable[[str], Any],
    option: str, name: str, tmp_path: Path,
) -> None:  # fmt: skip
    pictures(tmp_path, 40)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    call = ("find-similar", "picture 5.png", "-n", "39", option)
    disk = small_disk("64k").folder

    def told(file: Path) -> str:
        """The answer survives a sheet that can't be written; a table is the answer."""
        if option == "--csv":
            return refused(*call, file, cwd=tmp_path)
        done = q(*call, file, cwd=tmp_path, status=2)
        assert len(done.stdout.splitlines()) == 1 + 39
        return done.stderr

    fill(disk)
    assert name in told(disk / name)
    (disk / "filler").unlink()
    (disk / name).write_bytes(b"what was here before")
    fill(disk)
    assert name in told(disk / name)
    assert (disk / name).read_bytes() == b"what was here before"
    assert sorted(p.name for p in disk.iterdir()) == ["filler", name]
    refused(*call, f"no such folder/{name}", cwd=tmp_path)
    refused(*call, "/dev/full" if option == "--csv" else f"/dev/full/{name}", cwd=tmp_path)
    q(*call, name, cwd=tmp_path, status=None)
    assert len((tmp_path / name).read_bytes()) > 1000


CALLS = [
    ("find-similar", "picture 5.png", "-n", "39"),
    ("find-similar", "picture 5.png", "-n", "39", "--json"),
    ("find-similar", "picture 5.png", "-n", "39", "--paths"),
    ("find-similar", "picture 5.png", "-n", "39", "--csv", "-"),
    ("rank", "--reference", "picture 5.png"),
    *(("status",), ("doctor",), ("encoders",), ("index", ".")),
    *(("--help",), ("index", "--help"), ("--version",)),
]


def test_results_to_a_full_disk(q: Run, pictures: Pictures, tmp_path: Path) -> None:
    pictures(tmp_path, 40)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    for call in CALLS:
        with Path("/dev/full").open("w") as full:
            done = q(*call, cwd=tmp_path, status=2, stdout=full, stderr=-1)
        assert len(done.stderr.splitlines()) == 1, (call, done.stderr)
        assert done.stderr.startswith("q: "), (call, done.stderr)
        assert "No space left" in done.stderr, (call, done.stderr)
