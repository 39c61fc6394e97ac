"""Several at once: one writes, the others say that they wait or search on; nothing is lost."""

import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
Pictures = Callable[..., list[Path]]
Content = Callable[[Path], Any]
Surroundings = Callable[..., dict[str, str]]


def started(
    command: list[str], *arguments: str, cwd: Path, env: dict[str, str]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *arguments], cwd=cwd, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("folders", [("one", "one"), ("one", "two"), (".", "one")])
def test_two_that_index_at_once(
    q: Run, command: list[str], surroundings: Surroundings, pictures: Pictures, content: Content,
    folders: tuple[str, str], tmp_path: Path,
) -> None:  # fmt: skip
    pictures(tmp_path / "one", 500)
    pictures(tmp_path / "two", 500, seed=1, first=500)
    shutil.copy(tmp_path / "one" / "picture 3.png", tmp_path / "two" / "copy.png")
    both = [
        started(command, "index", "-e", "thumbnail", "--batch", "8", folder, cwd=tmp_path,
                env=surroundings())
        for folder in folders
    ]  # fmt: skip
    told = ""
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)
        assert "locked" not in err and "Traceback" not in err, err
        told += err
    assert told.count("waiting for it to finish") <= 1
    found = content(tmp_path / ".q")
    expected = {("one", "one"): 500}.get(folders, 1001)
    assert len(found.items) == len(found.vectors) == expected
    shutil.rmtree(tmp_path / ".q")
    for folder in sorted(set(folders)):
        q("index", "-e", "thumbnail", folder, cwd=tmp_path)
    alone = content(tmp_path / ".q")
    assert alone.items.keys() == found.items.keys()
    assert {path: row[1:] for path, row in alone.items.items()} == {
        path: row[1:] for path, row in found.items.items()
    }
    assert alone.vectors.keys() == found.vectors.keys()
    assert alone.vectors == found.vectors


def test_the_one_that_waits_says_for_whom(
    command: list[str], surroundings: Surroundings, pictures: Pictures, tmp_path: Path
) -> None:
    import filelock

    pictures(tmp_path, 5)
    (tmp_path / ".q").mkdir()
    with filelock.FileLock(tmp_path / ".q" / "lock"):
        (tmp_path / ".q" / "lock.pid").write_text("4711\n")
        waiting = started(
            command, "index", "-e", "thumbnail", ".", cwd=tmp_path, env=surroundings()
        )
        assert waiting.stderr is not None
        assert select.select([waiting.stderr], [], [], 20)[0], "it waits without a word"
        line = waiting.stderr.readline()
        assert "another q is writing" in line and "process 4711" in line and "wait" in line
        time.sleep(0.3)
        assert waiting.poll() is None
    out, err = waiting.communicate(timeout=30)
    assert waiting.returncode == 0 and "5 new" in out, (out, err)


@pytest.mark.slow
def test_searches_while_others_index_and_forget(
    q: Run, command: list[str], surroundings: Surroundings, pictures: Pictures, content: Content,
    tmp_path: Path,
) -> None:  # fmt: skip
    pictures(tmp_path / "old", 300)
    pictures(tmp_path / "new", 600, seed=2, first=300)
    pictures(tmp_path / "gone", 100, seed=3, first=900)
    (target,) = pictures(tmp_path / "elsewhere", 1, seed=4)
    q("index", "-e", "thumbnail", "old", "gone", cwd=tmp_path)
    env = surroundings()
    writers = [
        started(command, "index", "--batch", "4", "new", cwd=tmp_path, env=env),
        started(command, "forget", "gone", cwd=tmp_path, env=env),
    ]
    for _ in range(5):
        searches = {
            call[0]: started(command, *call, cwd=tmp_path, env=env)
            for call in (
                ("rank", "--reference", "old/picture 7.png", "--paths"),
                ("find-similar", str(target), "--json", "--where", "width = 32"),
                ("status",),
                ("doctor",),
            )
        }
        for name, search in searches.items():
            out, err = search.communicate(timeout=60)
            assert search.returncode in (0, 1), (search.args, out, err)
            assert "locked" not in err and "Traceback" not in err, err
            if name != "doctor":  # it looks at several things, one after the other
                assert "wrong" not in out and "damaged" not in err, (search.args, out, err)
    for writer in writers:
        out, err = writer.communicate(timeout=60)
        assert writer.returncode == 0, (out, err)
    found = content(tmp_path / ".q")
    assert len(found.items) == len(found.vectors) == 900
    assert "wrong" not in q("doctor", cwd=tmp_path).stdout
