"""A folder of numbered pictures as one video."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.digest import reason
from ..media.kinds import is_picture_name
from ..media.picture import Picture, Samples
from ..media.read import read
from .base import BATCH, About, Origin, Overrides, Video
from .fits_header import mosaic_of
from .raw import spread, stacked

_NUMBER = re.compile(r"(\d+)")
_PIPP = re.compile(r"(?P<capture>.*)_f(?P<frame>\d+)_quality_(?P<percent>\d+(?:\.\d+)?)%")
"""PIPP's names: 00001_2022-11-19-1852_7-T-RGB-Mars_f03713_quality_99.89%.png; in front its rank."""
_RANK = re.compile(r"^\d+_")
_DATE = re.compile(
    r"(?<!\d)(\d{4})-(\d\d)-(\d\d)-(\d\d)(\d\d)(?:(?P<second>\d\d)(?!\d)|_(?P<tenth>\d)(?!\d))?"
)
"""FireCapture's and WinJUPOS's: 2022-11-19-1852_7 is 18:52 and 0.7 minutes, ...-185242 has
seconds."""
_LOOKED_AT = 8
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class _Named:
    """A file and what its name tells."""

    path: Path
    time: np.datetime64 | None
    capture: str = ""
    frame: int | None = None
    percent: float | None = None


class Numbered(Video):
    """Pictures of one size as frames, in the order of their numbers ("2" before "10").

    Pictures that PIPP wrote, which number them by quality, come in the order in which they were
    taken; `about.header` then holds "pipp", its per cent for each frame, "frame_numbers", the
    numbers in the video that they were cut from, and "capture", its name.
    """

    def __init__(self, folder: Path, paths: Sequence[Path], known: Overrides) -> None:
        self.path = folder
        named, header, remarks = _in_order(paths)
        self._paths = [one.path for one in named]
        self._told = 0
        first = self._first_picture()
        if first.channels not in (1, 3):
            raise PictureError(f"pictures of {first.channels} bands; grey or colour is needed")
        planes: Literal[1, 3] = 3 if first.channels == 3 else 1
        cards = first.metadata.header
        turned = str(cards.get("ROWORDER", "")).strip().upper() != "TOP-DOWN"
        pattern = mosaic_of(cards, first.height, turned=turned) if planes == 1 else None
        if known.bayer is not None and planes == 1:
            pattern = None if known.bayer == "none" else known.bayer
        self._kind = first.samples.dtype
        self.about = About(
            first.metadata.format, len(named), first.height, first.width, planes, first.depth,
            first.full_scale, pattern, times=_times(named), header=header, remarks=remarks,
        )  # fmt: skip
        for number in spread(len(self), _LOOKED_AT).tolist():
            picture = self._picture(number)
            if picture is not None and self._kind == np.float32:
                self.about.full_scale = max(self.about.full_scale, picture.full_scale)
        if known.depth:
            self.about.depth, self.about.full_scale = known.depth, float(2**known.depth - 1)

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order.

        Raises PictureError naming the file where one has another size or depth than the first.
        """
        about = self.about
        frame_bytes = about.height * about.width * about.planes * self._kind.itemsize
        for some in self._cut(numbers, size, frame_bytes):
            pictures = [(number, self._picture(number)) for number in some.tolist()]
            found = [(number, one) for number, one in pictures if one is not None]
            if found:
                samples = stacked([one.samples for _, one in found])
                yield np.array([number for number, _ in found], dtype=np.int64), samples

    def _picture(self, number: int) -> Picture | None:
        """Decode one picture; None and a remark where it can't be."""
        path, about = self._paths[number], self.about
        try:
            picture = read(path)
        except PictureError as problem:
            if not path.exists():
                raise PictureError(f"{path.name}: it has gone while it was read") from problem
            remark = f"{path.name} left out: {problem}"
            if remark not in about.remarks:
                about.remarks.append(remark)
            return None
        shape = (about.height, about.width, about.planes)
        if picture.samples.shape != shape or picture.samples.dtype != self._kind:
            raise PictureError(
                f"{path.name} has {_told(picture.samples.shape, picture.depth)}, "
                f"the first picture {_told(shape, about.depth)}"
            )
        return picture

    def _first_picture(self) -> Picture:
        problem = PictureError("no pictures")
        for path in self._paths:
            try:
                return read(path)
            except PictureError as found:
                problem = PictureError(f"{path.name}: {found}")
        raise problem

    def origin(self, number: int) -> Origin:
        """Return the picture's file; it is the frame."""
        return Origin(self._paths[number], None)


