"""What can go wrong, sorted by what the user can do about it.

SeeingError
├── UsageError        the call was wrong: an option, a name, an address
├── NothingError      there is nothing to do it with: an empty list
├── LibraryError      the library can't be found, opened or written
├── PictureError      one picture can't be read
├── EncoderError      an encoder or its weights can't be had, or do not fit the library
├── ShapeError        an array of the wrong shape was passed (a programmer's mistake)
└── InterruptionError the user stopped it, at once

Every message is one line that names the thing, says what was found, and what to do next.
"""

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_DONE = 0
EXIT_NOTHING = 1
EXIT_ERROR = 2
EXIT_PARTLY = 3
EXIT_INTERRUPTED = 130


class SeeingError(Exception):
    """Anything that `seeing` refuses to do, with one line that says why and what to do."""

    exit_code = EXIT_ERROR


class UsageError(SeeingError):
    """The call was wrong: an unknown name, options that exclude each other, a missing file."""


class NothingError(SeeingError):
    """Nothing is there to work on, and the call was right: an empty list came down a pipe."""

    exit_code = EXIT_NOTHING


class LibraryError(SeeingError):
    """The library is missing, newer than this program, damaged, or can't be written."""


class PictureError(SeeingError):
    """A picture can't be read; the message is the reason, without the path."""


class EncoderError(SeeingError):
    """An encoder or its weights can't be had here, or do not fit the library's vectors."""


class ShapeError(SeeingError, ValueError):
    """An array has the wrong shape or type."""


class InterruptionError(SeeingError):
    """The user pressed Ctrl-C; what was committed before is kept."""

    exit_code = EXIT_INTERRUPTED


def closest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean X?)" when a known name is close to the one given, else ""."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {found[0]}?)" if found else ""
