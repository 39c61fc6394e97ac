"""What is refused, and how: short reasons, before any work, without a block or a warning."""

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seeing.errors import PictureError
from seeing.media.read import read

Files = Any  # see conftest.py
Why = Callable[..., str]


# --- what is no picture ---------------------------------------------------------------------------


def test_reasons_are_short_and_without_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "text.jpg").write_text("%PDF-1.7 and so on")
    (tmp_path / "tiny.jpg").write_bytes(b"x")
    expected = {
        "empty.jpg": "empty file (0 bytes)",
        "folder.jpg": "a folder, not a picture",
        "loop.jpg": "a link that leads in a circle",
        "text.jpg": "not a picture that can be read (starts with 25504446)",
        "tiny.jpg": "not a picture that can be read (starts with 78)",
        "none.jpg": "no such file",
        "text.jpg/x.jpg": "no such file",
        "nul\0.jpg": "no such file",
        "long" * 100: "file name too long",
    }
    for name, reason in expected.items():
        with pytest.raises(PictureError) as caught:
            read(f"{tmp_path}/{name}")
        assert str(caught.value) == reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_never_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    started = time.monotonic()
    for path, reason in ((tmp_path / "pipe.jpg", "a pipe"), (Path("/dev/zero"), "a device")):
        with pytest.raises(PictureError, match=reason):
            read(path)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"LUCAM-RECORDER" + bytes(200), "SER"), (b"RIFF\0\0\0\0AVI LIST" + bytes(99), "AVI"),
     (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "MP4"), (b"\x1aE\xdf\xa3" + bytes(50), "Matroska"),
     (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "QuickTime")],
)  # fmt: skip
def test_videos_are_named(head: bytes, name: str, why: Why) -> None:
    assert why(head) == f"a video ({name}); only still pictures are read here"


def test_real_videos_are_named(seeing_data: Path) -> None:
    folder = seeing_data / "data" / "planets"
    with pytest.raises(PictureError, match=r"a video \(AVI\)"):
        read(folder / "moon_pss_short_video.avi")
    with pytest.raises(PictureError, match=r"a video \(SER\)"):
        read(folder / "jupiter_dslr_bgr_12.ser")


def test_a_frame_or_part_that_is_not_there_is_refused(files: Files, why: Why) -> None:
    content = files.saved(Image.new("L", (4, 4)), "JPEG")
    assert why(content, frame=1) == "no frame 1: it has 1 frame, counted from 0"
    assert why(content, part="SCI") == "no part SCI: a JPEG file has no named parts"


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "GIF", "WebP", "AVIF", "BMP", "TIFF"])
def test_half_a_file_is_an_error(
    format_name: str, capfd: pytest.CaptureFixture[str], files: Files, why: Why
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = files.saved(Image.fromarray(noise), format_name)
    for length in (len(content) // 2, len(content) - 200, 40):
        reason = why(content[:length])
        assert reason.startswith(("truncated", "damaged")), reason
        assert format_name in reason
        assert "\n" not in reason
        assert len(reason) < 160
    assert capfd.readouterr() == ("", "")


# --- limits and warnings --------------------------------------------------------------------------


def test_the_limit_is_checked_before_decoding(files: Files, why: Why) -> None:
    rows = b"\0" + bytes(1)
    content = files.png((63_246, 63_246), 1, 0, rows, b"")
    started = time.monotonic()
    reason = why(content)
    assert reason == "4,000 million pixels; the limit is 512 million (raise it with limit_pixels)"
    assert time.monotonic() - started < 1


def test_pictures_beyond_pillows_own_limit_are_read_without_a_warning(files: Files) -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    side = int(Image.MAX_IMAGE_PIXELS**0.5) + 500
    content = files.saved(Image.new("1", (side, side)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("a", content=content).samples.shape == (side, side, 1)


def test_warnings_neither_leak_nor_stay_silenced(tmp_path: Path, files: Files) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(files.saved(Image.fromarray(files.drawn(64, 64, 3)), "PNG"))
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [read(path) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning):
        warnings.warn("still heard", UserWarning, stacklevel=1)


# --- rights ---------------------------------------------------------------------------------------


_AS_NOBODY = """
import os, sys
sys.path[:0] = {path!r}
from seeing.media.read import read
from seeing.errors import PictureError
import pwd
if os.getuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
try:
    read({file!r})
except PictureError as problem:
    print(problem)
"""


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions")
def test_a_file_that_may_not_be_read_says_so(open_tmp_path: Path, files: Files) -> None:
    path = open_tmp_path / "secret.png"
    path.write_bytes(files.saved(Image.new("L", (4, 4)), "PNG"))
    path.chmod(0)
    # imported as the user who may read the packages, then becoming one who may not read the file
    code = _AS_NOBODY.format(path=sys.path, file=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("permission denied\n", "")
