"""Tables on a terminal: without colours if so wished, and narrow without a loss."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.commands.table import fitted

Draw = Callable[..., Path]
Run = Callable[..., Any]
BIN = Path(sys.executable).parent


def on_a_terminal(arguments: list[str], cwd: Path, **environment: str) -> str:
    """Run `q` with a terminal for its output and errors; return what was shown."""
    pty = pytest.importorskip("pty")
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [BIN / "q", *arguments], cwd=cwd, stdout=secondary, stderr=secondary,
        stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color", **environment},
    ) as process:  # fmt: skip
        os.close(secondary)
        shown = b""
        while True:
            try:
                part = os.read(primary, 4096)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.wait(20) == 0
    os.close(primary)
    return shown.decode("utf-8", "replace")


COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")


def test_no_color_is_honoured_on_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for call in (["find-similar", "pictures/0.png"], ["--help"]):
        shown = on_a_terminal(call, home, NO_COLOR="1", COLUMNS="100")
        assert len(shown) > 100
        assert not COLOUR.search(shown), call


def test_a_table_on_a_narrow_terminal_loses_nothing(home: Path, draw: Draw, q: Run) -> None:
    name = "a-rather-long-name-of-a-picture-that-does-not-fit.png"
    draw(home / "pictures" / name, 50)
    q("index", "pictures", cwd=home)
    shown = on_a_terminal(
        ["find-similar", "pictures/0.png"], home, NO_COLOR="1", COLUMNS="50", LINES="40"
    )
    letters = re.sub(r"\x1b\[[0-9;]*m|\s", "", shown)
    assert f"pictures/{name}" in letters


NUMBERS = re.compile(r"^ *\d+  ", re.MULTILINE)


def test_a_ranking_on_80_columns_keeps_names_and_digits(home: Path, draw: Draw, q: Run) -> None:
    name = "a-long-name-of-a-picture.png"
    draw(home / "pictures" / "a-folder" / name, 50)
    q("index", "pictures", cwd=home)
    for columns in ("80", "66"):
        shown = on_a_terminal(
            ["rank", "-q", "--reference", "pictures/0.png"], home, NO_COLOR="1", COLUMNS=columns
        )
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        lines = plain.splitlines()
        assert max(map(len, lines)) <= int(columns)
        assert len(NUMBERS.findall(plain)) == 6, plain
        (row,) = [line for line in lines if "pictures/a-folder" in line]
        assert re.search(r" -?\d\.\d{4}  +\d+ ", row), "digits are whole"
        assert name in re.sub(r"\s|of random pairs", "", plain[plain.index(row) :]), plain
        assert "cosine" not in plain


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (200, [4, 6, 5, 34, 44]),
        (80, [4, 6, 5, 18, 39]),  # "why" folds first, then the name
        (68, [4, 6, 5, 18, 27]),
        (60, [4, 6, 5, 0, 39]),  # then "why" is left out
        (30, [4, 6, 5, 0, 9]),
    ],
)
def test_words_fold_before_names_and_digits_never(room: int, expected: list[int]) -> None:
    right = [True, True, True, False, False]
    yields = [False, False, False, True, False]
    assert fitted([4, 6, 5, 34, 44], right, yields, room) == expected
