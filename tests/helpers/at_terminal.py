"""A person at a terminal: the real command behind a pseudo-terminal, keys, and the screen.

The screen is kept by a small emulator of what the labeller uses: it is no code of the package.
"""

import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import sqlite3
import struct
import sys
import termios
import time
import unicodedata
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = Path(sys.executable).parent / "q"
DRAWN = b"\x1b[?2026l"
"""What ends each drawing of the screen."""
LEFT = b"\x1b[?1049l\x1b[?2026l"
_TOKEN = re.compile(
    r"\x1b\[(?P<how>[0-9;?]*)(?P<what>[@-~])|\x1b[P_\]].*?(?:\x1b\\|\x07)|\x1b.|(?P<letter>.)",
    re.DOTALL,
)


_TELLING = ("Q_", "TERM", "COLOR", "NO_COLOR", "TMUX", "LC_TERMINAL", "KITTY", "WEZTERM", "KONSOLE")
"""How variables begin that tell of the terminal in which the tests run."""


class Cell(NamedTuple):
    letter: str = " "
    ink: str = ""
    ground: str = ""


class Screen:
    """Letters and colours on a screen, from the bytes sent to it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cells = [[Cell()] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.ink = self.ground = ""
        self.modes: dict[str, bool] = {}

    def take(self, sent: bytes) -> None:
        for found in _TOKEN.finditer(sent.decode("utf-8", "replace")):
            if found["letter"] is not None:
                self._write(found["letter"])
            elif found["what"] == "H":
                row, _, column = (found["how"] or "1;1").partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif found["what"] == "m":
                self._colour(found["how"])
            elif found["what"] == "K":
                self.cells[self.row] = [Cell()] * self.columns
            elif found["what"] == "J":
                self.cells = [[Cell()] * self.columns for _ in range(self.rows)]
            elif found["what"] in ("h", "l") and found["how"].startswith("?"):
                self.modes[found["how"]] = found["what"] == "h"

    def _write(self, letter: str) -> None:
        if not self.modes.get("?1049"):  # progress of indexing, before
            return
        assert letter.isprintable(), repr(letter)
        assert self.column < self.columns, "a line is longer than the screen is wide"
        self.cells[self.row][self.column] = Cell(letter, self.ink, self.ground)
        self.column += 2 if unicodedata.east_asian_width(letter) in "WF" else 1

    def _colour(self, how: str) -> None:
        parts = how.split(";")
        while parts:
            first = parts.pop(0)
            if first in ("38", "48"):
                length = 4 if parts[0] == "2" else 2
                told, parts = ";".join(parts[:length]), parts[length:]
                if first == "38":
                    self.ink = told
                else:
                    self.ground = told
            elif first in ("", "0"):
                self.ink = self.ground = ""
            elif first in ("30", "90", "37", "97"):
                self.ink = first
            elif first in ("40", "100", "47", "107"):
                self.ground = first

    def line(self, row: int) -> str:
        return "".join(cell.letter for cell in self.cells[row]).rstrip()

    def lines(self) -> list[str]:
        return [self.line(row) for row in range(self.rows)]

    def picture_cells(self) -> list[tuple[int, int, Cell]]:
        return [
            (row, column, cell)
            for row, line in enumerate(self.cells)
            for column, cell in enumerate(line)
            if cell.letter == "▀"
        ]


def wear(fd: int, columns: int, rows: int, cell: tuple[int, int] | None = None) -> None:
    """Give a terminal a size, in letters and, with a cell, in pixels."""
    wide, high = (columns * cell[0], rows * cell[1]) if cell else (0, 0)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, wide, high))


class Person:
    """The command at a terminal of its own, and somebody who presses keys."""

    def __init__(
        self, *arguments: str, cwd: Path, columns: int = 80, rows: int = 24,
        cell: tuple[int, int] | None = None, shell: bool = False, **environment: str,
    ) -> None:  # fmt: skip
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("Q_", "TERM", "COLOR"))}
        for name in (
            "TMUX",
            "KITTY_WINDOW_ID",
            "WEZTERM_EXECUTABLE",
            "KONSOLE_VERSION",
            "NO_COLOR",
        ):
            kept.pop(name, None)
        told = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "Q_PROTOCOL": "blocks"}
        kept |= told | {"OMP_NUM_THREADS": "1", "Q_WHO": "bob"} | environment
        kept = {name: value for name, value in kept.items() if value}
        ready, go = os.pipe()
        self.process, self.fd = pty.fork()
        if self.process == 0:  # the command starts when its terminal has its size
            os.read(ready, 1)
            os.chdir(cwd)
            if shell:  # a prompt that is not what the command prints
                plain = ["bash", "--norc", "--noprofile", "-i"]
                os.execve("/bin/bash", plain, kept | {"PS1": "$ "})
            os.execve(COMMAND, ["q", *arguments], kept)
        wear(self.fd, columns, rows, cell)
        self.before = termios.tcgetattr(self.fd)
        os.write(go, b"1")
        os.close(ready)
        os.close(go)
        self.screen = Screen(columns, rows)
        self.sent = b""
        self.status: int | None = None
        if shell:
            self.press(shlex.join([str(COMMAND), *arguments]) + "\n")

    def hear(self, until: bytes, *, seconds: float = 60) -> bytes:
        """Read until something was sent, and return it all; fails when it does not come."""
        heard, end = b"", time.monotonic() + seconds
        while until not in heard:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"nothing more came after {(self.sent + heard)[-300:]!r}"
            try:
                more = os.read(self.fd, 65536)
            except OSError:  # EIO: the command has ended
                more = b""
            assert more, f"it ended with {(self.sent + heard)[-600:].decode(errors='replace')}"
            heard += more
        self.sent += heard
        self.screen.take(heard)
        return heard

    def see(self, *, seconds: float = 60) -> bytes:
        """Wait until a picture (or a page of words) is shown, not only that it is being read."""
        heard = self.hear(DRAWN, seconds=seconds)
        assert LEFT not in heard, f"it gave the terminal back: {heard[-300:]!r}"
        while any("reading ..." in line for line in self.screen.lines()):
            heard = self.hear(DRAWN, seconds=seconds)
        return heard

    def drawn(self) -> None:
        """Wait until a picture is drawn, and do nothing else: what is timed is the command."""
        heard: list[bytes] = []
        while DRAWN not in b"".join(heard[-2:]):
            heard.append(os.read(self.fd, 65536))
        if b"reading ..." in b"".join(heard).rpartition(DRAWN)[0].rpartition(DRAWN)[2]:
            self.drawn()

    def press(self, keys: str | bytes) -> None:
        os.write(self.fd, keys if isinstance(keys, bytes) else keys.encode())

    def answer(self, *keys: str) -> None:
        """Press keys, each when what the one before brought is shown."""
        for key in keys:
            self.press(key)
            self.see()

    def resize(self, columns: int, rows: int) -> None:
        modes, self.screen = self.screen.modes, Screen(columns, rows)
        self.screen.modes = modes
        wear(self.fd, columns, rows)

    def command(self) -> int:
        """Return the process of the command, where a shell started it."""
        told = Path(f"/proc/{self.process}/task/{self.process}/children").read_text()
        return int(told.split()[0])

    def signal(self, number: int) -> None:
        os.kill(self.process, number)

    def end(self, *, seconds: float = 60) -> str:
        """Wait for the command to end; return what it said after it gave the terminal back."""
        heard, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.fd], [], [], 0.1)
            if not ready:
                continue
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                break
            if not more:
                break
            heard += more
        self.after = termios.tcgetattr(self.fd)
        self.sent += heard
        assert time.monotonic() < end, "it does not end"
        self.wait()
        said = heard.rpartition(LEFT)[2].decode()
        assert "Traceback" not in said, said
        return said.replace("\r\n", "\n")

    def wait(self) -> None:
        _, status = os.waitpid(self.process, 0)
        self.status = os.waitstatus_to_exitcode(status)

    def gave_back(self) -> bool:
        """Whether the terminal is as it was: its modes, the screen, the cursor."""
        mine = Screen(500, 500)
        with suppress(AssertionError):
            mine.take(b"".join(re.findall(rb"\x1b\[\?\d+[hl]", self.sent)))
        modes = {"?1049": False, "?25": True, "?7": True, "?2004": False, "?2026": False}
        return self.after == self.before and {k: mine.modes.get(k) for k in modes} == modes

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.fd)
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
            self.wait()


class Said(NamedTuple):
    """A label event, as sqlite3 sees it from outside."""

    item: str
    answer: str | None
    who: str
    origin: dict[str, Any]


def events_in(folder: Path) -> list[Said]:
    with closing(sqlite3.connect(folder / ".q" / "catalogue.db")) as connection:
        rows = connection.execute("SELECT answer, who, origin FROM label_events ORDER BY id")
        return [
            Said(json.loads(origin)["item"], answer, who, json.loads(origin))
            for answer, who, origin in rows
        ]


def answers(folder: Path) -> list[str | None]:
    return [event.answer for event in events_in(folder)]


def lines_of_words(person: Person) -> str:
    return "\n".join(line for line in person.screen.lines() if "▀" not in line)
