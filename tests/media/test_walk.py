"""Which files some paths mean."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seeing.errors import UsageError
from seeing.media.kinds import extension, is_picture_name
from seeing.media.walk import Found, walk


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))


def names(folder: Path, found: object) -> list[str]:
    assert hasattr(found, "__iter__")
    return [os.path.relpath(one.path, folder) for one in found]


def test_pictures_in_folders_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path, "b/10.jpg", "b/9.JPG", "b/x.txt", "b/2/z.tif", "a.png", "a1.gif", "c.fits", "n")
    assert names(tmp_path, walk([tmp_path])) == [
        "a1.gif", "a.png", "b/2/z.tif", "b/9.JPG", "b/10.jpg", "c.fits",
    ]  # fmt: skip


def test_found_tells_size_and_time(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    os.utime(tmp_path / "a.png", ns=(1, 1_700_000_000_123_456_789))
    status = (tmp_path / "a.png").stat()
    assert list(walk([tmp_path])) == [Found(str(tmp_path / "a.png"), 5, status.st_mtime_ns)]


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "a.JPeG", "a.fits.gz", "A.FIT", "a.fts", "a.fits.fz", "a.tiff", "a.heic", "a.webp",
     "a.avif", "a.jp2", "a.jxl", "a.b.png", "a.bmp", "a.gif"],
)  # fmt: skip
def test_names_of_pictures(name: str) -> None:
    assert is_picture_name(name)


@pytest.mark.parametrize("name", ["a", "a.txt", "a.gz", "a.tar.gz", "jpg", "a.jpg.xmp", ""])
def test_names_of_other_files(name: str) -> None:
    assert not is_picture_name(name)


def test_extensions_of_videos_can_be_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "a.ser", "b.jpg")
    assert names(tmp_path, walk([tmp_path], extensions=frozenset({".ser"}))) == ["a.ser"]
    assert extension("x.FITS.gz") == ".fits.gz"


def test_hidden_files_only_when_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".b.jpg", "._a.jpg", ".DS_Store", ".q/thumbs/c.jpg", "d/.e.png")
    assert names(tmp_path, walk([tmp_path])) == ["a.jpg"]
    assert sorted(names(tmp_path, walk([tmp_path], hidden=True))) == [
        "._a.jpg", ".b.jpg", ".q/thumbs/c.jpg", "a.jpg", "d/.e.png",
    ]  # fmt: skip


def test_what_is_given_comes_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.dat", ".q/a.jpg")
    assert names(tmp_path, walk([tmp_path / ".hidden.dat"])) == [".hidden.dat"]
    assert names(tmp_path, walk([tmp_path / ".q"])) == [".q/a.jpg"]


def test_the_same_file_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "d/a.jpg", "d/b.jpg")
    monkeypatch.chdir(tmp_path)
    paths: list[Path | str] = [tmp_path / "d/b.jpg", Path("d"), tmp_path / "d", "d/../d/a.jpg"]
    assert names(tmp_path, walk(paths)) == ["d/b.jpg", "d/a.jpg"]


def test_a_second_walk_finds_the_same(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "dangling.jpg").symlink_to("none")
    found = walk([tmp_path])
    assert list(found) == list(found)
    assert found.remarks == ["skipped 1 link that leads nowhere"]


def test_links(tmp_path: Path) -> None:
    make(tmp_path, "in/a.jpg", "out/b.jpg")
    (tmp_path / "in" / "file.jpg").symlink_to("../out/b.jpg")
    (tmp_path / "in" / "folder").symlink_to("../out")
    (tmp_path / "in" / "folder.jpg").symlink_to("../out")
    (tmp_path / "in" / "up").symlink_to("..")
    (tmp_path / "in" / "dangling.jpg").symlink_to("none")
    (tmp_path / "in" / "loop.jpg").symlink_to("loop.jpg")
    found = walk([tmp_path / "in"])
    assert names(tmp_path, found) == ["in/a.jpg", "in/file.jpg"]
    assert found.remarks == [
        "skipped 2 links that lead nowhere",
        "skipped 3 links to folders (give them as arguments to follow them)",
    ]
    assert found.unlistable == []
    assert names(tmp_path, walk([tmp_path / "in" / "folder"])) == ["in/folder/b.jpg"]


def test_given_links_that_lead_nowhere_are_a_remark(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to("none")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    found = walk([tmp_path / "dangling.jpg", tmp_path / "loop.jpg"])
    assert list(found) == []
    assert found.remarks == ["skipped 2 links that lead nowhere"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_sockets_never_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        found = walk([tmp_path, tmp_path / "pipe.jpg", Path("/dev/null")])
        assert names(tmp_path, found) == ["a.jpg"]
    assert found.remarks == ["skipped 4 pipes, sockets or devices"]


def test_what_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        walk([tmp_path / "none"])
    assert str(caught.value) == f"no such file or folder: {tmp_path / 'none'}"
    with pytest.raises(UsageError, match="nothing matches"):
        walk([tmp_path / "*.jpg"])
    with pytest.raises(UsageError, match="no such file or folder"):
        walk(["nul\0.jpg"])


def test_globs_are_expanded_unless_a_file_is_called_so(tmp_path: Path) -> None:
    make(tmp_path, "a1.jpg", "a2.txt", "a10.jpg", "d/e/b.jpg", ".h.jpg")
    assert names(tmp_path, walk([tmp_path / "a*"])) == ["a1.jpg", "a2.txt", "a10.jpg"]
    assert names(tmp_path, walk([tmp_path / "**" / "*.jpg"])) == ["a1.jpg", "a10.jpg", "d/e/b.jpg"]
    assert names(tmp_path, walk([tmp_path / "a[0-9].jpg"])) == ["a1.jpg"]
    make(tmp_path, "a[0-9].jpg")
    assert names(tmp_path, walk([tmp_path / "a[0-9].jpg"])) == ["a[0-9].jpg"]


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("*.png", ["a.jpg", "raw/c.jpg", "raw/deep/d.jpg"]),
        ("raw", ["a.jpg", "b.png"]),
        ("raw/", ["a.jpg", "b.png"]),
        ("raw/*.jpg", ["a.jpg", "b.png"]),
        ("raw/c.*", ["a.jpg", "b.png", "raw/deep/d.jpg"]),
        ("deep", ["a.jpg", "b.png", "raw/c.jpg"]),
        ("?.jpg", ["b.png"]),
        ("none", ["a.jpg", "b.png", "raw/c.jpg", "raw/deep/d.jpg"]),
    ],
)
def test_exclude(tmp_path: Path, pattern: str, kept: list[str]) -> None:
    make(tmp_path, "a.jpg", "b.png", "raw/c.jpg", "raw/deep/d.jpg")
    assert names(tmp_path, walk([tmp_path], exclude=[pattern])) == kept
    assert names(tmp_path, walk([f"{tmp_path}/"], exclude=["x", pattern])) == kept


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_names_that_are_no_utf_8_and_deep_folders(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9 \n.jpg"
    with open(raw, "wb"):  # noqa: PTH123 -- bytes
        pass
    deep = tmp_path.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "a.jpg").touch()
    assert [os.fsencode(one.path) for one in walk([tmp_path])] == [raw, os.fsencode(deep / "a.jpg")]


def test_a_folder_that_vanishes_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jpg", "b/1.jpg", "c/1.jpg")
    found = walk([tmp_path])
    got = []
    for one in found:
        got.append(os.path.relpath(one.path, tmp_path))
        if len(got) == 1:
            (tmp_path / "b" / "1.jpg").unlink()
            (tmp_path / "b").rmdir()
    assert got == ["a/1.jpg", "c/1.jpg"]
    assert found.unlistable == [str(tmp_path / "b")]
    assert found.remarks == [f"{tmp_path / 'b'}: can't be listed (No such file or directory)"]


_AS_NOBODY = """
import os, sys
sys.path[:0] = {path!r}
from seeing.media.walk import walk
import pwd
if os.getuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
found = walk([{folder!r}, {closed!r} + "/given.jpg"])
print([one.path for one in found]); print(found.remarks); print(found.unlistable)
"""


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions")
def test_a_folder_that_may_not_be_listed_is_reported(open_tmp_path: Path) -> None:
    make(open_tmp_path, "a.jpg", "closed/given.jpg", "z.jpg")
    closed = open_tmp_path / "closed"
    closed.chmod(0)
    try:
        code = _AS_NOBODY.format(path=sys.path, folder=str(open_tmp_path), closed=str(closed))
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
    finally:
        closed.chmod(0o755)
    files, remarks, unlistable = done.stdout.splitlines()
    assert files == str([str(open_tmp_path / "a.jpg"), str(open_tmp_path / "z.jpg")])
    assert unlistable == str([str(closed), f"{closed}/given.jpg"])
    assert f"{closed}: can't be listed (Permission denied)" in remarks
    assert done.stderr == ""
