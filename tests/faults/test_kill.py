"""Killed at any moment, a library goes on to exactly what an undisturbed run gives."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
Pictures = Callable[..., list[Path]]
Content = Callable[[Path], Any]
Untouched = Callable[[Path], AbstractContextManager[None]]
Surroundings = Callable[..., dict[str, str]]


def killed_after(
    command: list[str], seconds: float, *, cwd: Path, env: dict[str, str]
) -> int | None:
    """Start a command and kill it; its status where it was quicker."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        process.wait()
        return None if process.returncode == -signal.SIGKILL else process.returncode


@pytest.fixture
def undisturbed(q: Run, pictures: Pictures, content: Content, tmp_path: Path) -> Any:
    """400 pictures, and what a library of them holds when nothing goes wrong."""
    pictures(tmp_path / "all", 400)
    (tmp_path / "all" / "broken.png").write_bytes(b"broken")
    shutil.copy(tmp_path / "all" / "picture 7.png", tmp_path / "all" / "a copy.png")
    q("index", "-e", "thumbnail", "--batch", "8", "all", cwd=tmp_path, status=3)
    held = content(tmp_path / ".q")
    shutil.rmtree(tmp_path / ".q")
    return held


def committed(folder: Path) -> int:
    import sqlite3

    try:
        connection = sqlite3.connect(f"file:{folder / '.q' / 'catalogue.db'}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def until_first_commit(command: list[str], *, cwd: Path, env: dict[str, str]) -> float:
    """Return how long a command takes on this machine, now, until it has kept something."""
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not committed(cwd) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    return time.monotonic() - started


@pytest.mark.slow
def test_twenty_five_kills_while_indexing(
    q: Run, command: list[str], surroundings: Surroundings, content: Content,
    untouched: Untouched, undisturbed: Any, tmp_path: Path,
) -> None:  # fmt: skip
    moments = random.Random(7)
    calls = [*command, "index", "-e", "thumbnail", "--batch", "1", "--threads", "1", "all"]
    progress = []
    with untouched(tmp_path / "all"):
        begun = until_first_commit(calls, cwd=tmp_path, env=surroundings())
        for _ in range(25):
            seconds = begun * moments.uniform(0.2, 1.8)
            killed_after(calls, seconds, cwd=tmp_path, env=surroundings())
            progress.append(committed(tmp_path))
            if progress[-1] >= 300:  # begin again: the start is when most can go wrong
                q("doctor", cwd=tmp_path)
                shutil.rmtree(tmp_path / ".q")
        q("index", "-e", "thumbnail", "all", cwd=tmp_path, status=None)
        assert "broken.png" in q("status", cwd=tmp_path).stdout
    assert any(0 < done < 400 for done in progress) or max(progress) > 0, progress
    assert content(tmp_path / ".q") == undisturbed
    assert "wrong" not in q("doctor", "--deep", cwd=tmp_path).stdout
    found = q("find-similar", "all/picture 3.png", "-n", "1", "--paths", cwd=tmp_path, status=None)
    assert found.stdout.startswith("all/")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["forget", "prune"])
def test_kills_while_forgetting(
    q: Run, command: list[str], surroundings: Surroundings, content: Content, pictures: Pictures,
    way: str, tmp_path: Path,
) -> None:  # fmt: skip
    drawn = pictures(tmp_path / "all", 400)
    pictures(tmp_path / "gone", 200, seed=5)
    q("index", "-e", "thumbnail", "all", "gone", cwd=tmp_path)
    q("index", "-e", "colour", "all", "gone", cwd=tmp_path)
    shutil.copytree(tmp_path / ".q", tmp_path / "kept")
    if way == "prune":
        shutil.rmtree(tmp_path / "gone")
        calls = [*command, "index", "--prune", "gone", "all"]
        (tmp_path / "gone").mkdir()
    else:
        calls = [*command, "forget", "gone"]
    started = time.monotonic()
    subprocess.run(calls, cwd=tmp_path, env=surroundings(), check=True, capture_output=True)
    seconds = time.monotonic() - started
    expected = content(tmp_path / ".q")
    assert len(expected.items) == len(drawn)
    moments = random.Random(11)
    for _ in range(3):
        shutil.rmtree(tmp_path / ".q")
        shutil.copytree(tmp_path / "kept", tmp_path / ".q")
        killed_after(calls, moments.uniform(0.3, 1.05) * seconds, cwd=tmp_path, env=surroundings())
        q("doctor", cwd=tmp_path)
        q(*calls[1:], cwd=tmp_path, status=None)  # nothing left to forget is an error of the call
        assert content(tmp_path / ".q") == expected
        q("index", "--prune", cwd=tmp_path)
        files = list((tmp_path / ".q" / "vectors").iterdir())
        assert len(files) == 2, files  # no orphans stay
        assert content(tmp_path / ".q") == expected


