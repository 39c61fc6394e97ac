"""Find the pictures that a user's paths mean."""

import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from ..errors import UsageError
from .kinds import PICTURES, extension

_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its path as text (`os.fsdecode`), its size in bytes, and when it changed."""

    path: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Walk:
    """The files that some paths mean, found while iterating; then also what was passed over.

    remarks: one line for each kind of thing that was skipped, with how many; complete at the end.
    unlistable: folders that could not be listed, so that nothing is known about what is in them.
    """

    paths: tuple[str, ...]
    exclude: re.Pattern[str] | None
    hidden: bool
    extensions: frozenset[str]
    unlistable: list[str] = field(default_factory=list)
    _skipped: Counter[str] = field(default_factory=Counter)
    _problems: list[str] = field(default_factory=list)
    _seen: set[tuple[int, int] | str] = field(default_factory=set)

    @property
    def remarks(self) -> list[str]:
        """What a user should know about files that were not taken."""
        counted = [f"skipped {n} {what}" for what, n in sorted(self._skipped.items())]
        return [*self._problems, *counted]

    def __iter__(self) -> Iterator[Found]:
        """Yield each file once, in the order of the paths, inside folders by name (1, 2, 10)."""
        self.unlistable.clear()
        self._skipped.clear()
        self._problems.clear()
        self._seen.clear()
        for path in self.paths:
            yield from self._given(path)

    def _given(self, path: str) -> Iterator[Found]:
        try:
            status = os.stat(path)  # noqa: PTH116 -- plain text is several times quicker here
        except OSError as problem:
            what = "links that lead nowhere" if os.path.islink(path) else None  # noqa: PTH114
            if what:
                self._skipped[what] += 1
            else:
                self._problems.append(f"{path}: {problem.strerror}")
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, path)
        elif stat.S_ISREG(status.st_mode):
            yield from self._once(path, status)
        else:
            self._skipped["pipes, sockets or devices"] += 1

    def _once(self, path: str, status: os.stat_result) -> Iterator[Found]:
        whole = os.path.abspath(path)  # noqa: PTH100
        if whole not in self._seen:
            self._seen.add(whole)
            yield Found(path, status.st_size, status.st_mtime_ns)

    def _folder(self, folder: str, top: str) -> Iterator[Found]:
        """Yield what lies in a folder, files and folders mixed in the order of their names."""
        for entry in self._listed(folder):
            if not self.hidden and entry.name.startswith("."):
                continue
            if self.exclude and self._excluded(entry, top):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._folder(entry.path, top)
                elif extension(entry.name) in self.extensions:
                    yield from self._file(entry)
                elif entry.is_symlink() and entry.is_dir():
                    self._skipped["links to folders (give them as arguments to follow them)"] += 1
            except OSError:
                self._skipped["files that vanished or can't be looked at"] += 1

    def _file(self, entry: os.DirEntry[str]) -> Iterator[Found]:
        try:
            status = entry.stat()
        except OSError:
            if not entry.is_symlink():
                raise
            self._skipped["links that lead nowhere"] += 1
            return
        if stat.S_ISREG(status.st_mode):
            yield from self._once(entry.path, status)
        elif stat.S_ISDIR(status.st_mode):
            self._skipped["links to folders (give them as arguments to follow them)"] += 1
        else:
            self._skipped["pipes, sockets or devices"] += 1

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=_natural)
        except OSError as problem:
            self.unlistable.append(folder)
            self._problems.append(f"{folder}: can't be listed ({problem.strerror})")
            return []

    def _excluded(self, entry: os.DirEntry[str], top: str) -> bool:
        assert self.exclude is not None
        inside = entry.path[len(top) :].lstrip(os.sep)
        return bool(self.exclude.match(entry.name) or self.exclude.match(inside))


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
    A glob that names no file is expanded ("**" crosses folders). exclude: glob patterns, matched
    with the path below the given folder and with the name alone; a folder that matches is left out.
    Raises UsageError for a path that does not exist, or a glob that matches nothing.
    """
    given = tuple(name for path in paths for name in _expanded(os.fsdecode(path), hidden))
    joined = "|".join(translate(pattern.rstrip("/")) for pattern in exclude)
    return Walk(given, re.compile(joined) if joined else None, hidden, extensions)


def _expanded(path: str, hidden: bool) -> list[str]:
    try:
        if os.path.lexists(path):
            return [path]
        if glob.has_magic(path):
            found = glob.glob(path, recursive=True, include_hidden=hidden)  # noqa: PTH207
            if found:
                return sorted(found, key=_natural_text)
            raise UsageError(f"nothing matches {path}")
    except ValueError:  # a NUL character
        pass
    raise UsageError(f"no such file or folder: {path}")


def _natural(entry: os.DirEntry[str]) -> list[str | int]:
    return _natural_text(entry.name)


def _natural_text(name: str) -> list[str | int]:
    # split alternates text and digits, so that text meets text and numbers meet numbers
    parts: list[str | int] = list(_NUMBER.split(name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return [*parts, name]
