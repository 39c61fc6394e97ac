"""A file's bytes, read without ever blocking, and their digest."""

import errno
import hashlib
import os
import stat
from io import FileIO
from pathlib import Path

from ..errors import PictureError

WHOLE_UP_TO = 64 * 1024 * 1024
"""Bytes; larger files are sampled, because a video of 20 GB takes minutes to read."""
END_BYTES = 1024 * 1024
BLOCKS = 256
BLOCK_BYTES = 4096

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "a folder, not a picture",
    errno.ELOOP: "a link that leads in a circle",
}
_KINDS = (
    (stat.S_ISDIR, "a folder, not a picture"),
    (stat.S_ISFIFO, "a pipe, not a picture"),
    (stat.S_ISSOCK, "a socket, not a picture"),
    (stat.S_ISCHR, "a device, not a picture"),
    (stat.S_ISBLK, "a device, not a picture"),
)


def open_regular(path: Path | str | bytes) -> FileIO:
    """Open a regular file for reading, unbuffered.

    Never waits: a pipe, socket, device or folder is refused before and after opening (it may have
    been exchanged between the two). Raises PictureError with the reason, without the path.
    """
    try:
        _require_regular(os.stat(path).st_mode)  # noqa: PTH116 -- bytes paths, and 20,000 of them
        file = FileIO(os.fsdecode(path), "rb", opener=_open_at_once)
    except OSError as problem:
        raise PictureError(reason(problem)) from problem
    except ValueError as problem:  # a NUL character in the name
        raise PictureError("no such file") from problem
    try:
        _require_regular(os.fstat(file.fileno()).st_mode)
    except PictureError:
        file.close()
        raise
    return file


def read_content(path: Path | str | bytes) -> bytes:
    """Return all bytes of a regular file.

    Raises PictureError with the reason, without the path, for anything that can't be read.
    """
    with open_regular(path) as file:
        try:
            return file.read()
        except OSError as problem:
            raise PictureError(reason(problem)) from problem
        except (MemoryError, OverflowError) as problem:
            raise PictureError("too large for this machine's memory") from problem


def digest(path: Path | str | bytes, *, content: bytes | None = None) -> str:
    """Return the digest of a file as 32 hexadecimal digits (BLAKE2b, 128 bits).

    Up to 64 MiB all bytes count. Above that: the size, the first and the last MiB, and 256 blocks
    of 4 KiB that begin at byte `i * (size - 4096) // 255`, i = 0..255. A word in front of the
    hashed message tells the two kinds apart, so that they never meet.
    content: the file's bytes where the caller has them. Raises PictureError.
    """
    if content is not None and len(content) <= WHOLE_UP_TO:
        return _of_whole(content)
    with open_regular(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            if size <= WHOLE_UP_TO:
                return _of_whole(file.read())
            return _of_parts(file, size)
        except OSError as problem:
            raise PictureError(reason(problem)) from problem


def reason(problem: OSError) -> str:
    """Return why the system refused, in a few words, without the path."""
    if problem.errno in _REASONS:
        return _REASONS[problem.errno]
    told = problem.strerror or str(problem) or type(problem).__name__
    return told[:1].lower() + told[1:]


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for a writer


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    for is_kind, told in _KINDS:
        if is_kind(mode):
            raise PictureError(told)
    raise PictureError("not a file that can be read")


def _of_whole(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16, person=b"whole").hexdigest()


def _of_parts(file: FileIO, size: int) -> str:
    message = hashlib.blake2b(size.to_bytes(8, "little"), digest_size=16, person=b"parts")
    places = [(0, END_BYTES), (size - END_BYTES, END_BYTES)]
    places += [(i * (size - BLOCK_BYTES) // (BLOCKS - 1), BLOCK_BYTES) for i in range(BLOCKS)]
    for start, length in places:
        file.seek(start)
        message.update(file.read(length))
    return message.hexdigest()
