"""Find the pictures that a user's paths mean."""

import errno
import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path
from typing import NamedTuple

from ..errors import UsageError
from .kinds import PICTURES, extension

_NUMBER = re.compile(r"(\d+)")
# EINVAL: what Windows says to a name with "*"
_NO_SUCH = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL)


class _Remark(NamedTuple):
    one: str
    many: str


_NOWHERE = _Remark("link that leads nowhere", "links that lead nowhere")
_TO_FOLDER = _Remark(
    "link to a folder (give it as an argument to follow it)",
    "links to folders (give them as arguments to follow them)",
)
_NO_FILE = _Remark("pipe, socket or device", "pipes, sockets or devices")
_UNSEEN = _Remark("file that can't be looked at", "files that can't be looked at")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its path as text (`os.fsdecode`), its size in bytes, and when it changed."""

    path: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Walk:
    """The files that some paths mean, found while iterating; then also what was passed over.

    remarks: one line for each problem and each kind of thing that was skipped; complete at the end.
    unlistable: folders (and given paths) that could not be looked into, so that nothing is known
    about the files there; complete at the end.
    """

    paths: tuple[str, ...]
    exclude: dict[str, re.Pattern[str]]
    """By the glob as it was given."""
    hidden: bool
    extensions: frozenset[str]
    unlistable: list[str] = field(default_factory=list)
    _skipped: Counter[_Remark] = field(default_factory=Counter)
    _problems: list[str] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)
    """Globs of `exclude` that matched something."""
    _looked: bool = False
    """Whether a folder was looked into, where `exclude` could match."""

    @property
    def remarks(self) -> list[str]:
        """What a user should know about files that were not taken."""
        counted = sorted(self._skipped.items())
        idle = [glob for glob in self.exclude if self._looked and glob not in self._used]
        return [
            *self._problems,
            *(
                f"--exclude {glob!r} matched nothing: it is compared with names, and with paths "
                "below the given folder"
                for glob in idle
            ),
            *(f"skipped {n} {what.one if n == 1 else what.many}" for what, n in counted),
        ]

    def __iter__(self) -> Iterator[Found]:
        """Yield each file once, in the order of the paths, inside folders by name (1, 2, 10)."""
        self.unlistable.clear()
        self._skipped.clear()
        self._problems.clear()
        self._used.clear()
        self._looked = False
        if len(self.paths) == 1:  # nothing can come twice
            yield from self._given(self.paths[0])
            return
        seen: set[str] = set()
        for path in self.paths:
            for found in self._given(path):
                whole = os.path.abspath(found.path)  # noqa: PTH100 -- plain text is quicker
                if whole not in seen:
                    seen.add(whole)
                    yield found

    def _given(self, path: str) -> Iterator[Found]:
        """Yield what one argument means."""
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as problem:
            if os.path.islink(path):  # noqa: PTH114
                self._skipped[_NOWHERE] += 1
            else:
                self._unknown(path, "can't be looked at", problem)
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path)
        elif stat.S_ISREG(status.st_mode):
            yield Found(path, status.st_size, status.st_mtime_ns)
        else:
            self._skipped[_NO_FILE] += 1

    def _folder(self, top: str) -> Iterator[Found]:
        """Yield what lies in a folder, files and folders mixed in the order of their names."""
        self._looked = True
        levels = [self._listed(top)]  # a list and no recursion: folders may be a thousand deep
        while levels:
            entry = next(levels[-1], None)
            if entry is None:
                levels.pop()
                continue
            if not self.hidden and entry.name.startswith("."):
                continue
            if self.exclude and self._excluded(entry, top):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    levels.append(self._listed(entry.path))
                elif extension(entry.name) in self.extensions:
                    status = self._status(entry)
                    if status:
                        yield Found(entry.path, status.st_size, status.st_mtime_ns)
                elif entry.is_symlink() and entry.is_dir():
                    self._skipped[_TO_FOLDER] += 1
            except OSError:
                self._skipped[_UNSEEN] += 1

    def _status(self, entry: os.DirEntry[str]) -> os.stat_result | None:
        """Return what the system knows of a regular file, None (and a remark) for other things."""
        try:
            status = entry.stat()
        except FileNotFoundError:
            if entry.is_symlink():
                self._skipped[_NOWHERE] += 1
            return None  # else it vanished meanwhile: as if it had never been there
        except OSError:
            if not entry.is_symlink():
                raise
            self._skipped[_NOWHERE] += 1
            return None
        if stat.S_ISREG(status.st_mode):
            return status
        self._skipped[_TO_FOLDER if stat.S_ISDIR(status.st_mode) else _NO_FILE] += 1
        return None

    def _listed(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return iter(sorted(entries, key=_natural))
        except OSError as problem:
            self._unknown(folder, "can't be listed", problem)
            return iter(())

    def _unknown(self, path: str, what: str, problem: OSError) -> None:
        self.unlistable.append(path)
        self._problems.append(f"{path}: {what} ({problem.strerror})")

    def _excluded(self, entry: os.DirEntry[str], top: str) -> bool:
        inside = entry.path[len(top) :].replace(os.sep, "/").lstrip("/")
        found = {
            glob
            for glob, pattern in self.exclude.items()
            if pattern.match(entry.name) or pattern.match(inside)
        }
        self._used |= found
        return bool(found)


def walk(
    paths: Sequence[Path | str],
    *,
    exclude: Sequence[str] = (),
    hidden: bool = False,
    extensions: frozenset[str] = PICTURES,
) -> Walk:
    """Return the files that `paths` mean, to be iterated; see Walk for what it tells besides.

    A file that is given comes whatever its name. In folders, files with one of the `extensions`
    come, links to files too; hidden ones only with `hidden`; links to folders are not followed.
    A glob that names no file is expanded ("**" crosses folders). exclude: glob patterns ("*"
    crosses folders), matched with the path below the given folder and with the name alone; of a
    folder that matches nothing comes.
    Raises UsageError for a path that does not exist, or a glob that matches nothing.
    """
    given = tuple(name for path in paths for name in _expanded(os.fsdecode(path), hidden))
    patterns = {glob: re.compile(translate(glob.rstrip("/"))) for glob in exclude}
    return Walk(given, patterns, hidden, extensions)


def _expanded(path: str, hidden: bool) -> list[str]:
    try:
        os.lstat(path)
    except ValueError:  # a NUL character
        raise UsageError(f"no such file or folder: {path}") from None
    except OSError as problem:
        if problem.errno in _NO_SUCH:
            return _matching(path, hidden)
    return [path]  # also where permission is missing: the walk tells


def _matching(pattern: str, hidden: bool) -> list[str]:
    if not glob.has_magic(pattern):
        raise UsageError(f"no such file or folder: {pattern}")
    found = glob.glob(pattern, recursive=True, include_hidden=hidden)  # noqa: PTH207
    if not found:
        raise UsageError(f"nothing matches {pattern}")
    return sorted(found, key=_natural_text)


def _natural(entry: os.DirEntry[str]) -> list[str | int]:
    return _natural_text(entry.name)


def _natural_text(name: str) -> list[str | int]:
    # split alternates text and digits, so that text meets text and numbers meet numbers
    parts: list[str | int] = list(_NUMBER.split(name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return [*parts, name]
