"""What the tests of reading and finding share: pictures, and files of them made in memory."""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from seeing.errors import PictureError
from seeing.media.read import read


class Files:
    """Pictures, and what files of them hold."""

    @staticmethod
    def drawn(height: int, width: int, channels: int, kind: type = np.uint8) -> NDArray[Any]:
        """Smooth, different in every direction and channel, the same in every run."""
        top = np.iinfo(kind).max
        down, across = np.mgrid[0:height, 0:width]
        planes = [(down * (c + 1) + across * 3 + c * 40) % 256 for c in range(channels)]
        return (np.stack(planes, axis=-1) * (top // 255)).astype(kind)

    @staticmethod
    def saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
        file = io.BytesIO()
        image.save(file, format_name, **options)
        return file.getvalue()

    @staticmethod
    def encoded(codec: str, pixels: NDArray[Any], **options: Any) -> bytes:
        """What imagecodecs writes."""
        return bytes(getattr(imagecodecs, codec)(pixels, **options))

    @staticmethod
    def png_chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    def png(
        self, size: tuple[int, int], depth: int, colour_type: int, rows: bytes, trns: bytes
    ) -> bytes:
        """A PNG written by hand, for what Pillow does not write."""
        header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
        chunks = [(b"IHDR", header), *([(b"tRNS", trns)] if trns else [])]
        chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(self.png_chunk(*chunk) for chunk in chunks)

    @staticmethod
    def adobe_like() -> bytes:
        """A profile with primaries wider than sRGB's: sRGB's own with red and green exchanged."""
        profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        count = int.from_bytes(profile[128:132], "big")
        tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
        red, green = tags[b"rXYZ"], tags[b"gXYZ"]
        profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
        return bytes(profile)


@pytest.fixture(scope="session")
def files() -> Files:
    return Files()


@pytest.fixture(scope="session")
def why() -> Callable[..., str]:
    """why(content, frame=..., ...): the reason why reading it is refused."""

    def reason(content: bytes, **options: Any) -> str:
        with pytest.raises(PictureError) as caught:
            read("x", content=content, **options)
        return str(caught.value)

    return reason


@pytest.fixture
def open_tmp_path() -> Iterator[Path]:
    """An empty folder that other users may enter too; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
