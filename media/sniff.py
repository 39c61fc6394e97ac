"""Which format a file has, told from its first bytes and never from its name."""

from typing import Literal

Format = Literal[
    "JPEG", "PNG", "GIF", "WebP", "AVIF", "BMP", "TIFF", "FITS", "JPEG 2000", "JPEG XL", "HEIC"
]

HEAD_BYTES = 64
"""As many of a file's first bytes as `sniff` looks at."""

_STARTS: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"SIMPLE  =", "FITS"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
)
_VIDEO_STARTS = ((b"LUCAM-RECORDER", "SER"), (b"\x1aE\xdf\xa3", "Matroska"))
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_GZIP = b"\x1f\x8b"


def sniff(head: bytes) -> Format | None:
    """Return the format of a picture that begins with `head`, None when it is not known.

    A gzip stream counts as FITS, the one format that is commonly kept so.
    """
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        brands = _brands(head)
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & _HEIC_BRANDS:
            return "HEIC"
    return "FITS" if head.startswith(_GZIP) else None


def sniff_video(head: bytes) -> str | None:
    """Return the name of the video format that begins with `head`, None when it is none."""
    for start, name in _VIDEO_STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    if head[4:8] == b"ftyp" and sniff(head) is None:
        return "QuickTime" if head[8:12] == b"qt  " else "MP4"
    return None


def _brands(head: bytes) -> set[bytes]:
    # ISO/IEC 14496-12, 4.3: size, "ftyp", major brand, version, compatible brands
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}
