"""A terminal taken over: the whole screen, one key at a time, and given back as it was.

Given back after errors, Ctrl-C, SIGTERM and a closed window too; laid down by Ctrl-Z and taken up
again. Signals only set a mark and wake `wait`, but those that end it cut short what is being
written: a terminal that was held (Ctrl-S), or whose line hangs, takes nothing for ever.
"""

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
import tty
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Self

from .keys import split_keys

if TYPE_CHECKING:
    from ..show.terminal import Terminal

RESIZED = "resized"
"""The screen has another size, or has to be drawn anew."""
WOKEN = "woken"
"""Somebody called `wake`."""
ENDED = "ended"
"""Ctrl-C, SIGTERM, or the terminal is gone."""

# xterm, ctlseqs: 1049 another screen, 25 the cursor, 7 lines wrap, 2004 pasting is marked
_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2J"
# ST first: what was cut short may have been a picture, which would swallow the rest
_LEAVE = b"\x1b\\\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[?2026l"
_BEGIN, _END = b"\x1b[?2026h", b"\x1b[?2026l"
"""Between them nothing is shown, in terminals that know how to (synchronized output)."""
_ESCAPE_SECONDS = 0.05
"""After which an escape without a follower is the key."""
_LAST = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _CutShort(Exception):  # noqa: N818 - nobody's mistake
    """A signal came while the terminal took nothing."""


