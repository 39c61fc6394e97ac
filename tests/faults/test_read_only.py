"""Read-only media: everything that reads works, everything that writes says so at once."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Surroundings = Callable[..., dict[str, str]]


def check_reading(run: Run, folder: Path, target: Path, *, present: int) -> None:
    reading: tuple[tuple[str, ...], ...] = (
        ("find-similar", "all/picture 5.png"), ("find-similar", str(target)),
        ("find-similar", str(target), "--where", "width = 32"),
    )  # fmt: skip
    for call in reading:
        done = run(*call, "-n", "3", "--paths", cwd=folder, status=None)
        assert done.returncode in (0, 1), done.stderr
        assert len(done.stdout.splitlines()) == 3, (call, done.stdout, done.stderr)
    assert f"pictures  {present}" in run("status", cwd=folder).stdout
    assert "searching only" in run("doctor", cwd=folder, status=None).stdout
    run("encoders", cwd=folder)
    run("rank", "--reference", str(target), cwd=folder, status=0)
    writing: tuple[tuple[str, ...], ...] = (
        ("index", "all"), ("forget", "all"), ("index", "--prune"),
        ("encoders", "--default", "thumbnail"),
    )  # fmt: skip
    for call in writing:
        done = run(*call, cwd=folder, status=2)
        assert len(done.stderr.splitlines()) == 1, (call, done.stderr)
        assert "can't be written" in done.stderr or "read-only" in done.stderr, done.stderr
    # with a broken picture that was not there before: refused before anything is read
    assert "1 new" in run("index", "--dry-run", str(target), cwd=folder).stdout


def test_a_disk_mounted_read_only(
    q: Run, pictures: Pictures, small_disk: Callable[[str], Any], tmp_path: Path
) -> None:
    disk = small_disk("20m")
    pictures(disk.folder / "all", 80)
    (target,) = pictures(tmp_path / "elsewhere", 1, seed=8)
    q("index", "-e", "thumbnail", "all", cwd=disk.folder)
    disk.remount("ro")
    check_reading(q, disk.folder, target, present=80)
    disk.remount("rw")
    assert "80 unchanged" in q("index", "all", cwd=disk.folder).stdout


def test_a_disk_mounted_read_only_after_a_kill(
    q: Run, command: list[str], surroundings: Surroundings, pictures: Pictures,
    small_disk: Callable[[str], Any], tmp_path: Path,
) -> None:  # fmt: skip
    """The write-ahead log was never folded in; reading without it would be an old state."""
    disk = small_disk("20m")
    pictures(disk.folder / "all", 80)
    pictures(disk.folder / "more", 900, seed=3, first=80)
    (target,) = pictures(tmp_path / "elsewhere", 1, seed=8)
    q("index", "-e", "thumbnail", "all", cwd=disk.folder)
    process = subprocess.Popen(
        [*command, "index", "--batch", "1", "--threads", "1", "more"], cwd=disk.folder,
        env=surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = disk.folder / ".q" / "catalogue.db-wal"
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and log.stat().st_size > 100_000:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert log.stat().st_size > 0
    copied = tmp_path / "copied"
    shutil.copytree(disk.folder, copied)
    told = q("status", cwd=copied).stdout
    present = int(told.partition("pictures  ")[2].split()[0])
    disk.remount("ro")
    check_reading(q, disk.folder, target, present=present)


def test_a_library_of_somebody_else(
    q: Run, q_as_nobody: Run, pictures: Pictures, open_tmp_path: Path
) -> None:
    pictures(open_tmp_path / "all", 80)
    (target,) = pictures(open_tmp_path / "elsewhere", 1, seed=8)
    q("index", "-e", "thumbnail", "all", cwd=open_tmp_path)
    if os.geteuid() != 0:
        for path in [open_tmp_path / ".q", *(open_tmp_path / ".q").rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        check_reading(q_as_nobody, open_tmp_path, target, present=80)
        # a damaged index there: answered from memory
        (open_tmp_path / ".q" / "index").chmod(0o755)
        (open_tmp_path / ".q" / "index" / "1.faiss").chmod(0o644)
        (open_tmp_path / ".q" / "index" / "1.faiss").write_bytes(b"damaged")
        done = q_as_nobody("find-similar", "all/picture 5.png", cwd=open_tmp_path, status=None)
        assert len(done.stdout.splitlines()) == 13, done.stderr
        empty = open_tmp_path / "empty"
        empty.mkdir()
        empty.chmod(0o555)
        outside = ("index", "-e", "thumbnail", "../all", "--library", ".")
        done = q_as_nobody(*outside, cwd=empty, status=2)
        assert len(done.stderr.splitlines()) == 1, done.stderr
        closed = open_tmp_path / ".q" / "catalogue.db"
        closed.chmod(0)
        done = q_as_nobody("status", cwd=open_tmp_path, status=2)
        assert len(done.stderr.splitlines()) == 1, done.stderr
        (open_tmp_path / ".q").chmod(0)
        done = q_as_nobody("status", cwd=open_tmp_path, status=2)
        assert len(done.stderr.splitlines()) == 1, done.stderr
    finally:
        for path in [open_tmp_path / ".q", *(open_tmp_path / ".q").rglob("*")]:
            path.chmod(0o755)
