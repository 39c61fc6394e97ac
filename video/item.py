"""One picture by its address, whatever it lies in: a still, or a frame of a video."""

import os
from dataclasses import replace
from pathlib import Path

from ..errors import PictureError
from ..media import read as stills
from ..media.digest import open_regular
from ..media.picture import Picture
from ..media.sniff import HEAD_BYTES, sniff_video

_STILLS_AND_VIDEOS = ("FITS", "TIFF")
"""Formats of both: cubes and pages are read as stills, one by one, and ranked as videos."""


def read(
    path: Path | str | bytes,
    *,
    part: str | None = None,
    frame: int | None = None,
    at_least: int | None = None,
    content: bytes | None = None,
) -> Picture:
    """Decode one picture: as `media.read.read`, and frames of SER files and films too.

    Raises PictureError with one short reason; of a video without a frame it says how to name one.
    """
    place = Path(os.fsdecode(path))
    kind = _film(place, content)
    if kind is None:
        picture = stills.read(path, part=part, frame=frame, at_least=at_least, content=content)
        if frame is None or part is not None:
            return picture
        return _marked(picture, place, frame)
    if frame is None:
        raise PictureError(
            f"a video ({kind}): name one of its frames, as in {place.name}#0, or index some with "
            "--every N"
        )
    if part is not None:
        raise PictureError(f"no part {part}: a {kind} file has no named parts")
    from .opened import VIDEOS

    return VIDEOS.picture(place, frame)


def _marked(picture: Picture, path: Path, frame: int) -> Picture:
    """Return a page or plane that a still was read from with its checksum as a frame of a video.

    It is taken from the video, whose samples are what a ranking sees; media decodes its own way.
    """
    if picture.metadata.format not in _STILLS_AND_VIDEOS:
        return picture
    from .opened import VIDEOS

    return replace(picture, metadata=replace(picture.metadata, mark=VIDEOS.mark(path, frame)))


def _film(path: Path, content: bytes | None) -> str | None:
    """Return the format of a video that `media` does not read; None for everything else."""
    if content is None:
        with open_regular(path) as file:
            head = file.read(HEAD_BYTES)
    else:
        head = content[:HEAD_BYTES]
    kind = sniff_video(head)
    if kind is None and path.suffix.lower() == ".ser":
        from .ser import is_ser

        return "SER" if is_ser(path) else None
    return kind
