"""Files that lie under their name only once they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to; it takes its name when it is complete and on the disk.

    Until then it has another name in the same folder; after an error nothing is left of it. Raises
    OSError (ValueError for a NUL in the name), for the caller to say what could not be written.
    """
    scratch = path.with_name(f".{token_hex(8)}.part")
    try:
        with scratch.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        with suppress(OSError, ValueError):
            scratch.unlink(missing_ok=True)
