"""Open a video, whatever its format: a file, several files of one capture, or a folder."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import PictureError
from ..media.digest import open_regular, reason
from ..media.kinds import VIDEOS, extension
from ..media.sniff import HEAD_BYTES, sniff, sniff_video
from .base import Overrides, Video
from .capture import join
from .numbered import natural, open_numbered, pictures_in
from .ser import is_ser

FORMATS: dict[str, str] = {
    "SER": "ser:open_ser",
    "AVI": "open:open_avi",
    "QuickTime": "film:open_film",
    "MP4": "film:open_film",
    "Matroska": "film:open_film",
    "FITS": "cube:open_cube",
    "TIFF": "pages:open_pages",
}
"""Who reads a format: "module:function" in this folder, called as function(path, overrides)."""
_MANY_FRAMES = {"FITS": "cube:is_cube", "TIFF": "pages:is_paged"}
"""Formats that mostly hold one picture: "module:function" tells whether a file has several."""

_DEFAULT = Overrides()


def open_video(paths: Path | str | Sequence[Path | str], overrides: Overrides = _DEFAULT) -> Video:
    """Open a video file, a folder of numbered pictures, or several files of one capture.

    Formats are told from the content. A folder without pictures is the capture of the videos in
    it; a list of still pictures is one video of them. Raises PictureError with one short line.
    """
    given = [Path(paths)] if isinstance(paths, Path | str) else [Path(path) for path in paths]
    if not given:
        raise PictureError("no video given")
    if len(given) == 1:
        return (
            _open_folder(given[0], overrides) if given[0].is_dir() else _open(given[0], overrides)
        )
    folders = [path.name for path in given if path.is_dir()]
    if folders:
        raise PictureError(f"{folders[0]} is a folder: give one folder, or several files")
    videos = [path for path in given if is_video(path)]
    if not videos:
        return open_numbered(given, overrides)
    if len(videos) < len(given):
        still = next(path for path in given if path not in videos)
        raise PictureError(f"{still.name} is no video, {videos[0].name} is one: give one kind")
    return _open_capture(given, overrides)


def is_video(path: Path | str) -> bool:
    """Tell whether a file is a video: a SER, a film, or FITS or TIFF with more than one frame.

    It is only looked at: its first bytes, and the headers of FITS and TIFF. False where it can't be
    read.
    """
    path = Path(path)
    try:
        name = video_format(path)
    except PictureError:
        return False
    many = _MANY_FRAMES.get(name or "")
    if many is None:
        return name is not None
    return bool(_found(many)(path))


def video_format(path: Path) -> str | None:
    """Return the key of FORMATS for a file, None where it is none of them; raises PictureError."""
    with open_regular(path) as file:
        try:
            head = file.read(HEAD_BYTES)
        except OSError as problem:
            raise PictureError(reason(problem)) from problem
    if not head:
        raise PictureError("empty file (0 bytes)")
    name = sniff_video(head) or sniff(head)
    if name is None and is_ser(path):
        return "SER"
    return name if name in FORMATS else None


def open_avi(path: Path, overrides: Overrides) -> Video:
    """Open an AVI: uncompressed ones by the walk of their chunks, all others through FFmpeg."""
    from .avi import open_raw_avi
    from .film import open_film

    return open_raw_avi(path, overrides) or open_film(path, overrides)


def _open(path: Path, overrides: Overrides) -> Video:
    name = video_format(path)
    if name is None:
        raise PictureError("not a video that can be read (SER, AVI, MOV, MP4, MKV, FITS, TIFF)")
    video: Video = _found(FORMATS[name])(path, overrides)
    return video


def _found(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"{__package__}.{module}"), name)
    return found


def _open_folder(folder: Path, overrides: Overrides) -> Video:
    pictures = pictures_in(folder)
    try:
        videos = sorted(
            (path for path in folder.iterdir()
             if not path.name.startswith(".") and extension(path.name) in VIDEOS), key=natural,
        )  # fmt: skip
    except OSError as problem:
        raise PictureError(reason(problem)) from problem
    if pictures and videos:
        raise PictureError(
            f"a folder with {len(pictures)} pictures and {len(videos)} videos: name the files"
        )
    if not videos:
        return open_numbered(pictures, overrides, folder=folder)
    return _open_capture(videos, overrides) if len(videos) > 1 else _open(videos[0], overrides)


def _open_capture(paths: Sequence[Path], overrides: Overrides) -> Video:
    """Open several files as one; pieces in which other depths were guessed take the largest."""
    pieces: list[Video] = []
    try:
        for path in paths:
            try:
                pieces.append(_open(path, overrides))
            except PictureError as problem:
                raise PictureError(f"{path.name}: {problem}") from problem
        depths = {piece.about.depth for piece in pieces}
        declared = {piece.about.header.get("PixelDepthPerPlane") for piece in pieces}
        if len(depths) > 1 and len(declared) == 1 and None not in declared:
            for piece in pieces:  # a dark piece shows fewer of its bits
                depth = max(depths)
                piece.about.depth, piece.about.full_scale = depth, float(2**depth - 1)
        return join(pieces)
    except BaseException:
        for piece in pieces:
            piece.close()
        raise
