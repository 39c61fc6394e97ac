"""The tables of extensions by which pictures and videos are found inside folders."""

import os

PICTURES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".avif"),
        *(".bmp", ".dib", ".tif", ".tiff"),
        *(".jp2", ".j2k", ".jpx", ".jxl", ".heic", ".heif", ".hif"),
        *(".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz", ".fits.fz", ".fit.fz"),
    )
)
"""In lower case; what a file really is, its content says (see `sniff`)."""

VIDEOS = frozenset((".ser", ".avi", ".mov", ".mp4", ".m4v", ".mkv"))
"""Of videos; FITS cubes and TIFFs of many pages have pictures' extensions."""

_DOUBLE = (".gz", ".fz")


def extension(name: str) -> str:
    """Return a file name's extension in lower case, ".fits.gz" as one."""
    stem, last = os.path.splitext(name.lower())  # noqa: PTH122 -- 20,000 names in a few ms
    return os.path.splitext(stem)[1] + last if last in _DOUBLE else last  # noqa: PTH122


def is_picture_name(name: str) -> bool:
    """Tell whether a file of this name is taken for a picture when found in a folder."""
    return extension(name) in PICTURES
