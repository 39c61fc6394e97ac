"""Files and folders that go, grow or are exchanged while they are read."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., CompletedProcess[str]]
Pictures = Callable[..., list[Path]]
Content = Callable[[Path], Any]
Surroundings = Callable[..., dict[str, str]]


def begun(
    command: list[str], *arguments: str, cwd: Path, env: dict[str, str]
) -> subprocess.Popen[str]:
    """Start indexing and wait until the first pictures have been written down."""
    process = subprocess.Popen(
        [*command, *arguments], cwd=cwd, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while process.poll() is None and not any((cwd / ".q").glob("vectors/*")):
        time.sleep(0.005)
    return process


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Pictures that take a while each."""
    folder = tmp_path / "all"
    folder.mkdir()
    for number in range(120):
        grown = np.full((1100, 1100, 3), number, np.uint8)
        grown[::2, ::3] += 7
        Image.fromarray(grown).save(folder / f"{number}.png", compress_level=1)
    return folder


@pytest.mark.slow
def test_a_folder_that_disappears_while_it_is_indexed(
    q: Run, command: list[str], surroundings: Surroundings, content: Content, large: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    call = ("index", "-e", "thumbnail", "--batch", "2", "--threads", "1", "all")
    process = begun(command, *call, cwd=tmp_path, env=surroundings())
    large.rename(tmp_path / "away")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, (out, err)
    lines = err.splitlines()
    assert lines and all(line.endswith("no such file") for line in lines), err
    (tmp_path / "away").rename(large)
    q("index", "all", cwd=tmp_path)
    assert len(content(tmp_path / ".q").vectors) == 120
    assert "unreadable" not in q("status", cwd=tmp_path).stdout


@pytest.mark.slow
def test_the_library_disappears_while_it_is_written(
    q: Run, command: list[str], surroundings: Surroundings, large: Path, tmp_path: Path
) -> None:
    call = ("index", "-e", "thumbnail", "--batch", "2", "--threads", "1", "all")
    process = begun(command, *call, cwd=tmp_path, env=surroundings())
    shutil.rmtree(tmp_path / ".q")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, (out, err)
    assert len(err.splitlines()) == 1 and "Traceback" not in err, err
    assert "120 new" in q(*call, cwd=tmp_path).stdout


def test_the_library_disappears_while_it_is_searched(
    q: Run, command: list[str], surroundings: Surroundings, pictures: Pictures, tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 60)
    (target,) = pictures(tmp_path / "elsewhere", 1, seed=3)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    shutil.copytree(tmp_path / ".q", tmp_path / "kept")
    for pause in (0.05, 0.12, 0.18, 0.22, 0.26, 0.3, 0.35):
        process = subprocess.Popen(
            [*command, "find-similar", target], cwd=tmp_path, env=surroundings(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(pause)
        shutil.rmtree(tmp_path / ".q", ignore_errors=True)
        out, err = process.communicate(timeout=30)
        assert process.returncode in (0, 1, 2), (out, err)
        assert "Traceback" not in err, err
        if process.returncode == 2:
            assert len(err.splitlines()) == 1, err
        shutil.rmtree(tmp_path / ".q", ignore_errors=True)
        shutil.copytree(tmp_path / "kept", tmp_path / ".q")


def test_files_that_grow_and_are_exchanged_while_being_read(
    q: Run, pictures: Pictures, content: Content, tmp_path: Path
) -> None:
    """Whatever was caught in between, the next call after things came to rest is right."""
    drawn = pictures(tmp_path / "all", 200)
    other = pictures(tmp_path / "other", 200, seed=9)
    ends = threading.Event()

    def disturb() -> None:
        number = 0
        while not ends.is_set():
            number = (number + 7) % 200
            path = drawn[number]
            held = other[number].read_bytes()
            if number % 3 == 0:
                scratch = path.with_name("scratch")
                scratch.write_bytes(held)
                scratch.replace(path)
            elif number % 3 == 1:
                path.write_bytes(held[: len(held) // 2])
                with path.open("ab") as file:
                    file.write(held[len(held) // 2 :])
            else:
                os.truncate(path, 100)
                path.write_bytes(held)

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        for _ in range(3):
            done = q("index", "-e", "thumbnail", "--batch", "4", "all", cwd=tmp_path, status=None)
            assert done.returncode in (0, 3), done.stderr
    finally:
        ends.set()
        disturbing.join()
    q("index", "all", cwd=tmp_path, status=None)
    found = content(tmp_path / ".q")
    shutil.rmtree(tmp_path / ".q")
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    expected = content(tmp_path / ".q")
    assert {path: row[2:] for path, row in found.items.items()} == {
        path: row[2:] for path, row in expected.items.items()
    }
    assert sorted(found.vectors.values()) == sorted(expected.vectors.values())
