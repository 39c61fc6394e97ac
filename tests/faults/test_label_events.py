"""Answers that were acknowledged stay: two at once, killed, on a full disk, on read-only media."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Surroundings = Callable[..., dict[str, str]]

LABELLING = """
import sys
from seeing.library import open_library
from seeing.errors import SeeingError
who, answers, count = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
with open_library(".") as library:
    items = sorted(str(item.path) for item in library.items())
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(count):
        try:
            answer = answers[n % len(answers)]
            library.exemplars.label(items[n % len(items)], answer, name="s", who=who)
        except SeeingError as problem:
            print("problem", problem, flush=True)
            sys.exit(2)
        print("said", answer, flush=True)
"""


@pytest.fixture
def home(q: Run, pictures: Pictures, tmp_path: Path) -> Path:
    """Twelve pictures, indexed."""
    pictures(tmp_path, 12)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    return tmp_path


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(home: Path, surroundings: Surroundings) -> Start:
    """start(who, "a,b", count) is a process that labels once it is told to go on."""

    def started(who: str, answers: str, count: int, **more: Any) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", LABELLING, who, answers, str(count)], cwd=home,
            env=surroundings(), text=True, stdin=-1, stdout=-1, stderr=-1, **more,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        return process

    return started


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def events(home: Path) -> list[tuple[str, str]]:
    import sqlite3

    with closing(sqlite3.connect(home / ".q" / "catalogue.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT who, answer FROM label_events ORDER BY id").fetchall()


def test_two_that_label_at_once_lose_nothing(home: Path, q: Run, start: Start) -> None:
    """Both make the set, each brings classes of its own."""
    both = [start("ann", "ring,disc", 12), start("bob", "bar,spiral", 12)]
    for process in both:
        go(process)
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)
        assert out.count("said") == 12
    held = events(home)
    assert [who for who, _ in held].count("ann") == [who for who, _ in held].count("bob") == 12
    shown = q("exemplars", "show", "s", "--json", cwd=home).stdout
    for word in ("ring", "disc", "bar", "spiral"):
        assert f'"{word}"' in shown.partition('"labelled"')[0], "a set knows all its answers"
    assert q("exemplars", "list", cwd=home).stdout.split().count("s") == 1


def test_a_kill_loses_nothing_that_was_acknowledged(home: Path, q: Run, start: Start) -> None:
    acknowledged = 0
    for turn, wanted in enumerate((1, 7, 20)):
        process = start("ann", "1,2,3", 100_000)
        go(process)
        assert process.stdout is not None
        for _ in range(wanted):
            assert process.stdout.readline().startswith("said")
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
        acknowledged += wanted + out.count("said")
        held = len(events(home))
        assert acknowledged <= held <= acknowledged + turn + 1
    q("label", "picture 3.png", "--set", "s", "--label", "5", cwd=home)
    assert "wrong" not in q("doctor", cwd=home).stdout


def test_a_full_disk_keeps_what_was_acknowledged(home: Path, q: Run, start: Start) -> None:
    size = (home / ".q" / "catalogue.db").stat().st_size

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 60_000, size + 60_000))

    process = start("ann", "1,2,3", 100_000, preexec_fn=limit)
    go(process)
    out, err = process.communicate(timeout=60)
    *said, problem = out.splitlines()
    assert process.returncode == 2 and not err, (out[-200:], err)
    assert "full or failing" in problem and "what was done before is kept" in problem
    assert 0 < len(said) == len(events(home))
    q("label", "picture 3.png", "--set", "s", "--label", "5", cwd=home)


def test_a_read_only_library_says_so_before_any_work(
    q: Run, refused: Refused, small_disk: Callable[[str], Any], pictures: Pictures, tmp_path: Path
) -> None:
    disk = small_disk("20m")
    pictures(disk.folder, 12)
    q("index", "-e", "thumbnail", ".", cwd=disk.folder)
    for number in range(4):
        q("label", f"picture {number}.png", "--set", "s", "--label", f"{number + 1}",
          cwd=disk.folder)  # fmt: skip
    exported = q("exemplars", "export", "s", cwd=disk.folder).stdout
    (tmp_path / "s.csv").write_text(exported)
    (tmp_path / "other.csv").write_text("item,answer\nno picture.png,5\n")
    disk.remount("ro")
    for call in (
        ("label", "no picture.png", "--set", "s", "--label", "5"),
        ("label", "--set", "s", "--undo"),
        ("exemplars", "import", str(tmp_path / "s.csv")),
        ("exemplars", "import", str(tmp_path / "other.csv"), "--set", "s"),
        ("exemplars", "remove", "s", "--yes"),
        ("exemplars", "restore", "s"),
    ):
        assert "can't be written: answers would be lost" in refused(*call, cwd=disk.folder), call
    ranked = q("rank", "--exemplars", "s", "--paths", cwd=disk.folder)
    assert len(ranked.stdout.splitlines()) == 12
    assert q("exemplars", "export", "s", cwd=disk.folder).stdout == exported
    assert len(q("exemplars", "suggest", "s", cwd=disk.folder).stdout.splitlines()) == 8
    disk.remount("rw")