@pytest.mark.slow
def test_kills_while_the_index_is_built(
    q: Run, command: list[str], surroundings: Surroundings, pictures: Pictures, tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 300)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    call = ["find-similar", "all/picture 3.png", "--json"]
    expected = q(*call, cwd=tmp_path, status=None).stdout
    moments = random.Random(13)
    for _ in range(5):
        shutil.rmtree(tmp_path / ".q" / "index")
        killed_after(
            [*command, *call], moments.uniform(0.15, 0.45), cwd=tmp_path, env=surroundings()
        )
        done = q(*call, "--quiet", cwd=tmp_path, status=None)
        told, known = (text.partition('"remarks"')[0] for text in (done.stdout, expected))
        assert told == known
        q("doctor", cwd=tmp_path)
    left = list((tmp_path / ".q" / "index").glob(".*"))
    assert len(left) <= 1, left  # what a kill leaves is cleared away by a later write


def interrupted(
    command: list[str], *, cwd: Path, env: dict[str, str], times: int, pause: float
) -> tuple[int, str, str, float]:
    """Start indexing, press Ctrl-C so many times once it has begun; (status, out, err, seconds)."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 20
        while committed(cwd) == 0 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        started = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(pause)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err, time.monotonic() - started


def slow_pictures(folder: Path, count: int) -> None:
    """Pictures that take some 50 ms each, so that there is time to interrupt."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        grown = np.full((1400, 1400, 3), number, np.uint8)
        grown[::2, ::3] += 7
        Image.fromarray(grown).save(folder / f"{number}.png", compress_level=1)


@pytest.mark.slow
def test_ctrl_c_finishes_the_batch_and_says_how_to_go_on(
    q: Run, command: list[str], surroundings: Surroundings, content: Content, tmp_path: Path
) -> None:
    slow_pictures(tmp_path / "all", 80)
    call = [*command, "index", "-e", "builtin", "--batch", "2", "--threads", "1", "all"]
    status, out, err, _ = interrupted(call, cwd=tmp_path, env=surroundings(), times=1, pause=0)
    assert status == 130, (out, err)
    assert "press Ctrl-C again" in err and "Run the same command to go on" in err
    assert 0 < len(content(tmp_path / ".q").items) < 80
    shutil.rmtree(tmp_path / ".q")
    status, out, err, seconds = interrupted(
        call, cwd=tmp_path, env=surroundings(), times=2, pause=0.05
    )
    assert status == 130, (out, err)
    assert "interrupted" in err.splitlines()[-1]
    assert seconds < 5
    assert "Traceback" not in err
    q(*call[1:], cwd=tmp_path, timeout=120)
    assert len(content(tmp_path / ".q").items) == 80


def test_ctrl_c_at_the_very_start(
    command: list[str], surroundings: Surroundings, pictures: Pictures, tmp_path: Path
) -> None:
    pictures(tmp_path, 3)
    for pause in (0.0, 0.01, 0.03, 0.1):
        shutil.rmtree(tmp_path / ".q", ignore_errors=True)
        with subprocess.Popen(
            [*command, "index", "-e", "thumbnail", "."], cwd=tmp_path, env=surroundings(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            while process.poll() is None and not (tmp_path / ".q").exists():
                time.sleep(0.002)
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert "Traceback" not in err, (pause, err)
        assert process.returncode in (0, 130, -signal.SIGINT), (pause, err)
        if process.returncode == 130:
            assert err.splitlines()[-1].startswith("q: "), err


def test_ctrl_c_in_a_pipe(
    command: list[str], surroundings: Surroundings, pictures: Pictures, tmp_path: Path
) -> None:
    """The reader takes one path of three hundred and goes away: quiet, status 0."""
    pictures(tmp_path, 300)
    subprocess.run(
        [*command, "index", "-e", "thumbnail", "."], cwd=tmp_path, env=surroundings(), check=True,
        capture_output=True,
    )  # fmt: skip
    for _ in range(3):
        done = subprocess.run(
            ["sh", "-c", '"$0" find-similar "picture 1.png" -n 299 --json | head -c 10',
             *command],
            cwd=tmp_path, env=surroundings(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == "" and len(done.stdout) == 10
