"""The installed command in a process of its own, its output in a pipe."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE

Draw = Callable[..., Path]
Run = Callable[..., Any]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("name", ["q", "seeing"])
def test_the_installed_command(name: str, tmp_path: Path, draw: Draw, q: Run) -> None:
    for seed in range(3):
        draw(tmp_path / f"{seed}.png", seed)
    made = q("index", ".", "--encoder", "thumbnail", cwd=tmp_path, name=name)
    assert made.status == EXIT_DONE, made.err
    assert made.out.startswith("3 new; 3 encoded in ")
    assert made.err == ""
    found = q("find-similar", "0.png", "--paths", cwd=tmp_path, name=name)
    assert (found.status, sorted(found.out.split()), found.err) == (0, ["1.png", "2.png"], "")


def test_as_a_module(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seeing", "status", "--json"], cwd=home, capture_output=True,
        check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["items"] == 5


@pytest.mark.parametrize("options", [[], ["--json"], ["--paths"], ["--csv", "-"]])
def test_a_closed_pipe_ends_quietly(home: Path, options: list[str]) -> None:
    with subprocess.Popen(
        [BIN / "q", "find-similar", "pictures/0.png", *options], cwd=home,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        process.stdout.close()  # long before the first word comes
        assert process.stderr.read() == b""
    assert process.returncode == EXIT_DONE


def test_the_first_line_of_many(home: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; '{BIN}/q' find-similar pictures/0.png | head -n 1"],
        cwd=home, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (EXIT_DONE, b"rank", b"")


def test_no_colours_in_a_pipe_and_none_with_no_color(home: Path, q: Run) -> None:
    for environment in ({}, {"NO_COLOR": "1"}):
        for call in (["find-similar", "pictures/0.png"], ["status"], ["--help"], ["nonsense"],
                     ["index", "--help"]):  # fmt: skip
            answer = q(*call, cwd=home, **environment)
            assert "\x1b" not in answer.out + answer.err, call
