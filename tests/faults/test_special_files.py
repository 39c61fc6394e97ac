"""Files that are no pictures: links, pipes, sockets, devices, closed ones. Nothing ever waits."""

import os
import socket
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Untouched = Callable[[Path], AbstractContextManager[None]]


def test_pipes_sockets_devices_and_broken_links_are_passed_over(
    q: Run,
    pictures: Pictures,
    untouched: Untouched,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures(tmp_path, 3)
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)  # a socket's name may have 107 bytes
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket.png")
    (tmp_path / "nowhere.png").symlink_to("gone.png")
    (tmp_path / "round.png").symlink_to("round.png")
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    (tmp_path / "up").symlink_to("..")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "terminal.png").symlink_to("/dev/tty")
    (tmp_path / "folder.png").mkdir()
    linked = tmp_path / "linked.png"
    linked.symlink_to("picture 0.png")
    with listening, untouched(tmp_path):
        done = q("index", "-e", "thumbnail", ".", cwd=tmp_path, timeout=20)
    assert "3 new" in done.stdout and "1 copied" in done.stdout, done.stdout
    assert "4 links that lead nowhere" in done.stderr
    assert "4 pipes, sockets or devices" in done.stderr
    q("index", ".", cwd=tmp_path, timeout=20)


@pytest.mark.parametrize("name", ["pipe.png", "/dev/zero", "/dev/tty", "/dev/stdin", "folder"])
def test_asking_for_something_that_is_no_file_never_waits(
    q: Run, refused: Refused, pictures: Pictures, name: str, tmp_path: Path
) -> None:
    pictures(tmp_path, 2)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder").mkdir()
    q("index", "-e", "thumbnail", "picture 0.png", "picture 1.png", cwd=tmp_path)
    reading, writing = os.pipe()  # a standard input that never ends
    try:
        told = refused("find-similar", name, cwd=tmp_path, timeout=20, stdin=reading)
        assert name in told
        told = refused("rank", "--reference", name, cwd=tmp_path, timeout=20, stdin=reading)
        assert name in told
        q("index", name, cwd=tmp_path, timeout=20, stdin=reading)
        held = q("status", cwd=tmp_path).stdout
        assert "pictures  2" in held
    finally:
        os.close(reading)
        os.close(writing)


def test_a_picture_exchanged_for_a_pipe_is_unreadable_and_comes_back(
    q: Run, pictures: Pictures, tmp_path: Path
) -> None:
    first, second = pictures(tmp_path, 2)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    held = first.read_bytes()
    first.unlink()
    os.mkfifo(first)
    q("index", ".", cwd=tmp_path, timeout=20)
    found = q("find-similar", second.name, "--paths", cwd=tmp_path, timeout=20, status=1)
    assert found.stdout == ""
    first.unlink()
    first.write_bytes(held)
    q("index", ".", cwd=tmp_path)
    assert q("find-similar", second.name, "--paths", cwd=tmp_path).stdout == f"{first.name}\n"


def test_closed_files_and_folders_are_named_and_tried_again(
    q: Run, q_as_nobody: Run, pictures: Pictures, open_tmp_path: Path
) -> None:
    library = open_tmp_path / "library"
    library.mkdir()
    library.chmod(0o777)
    shown = open_tmp_path / "shown"
    closed = pictures(shown, 3)[1]
    pictures(shown / "cellar", 2, seed=1)
    closed.chmod(0)
    (shown / "cellar").chmod(0)
    try:
        done = q_as_nobody("index", "-e", "thumbnail", "../shown", cwd=library, status=3)
        assert f"shown/{closed.name}: permission denied" in done.stderr
        assert "cellar: can't be listed (Permission denied)" in done.stderr
        assert "2 new" in done.stdout
        again = q_as_nobody("index", "../shown", cwd=library)
        assert "permission denied" not in again.stderr  # told before; it is in q status
        assert "permission denied" in q_as_nobody("status", cwd=library).stdout
        closed.chmod(0o644)
        (shown / "cellar").chmod(0o755)
        assert "3 encoded" in q_as_nobody("index", "../shown", cwd=library).stdout
        # closed again: what is known of it stays
        (shown / "cellar").chmod(0)
        assert "vanished" not in q_as_nobody("index", "../shown", cwd=library).stdout
    finally:
        (shown / "cellar").chmod(0o755)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o644


def test_a_library_that_is_a_file_a_link_or_nowhere(
    q: Run, refused: Refused, pictures: Pictures, tmp_path: Path
) -> None:
    pictures(tmp_path, 3)
    (tmp_path / "file").write_text("I am a file\n")
    for arguments in (("index", "."), ("find-similar", "picture 0.png"), ("status",), ("doctor",)):
        told = refused("--library", "file", cwd=tmp_path) if not arguments else None
        told = refused(*arguments, "--library", "file", cwd=tmp_path)
        assert "file" in told
        if arguments[0] != "index":
            told = refused(*arguments, cwd=tmp_path, env={"Q_LIBRARY": "/no/where"})
            assert "/no/where" in told
            assert "no library" in refused(*arguments, cwd=tmp_path)
    assert (tmp_path / "file").read_text() == "I am a file\n"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".q").symlink_to(elsewhere)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    assert (elsewhere / "catalogue.db").is_file()
    assert len(q("find-similar", "picture 0.png", "--paths", cwd=tmp_path).stdout.split("\n")) == 3
    (tmp_path / "elsewhere").rename(tmp_path / "moved")
    refused("status", cwd=tmp_path)
    refused("index", ".", cwd=tmp_path)
