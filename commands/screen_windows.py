"""The screen on Windows, with what `msvcrt` and the console give; see `screen` for what it means.

Small, and not tried on many machines: half blocks or sixels (Windows Terminal 1.22 shows those, by
--protocol sixel), no laying down, a changed size is seen by looking again and again.
"""

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    pass

RESIZED, WOKEN, ENDED = "resized", "woken", "ended"
_LOOK_SECONDS = 0.02
_ENABLE_VIRTUAL_TERMINAL = 0x0004
_KEYS = {"\x08": "backspace", "\x1b": "escape"}


def is_terminal() -> bool:
    """Say whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Screen:
    """The console, in a `with` block. protocol: how pictures are shown; by default half blocks."""

    def __init__(self, protocol: str | None) -> None:
        from ..show.terminal import Terminal, chosen

        self._woken = threading.Event()
        size = os.get_terminal_size()
        told = chosen(protocol) if protocol else "blocks"
        self.terminal: Terminal = Terminal(told, size.columns, size.lines)

    def __enter__(self) -> Self:
        if sys.platform == "win32":
            import ctypes

            console = ctypes.windll.kernel32
            self._handle = console.GetStdHandle(-11)
            mode = ctypes.c_ulong()
            console.GetConsoleMode(self._handle, ctypes.byref(mode))
            self._before = mode.value
            console.SetConsoleMode(self._handle, mode.value | _ENABLE_VIRTUAL_TERMINAL)
        self._send(b"\x1b[?1049h\x1b[?25l\x1b[2J")
        return self

    def __exit__(self, *error: object) -> None:
        self._send(b"\x1b\\\x1b[0m\x1b[?25h\x1b[?1049l")
        if sys.platform == "win32":
            import ctypes

            ctypes.windll.kernel32.SetConsoleMode(self._handle, self._before)

    def draw(self, content: bytes) -> None:
        """Write to the screen."""
        self._send(content)

    def wake(self) -> None:
        """Let `wait` return; may be called from another thread."""
        self._woken.set()

    def wait(self, seconds: float | None = None) -> list[str]:
        """Return the keys that were pressed, or RESIZED, WOKEN or ENDED; [] when the time is up."""
        from dataclasses import replace

        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            try:
                keys = self._pressed()
                size = os.get_terminal_size()
                if (size.columns, size.lines) != (self.terminal.columns, self.terminal.rows):
                    self.terminal = replace(self.terminal, columns=size.columns, rows=size.lines)
                    return [RESIZED, *keys]
                if keys:
                    return keys
                if self._woken.wait(_LOOK_SECONDS):
                    self._woken.clear()
                    return [WOKEN]
            except KeyboardInterrupt:
                return [ENDED]
        return []

    def _pressed(self) -> list[str]:
        keys: list[str] = []
        if sys.platform == "win32":
            import msvcrt

            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in ("\0", "\xe0"):  # an arrow or a function key: a second code follows
                    msvcrt.getwch()
                else:
                    keys.append(_KEYS.get(key, key))
        return keys

    def _send(self, content: bytes) -> None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