def has_pipp_names(folder: Path) -> bool:
    """Tell whether a folder's pictures bear the names that PIPP gives to frames."""
    found = pictures_in(folder)
    return bool(found) and all(_PIPP.search(path.stem) for path in found[:8])


def open_numbered(paths: Sequence[Path], known: Overrides, *, folder: Path | None = None) -> Video:
    """Open pictures as one video; raises PictureError where none can be decoded."""
    if not paths:
        raise PictureError("no pictures in this folder")
    return Numbered(folder or paths[0], paths, known)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures right inside a folder, hidden ones left out; raises PictureError."""
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name for entry in entries
                if not entry.name.startswith(".") and is_picture_name(entry.name)
            ]  # fmt: skip
    except OSError as problem:
        raise PictureError(reason(problem)) from problem
    return sorted((folder / name for name in names), key=natural)


def natural(path: Path) -> list[str | int]:
    """Return what sorts names by the numbers in them: 1, 2, 10."""
    # split alternates text and digits, so that text meets text and numbers meet numbers
    parts: list[str | int] = list(_NUMBER.split(path.name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return [*parts, str(path)]


def _in_order(paths: Sequence[Path]) -> tuple[list[_Named], dict[str, object], list[str]]:
    """Return the files in order, what their names tell for the header, and remarks."""
    named = [_understood(path) for path in sorted(paths, key=natural)]
    if any(one.frame is None for one in named):
        return named, {}, []
    named.sort(key=lambda one: (one.capture, one.frame))
    captures = sorted({one.capture for one in named})
    header = {
        "pipp": [one.percent for one in named],
        "frame_numbers": [one.frame for one in named],
        "capture": ", ".join(captures[:_MOST_TOLD]),
    }
    return named, header, [
        "pictures that PIPP sorted by quality: put back in the order they were taken"
    ]  # fmt: skip


def _understood(path: Path) -> _Named:
    """Return what a file's name tells: when it was taken, and PIPP's frame number and per cent."""
    stem = path.stem
    dated = _DATE.search(stem)
    time = _time(dated) if dated else None
    pipp = _PIPP.search(stem)
    if pipp is None:
        return _Named(path, time)
    capture = _RANK.sub("", pipp["capture"])
    return _Named(path, time, capture, int(pipp["frame"]), float(pipp["percent"]))


def _time(found: re.Match[str]) -> np.datetime64 | None:
    year, month, day, hour, minute = found.groups()[:5]
    seconds = int(found["second"] or 0) + 6 * int(found["tenth"] or 0)
    try:
        minutes = np.datetime64(f"{year}-{month}-{day}T{hour}:{minute}", "ns")
    except ValueError:  # the 31st of February
        return None
    return minutes + np.timedelta64(seconds, "s") if seconds < 60 else None


def _times(named: Sequence[_Named]) -> NDArray[np.datetime64] | None:
    """Return the times in the names where each file has its own; the capture's are of no use."""
    times = [one.time for one in named if one.time is not None]
    if len(times) < len(named) or len(set(times)) < len(named):
        return None
    return np.array(times, dtype="datetime64[ns]")


def _told(shape: tuple[int, ...], depth: int) -> str:
    height, width, channels = shape
    return f"{width} x {height}, {channels} channels of {depth} bits"
