"""How a user writes which picture of a file is meant."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_FRAME = re.compile(r"(?P<file>.+)#(?P<frame>0|[1-9][0-9]*)", re.DOTALL)
_PART = re.compile(r"(?P<file>.+)\[(?P<part>[^\[\]]+)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A file, or one picture in it.

    path: names that are not UTF-8 are kept with surrogate escapes, as `os.fsdecode` makes them.
    frame: of a video, an animation, the pages of a TIFF or the planes of a cube; counted from 0.
    part: a FITS extension: "SCI", "SCI,2" or its number.
    """

    path: Path
    frame: int | None = None
    part: str | None = None

    def __str__(self) -> str:
        """Return `file`, `file#120`, `file[SCI]` or `file[SCI]#3`."""
        part = "" if self.part is None else f"[{self.part}]"
        frame = "" if self.frame is None else f"#{self.frame}"
        return f"{self.path}{part}{frame}"


def parse(text: str | bytes | os.PathLike[str]) -> Address:
    """Return the address that a user wrote: `file`, `jupiter.ser#120`, `m51.fits[SCI]`.

    A file that really has such a name wins; so does the longest name that exists. `str()` of the
    result gives the text back, but for what `Path` tidies ("./a", "a//b").
    """
    name = os.fsdecode(text)
    rest, frame, part = name, None, None
    if _exists(name):
        return Address(Path(name))
    found = _FRAME.fullmatch(rest)
    if found:
        rest, frame = found["file"], int(found["frame"])
        if _exists(rest):
            return Address(Path(rest), frame)
    found = _PART.fullmatch(rest)
    if found:
        rest, part = found["file"], found["part"]
    return Address(Path(rest), frame, part)


def _exists(name: str) -> bool:
    try:
        return os.path.lexists(name)
    except ValueError:  # a NUL character: no file is called so
        return False