def is_terminal() -> bool:
    """Say whether a person can be asked: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Screen:
    """The terminal, in a `with` block. protocol: how pictures are shown, None finds out."""

    def __init__(self, protocol: str | None, environment: Mapping[str, str] = os.environ) -> None:
        self._wished = protocol
        self._environment = environment
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._heard, self._heard_at = b"", 0.0
        self._marks: set[int] = set()
        self._drawing = False
        self._handlers: dict[int, object] = {}
        self._cell: tuple[int, int] | None = None
        self.terminal: Terminal

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._in)
        self._ear, self._mouth = os.pipe()
        for end in (self._ear, self._mouth):
            os.set_blocking(end, False)
        self._woken_before = signal.set_wakeup_fd(self._mouth, warn_on_full_buffer=False)
        try:
            for number in (*_LAST, signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP):
                if number in _LAST or signal.getsignal(number) != signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._mark)
            self._take()
            self._find_out()
        except BaseException:
            self._give_back()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._give_back()

    def draw(self, content: bytes) -> None:
        """Write to the screen, at once where the terminal can."""
        try:
            self._drawing = True
            self._send(_BEGIN + content + _END)
        except OSError:  # EIO: the window was closed
            self._marks.add(signal.SIGHUP)
        except _CutShort:
            self._let_go()
        finally:
            self._drawing = False

    def wake(self) -> None:
        """Let `wait` return; may be called from another thread."""
        with suppress(OSError):  # full: it will wake up all the same; closed: nobody waits
            os.write(self._mouth, b"\0")

    def wait(self, seconds: float | None = None) -> list[str]:
        """Return the keys that were pressed, or RESIZED, WOKEN or ENDED; [] when the time is up."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            happened = self._happened()
            if happened:
                return happened
            left = None if until is None else max(0.0, until - time.monotonic())
            if self._heard:
                left = _ESCAPE_SECONDS if left is None else min(left, _ESCAPE_SECONDS)
            ready, _, _ = select.select([self._in, self._ear], [], [], left)
            woken = self._ear in ready and self._drain()
            if self._in in ready:
                self._heard += self._receive()
                self._heard_at = time.monotonic()
            silent = time.monotonic() - self._heard_at >= _ESCAPE_SECONDS
            keys, self._heard = split_keys(self._heard, final=silent)
            happened = self._happened()
            if keys or happened or woken:
                return happened + keys or [WOKEN]
            if until is not None and time.monotonic() >= until:
                return []

    # --- signals ------------------------------------------------------------------------------

    def _mark(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in self._marks:
            raise KeyboardInterrupt  # asked twice: something takes long
        self._marks.add(number)
        if self._drawing and number in _LAST:
            self._drawing = False
            raise _CutShort

    def _happened(self) -> list[str]:
        if self._marks & {*_LAST}:
            return [ENDED]
        if signal.SIGTSTP in self._marks:
            self._marks -= {signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH}
            self._lie_down()
            return [RESIZED]
        if self._marks & {signal.SIGWINCH, signal.SIGCONT}:
            if signal.SIGCONT in self._marks:  # after a SIGSTOP, which nobody is told of
                self._take()
            self._marks -= {signal.SIGCONT, signal.SIGWINCH}
            self._measure()
            return [RESIZED]
        return []

    def _lie_down(self) -> None:
        """Give the terminal back, stop as Ctrl-Z does, and take it again when continued."""
        self._leave()
        mine = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, mine)
        self._marks.discard(signal.SIGCONT)
        self._take()
        self._measure()

    def _let_go(self) -> None:
        """Drop what the terminal has not taken, and what holds it: so that it can be given back."""
        with suppress(OSError, termios.error):
            termios.tcflow(self._out, termios.TCOON)
            termios.tcflush(self._out, termios.TCOFLUSH)

    def _drain(self) -> bool:
        """Empty the pipe; say whether `wake` was called: signals write their numbers."""
        heard = b""
        with suppress(BlockingIOError):
            heard = os.read(self._ear, 4096)
        return 0 in heard

    # --- the terminal -------------------------------------------------------------------------

    def _take(self) -> None:
        """Letters one by one and unseen; Ctrl-C and Ctrl-Z stay signals."""
        tty.setcbreak(self._in, termios.TCSANOW)
        self._send(_ENTER)

    def _leave(self) -> None:
        with suppress(OSError, termios.error):  # the terminal may be gone
            from ..show.terminal import erase

            self._send(b"\x1b\\" + erase(self.terminal) if hasattr(self, "terminal") else b"")
            self._send(_LEAVE)
        with suppress(OSError, termios.error):
            termios.tcflush(self._in, termios.TCIFLUSH)  # keys meant for pictures, not for a shell
            termios.tcsetattr(self._in, termios.TCSANOW, self._before)

    def _give_back(self) -> None:
        self._leave()
        signal.set_wakeup_fd(self._woken_before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        for end in (self._ear, self._mouth):
            os.close(end)

    def _send(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._out, left) :]

    def _receive(self) -> bytes:
        try:
            heard = os.read(self._in, 4096)
        except OSError:  # EIO: the other end is closed
            heard = b""
        if not heard:
            self._marks.add(signal.SIGHUP)
        return heard

    def _find_out(self) -> None:
        """Ask the terminal where its environment does not tell what it can."""
        from ..show.blocks import colours_of
        from ..show.terminal import Reply, Terminal, asked, chosen, protocol_of

        told = chosen(self._wished) if self._wished else protocol_of(self._environment)
        reply = Reply()
        if told is None or (told != "blocks" and not self._pixels()):
            reply = asked(self._send, self._answer)
        found = "kitty" if reply.kitty else "sixel" if reply.sixel else "blocks"
        self._cell = reply.cell
        self.terminal = Terminal(told or found, 80, 24, colours=colours_of(self._environment))  # type: ignore[arg-type]
        self._measure()

    def _answer(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._in], [], [], seconds)
        return self._receive() if ready else b""

    def _pixels(self) -> tuple[int, int] | None:
        """Return the size of a letter, where the kernel knows it (tty_ioctl(4), TIOCGWINSZ)."""
        rows, columns, wide, high = struct.unpack(
            "HHHH", fcntl.ioctl(self._out, termios.TIOCGWINSZ, bytes(8))
        )
        if not (rows and columns and wide // columns and high // rows):
            return None
        return wide // columns, high // rows

    def _measure(self) -> None:
        from dataclasses import replace

        from ..show.terminal import USUAL_CELL

        with suppress(OSError):
            size = os.get_terminal_size(self._out)
            cell = self._cell or self._pixels()
            self.terminal = replace(
                self.terminal, columns=size.columns or 80, rows=size.lines or 24,
                cell=cell or USUAL_CELL, known=cell is not None,
            )  # fmt: skip
