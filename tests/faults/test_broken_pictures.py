"""Broken pictures among good ones: each named with its reason, none stops or spoils the rest."""

import gzip
import io
import struct
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

Run = Callable[..., CompletedProcess[str]]
Pictures = Callable[..., list[Path]]
Untouched = Callable[[Path], AbstractContextManager[None]]
MEGABYTE = 1 << 20


def saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    random = np.random.default_rng(width * height)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def unreadable(run: Run, cwd: Path) -> dict[str, str]:
    """What `q status` says of each file that can't be read, by name."""
    import json

    told = json.loads(run("status", "--json", cwd=cwd).stdout)
    return {Path(row["path"]).name: row["reason"] for row in told["unreadable"]}


def test_each_kind_of_broken_file_is_named_with_its_own_reason(
    q: Run, untouched: Untouched, tmp_path: Path
) -> None:
    png, jpeg = saved(noise(64, 48), "PNG"), saved(noise(64, 48), "JPEG")
    spoilt = bytearray(png)
    spoilt[len(png) // 2] ^= 0xFF
    files = {
        "good.png": png,
        "png named.jpg": png,
        "jpeg named.png": jpeg,
        "empty.png": b"",
        "text.jpg": b"Dear diary, today I was a picture.\n" * 9,
        "html.png": b"<!DOCTYPE html><html><body>404 not found</body></html>",
        "half.png": png[: len(png) // 2],
        "half.jpg": jpeg[: len(jpeg) // 2],
        "head.png": png[:20],
        "head.gif": b"GIF89a",
        "spoilt.png": bytes(spoilt),
        "zeros.jpg": bytes(5000),
        "head.tif": b"II*\0",
        "loop.tif": b"II*\0" + struct.pack("<I", 8) + struct.pack("<HI", 0, 8),
        "head.fits": b"SIMPLE  =                    T" + b" " * 50,
        "video.jpg": b"\0\0\0\x18ftypmp42" + bytes(500),
    }
    for name, held in files.items():
        (tmp_path / name).write_bytes(held)
    with untouched(tmp_path):
        done = q("index", "-e", "thumbnail", ".", cwd=tmp_path, status=3)
    told = unreadable(q, tmp_path)
    assert told.keys() == files.keys() - {"good.png", "png named.jpg", "jpeg named.png"}
    for name, why in told.items():
        assert f"q: {name}: {why}" in done.stderr.splitlines(), name
        assert "\n" not in why and 3 < len(why) < 200, why
    assert "empty" in told["empty.png"]
    assert "not a picture" in told["text.jpg"]
    assert "video" in told["video.jpg"]
    for name in ("half.png", "half.jpg"):
        assert told[name].startswith("truncated"), told[name]
    found = q("find-similar", "png named.jpg", "-n", "1", "--paths", cwd=tmp_path, status=None)
    assert found.stdout == "jpeg named.png\n"  # good.png has the target's own content


def png_bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, held: bytes) -> bytes:
        return (
            struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10 * MEGABYTE), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def gif_bomb(width: int, height: int) -> bytes:
    small = bytearray(saved(Image.new("P", (8, 8)), "GIF"))
    small[6:10] = struct.pack("<HH", min(width, 65535), min(height, 65535))
    at = small.index(b",\0\0\0\0")
    small[at + 5 : at + 9] = struct.pack("<HH", min(width, 65535), min(height, 65535))
    return bytes(small)


def tiff_bomb(width: int, height: int, *, compression: int = 8) -> bytes:
    strip = zlib.compress(bytes(10 * MEGABYTE), 9)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression),
        (262, 3, 1, 1), (273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, height),
        (279, 4, 1, len(strip)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *entry) for entry in entries
    )
    return (b"II*\0\x08\0\0\0" + directory + bytes(4)).ljust(200, b"\0") + strip


def fits_bomb(width: int, height: int, *, bits: int = 16) -> bytes:
    cards = [
        "SIMPLE  =                    T",
        f"BITPIX  = {bits:>20}",
        "NAXIS   =                    2",
        f"NAXIS1  = {width:>20}",
        f"NAXIS2  = {height:>20}",
        "END",
    ]
    return "".join(card.ljust(80) for card in cards).encode().ljust(2880) + bytes(28800)


def bmp_bomb(width: int, height: int) -> bytes:
    small = bytearray(saved(Image.new("RGB", (8, 8)), "BMP"))
    small[18:26] = struct.pack("<ii", width, height)
    return bytes(small)


def zipped_bomb() -> bytes:
    """A picture of 20 kB, and 2 GB of nothing behind it, in 2 MB."""
    nothing = gzip.compress(bytes(64 * MEGABYTE), 9)
    return gzip.compress(fits_bomb(100, 100)[: 2880 * 8], 9) + 32 * nothing


BOMBS = {
    "bomb.png": png_bomb(100_000, 100_000),
    "wide.png": png_bomb(2_000_000_000, 2),
    "bomb.gif": gif_bomb(100_000, 100_000),
    "bomb.tif": tiff_bomb(100_000, 100_000),
    "plain.tif": tiff_bomb(100_000, 100_000, compression=1),
    "bomb.fits": fits_bomb(100_000, 100_000),
    "huge.fits": fits_bomb(2**31, 2**31),
    "bomb.bmp": bmp_bomb(100_000, 100_000),
}


def peak_of(run: Run, *arguments: str, cwd: Path, status: int) -> tuple[float, str]:
    """Megabytes that the command took at most, by wait4; and its standard error."""
    done = run(
        "-c",
        "import os, sys\n"
        "child = os.fork() or os.execv(sys.argv[1], sys.argv[1:])\n"
        "_, status, used = os.wait4(child, 0)\n"
        "print(used.ru_maxrss / 1024)\n"
        "sys.exit(os.waitstatus_to_exitcode(status))",
        str(Path(sys.executable).parent / "q"),
        *arguments, cwd=cwd, status=status, prefix=(sys.executable,),
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1]), done.stderr


def test_decompression_bombs_are_one_line_each_and_little_memory(q: Run, tmp_path: Path) -> None:
    for name, held in BOMBS.items():
        (tmp_path / name).write_bytes(held)
    peak, told = peak_of(q, "index", "-e", "thumbnail", ".", cwd=tmp_path, status=3)
    assert sorted(line.split(": ")[1] for line in told.splitlines()) == sorted(BOMBS), told
    assert peak < 500, f"{peak:.0f} MB"
    for name in BOMBS:
        peak, told = peak_of(q, "find-similar", name, cwd=tmp_path, status=2)
        assert len(told.splitlines()) == 1 and told.startswith(f"q: {name}: "), told
        assert peak < 500, f"{name}: {peak:.0f} MB"


def test_gzips_that_unfold_without_end_stay_small(q: Run, tmp_path: Path) -> None:
    bomb = zipped_bomb()
    assert len(bomb) < 3 * MEGABYTE
    for number in range(3):
        (tmp_path / f"{number}.fits.gz").write_bytes(bomb + bytes([number]))
    started = time.monotonic()
    peak, told = peak_of(q, "index", "-e", "thumbnail", ".", cwd=tmp_path, status=3)
    assert len(told.splitlines()) == 3, told
    assert peak < 800 and time.monotonic() - started < 20, f"{peak:.0f} MB"


def test_many_bombs_at_once_do_not_add_up(q: Run, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(BOMBS["bomb.png"] + bytes([number]))
        (tmp_path / f"{number}.tif").write_bytes(BOMBS["bomb.tif"] + bytes([number]))
    peak, told = peak_of(q, "index", "-e", "thumbnail", ".", cwd=tmp_path, status=3)
    assert len(told.splitlines()) == 24
    assert peak < 600, f"{peak:.0f} MB"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["large.jpg", "large.png"])
def test_four_hundred_million_pixels_are_read_in_bounded_time_and_memory(
    q: Run, name: str, tmp_path: Path
) -> None:
    large = Image.linear_gradient("L").resize((20_000, 20_000)).convert("RGB")
    options: dict[str, Any] = {"compress_level": 1} if name.endswith("png") else {}
    large.save(tmp_path / name, **options)
    del large
    started = time.monotonic()
    peak, told = peak_of(q, "index", "-e", "thumbnail", ".", cwd=tmp_path, status=0)
    seconds = time.monotonic() - started
    # decoded once it is 1,200 MB; a JPEG is decoded at 1/8
    assert peak < (800 if name.endswith("jpg") else 4500), f"{peak:.0f} MB"
    assert seconds < 60, f"{seconds:.0f} s"
    assert told == ""


def test_one_pixel_and_flat_pictures_have_a_direction(q: Run, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (200, 10, 10)).save(tmp_path / "one.png")
    Image.new("L", (1, 1), 0).save(tmp_path / "black.gif")
    Image.new("RGB", (5000, 1)).save(tmp_path / "line.png")
    Image.new("RGB", (1, 5000), (255, 255, 255)).save(tmp_path / "column.jpg")
    for encoder in ("thumbnail", "colour", "builtin"):
        q("index", "-e", encoder, ".", cwd=tmp_path)
        for name in ("one.png", "line.png"):
            found = q("find-similar", "-e", encoder, name, "--json", cwd=tmp_path, status=None)
            assert found.returncode in (0, 1), found.stderr
            assert "NaN" not in found.stdout


def test_an_animation_is_its_first_frame(q: Run, tmp_path: Path) -> None:
    first, second = noise(32, 32), Image.new("RGB", (32, 32), (0, 255, 0))
    first = first.quantize(64).convert("RGB")  # GIF keeps these colours exactly
    first.save(tmp_path / "first.png")
    for name in ("animated.gif", "animated.png", "animated.webp"):
        options: dict[str, Any] = {"lossless": True} if name.endswith("webp") else {}
        first.save(tmp_path / name, save_all=True, append_images=[second] * 3, **options)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    found = q("find-similar", "first.png", "--min-similarity", "0.99", "--paths", cwd=tmp_path)
    assert set(found.stdout.split()) == {"animated.gif", "animated.png", "animated.webp"}


def test_fits_without_numbers_and_with_infinities(q: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    some = random.normal(100, 10, (32, 32)).astype(np.float32)
    some[:4] = np.nan
    some[5, 5], some[6, 6] = np.inf, -np.inf
    extreme = some.copy()
    extreme[10, 10] = np.float32(3.4e38)
    extreme[11, 11] = np.float32(-3.4e38)
    files = {
        "some.fits": some,
        "all nan.fits": np.full((32, 32), np.nan, np.float32),
        "all inf.fits": np.full((32, 32), -np.inf, np.float64),
        "extreme.fits": extreme,
        "beyond float32.fits": np.array([[1e300, -1e300], [0, 1]]),
        "tiny.fits": np.array([[1e-320, 0], [0, 1e-45]]),
    }
    for name, samples in files.items():
        fits.writeto(tmp_path / name, samples)
    for encoder in ("thumbnail", "colour", "builtin"):
        done = q("index", "-e", encoder, ".", cwd=tmp_path, status=None)
        assert done.returncode in (0, 3), done.stderr
        found = q("find-similar", "-e", encoder, "some.fits", "--json", cwd=tmp_path, status=None)
        assert found.returncode in (0, 1), found.stderr
        assert "NaN" not in found.stdout
        doctor = q("doctor", cwd=tmp_path)
        assert "wrong" not in doctor.stdout


def test_three_hundred_broken_among_two_thousand(
    q: Run, pictures: Pictures, untouched: Untouched, tmp_path: Path
) -> None:
    good = pictures(tmp_path / "all", 2000)
    for number in range(300):
        held = good[number].read_bytes()
        (tmp_path / "all" / f"broken {number}.png").write_bytes(
            (b"", held[: len(held) // 2], b"no picture %d" % number)[number % 3]
        )
    with untouched(tmp_path):
        first = q("index", "-e", "thumbnail", "all", cwd=tmp_path, status=3)
        again = q("index", "all", cwd=tmp_path, status=0)
    assert sum("all/broken" in line for line in first.stderr.splitlines()) == 300
    assert "2000 unchanged" in again.stdout and "broken" not in again.stderr
    assert len(unreadable(q, tmp_path)) == 300
    verbose = q("status", "--verbose", cwd=tmp_path).stdout
    assert verbose.count("all/broken ") == 300

    mended = tmp_path / "all" / "broken 0.png"
    mended.write_bytes(saved(noise(40, 40), "PNG"))
    (tmp_path / "all" / "broken 1.png").write_bytes(b"broken in another way")
    third = q("index", "all", cwd=tmp_path, status=3)
    assert "broken 1.png" in third.stderr and len(third.stderr.splitlines()) == 1
    told = unreadable(q, tmp_path)
    assert len(told) == 299 and "broken 0.png" not in told


def test_a_reader_never_prints_or_warns(q: Run, tmp_path: Path) -> None:
    """Random damage in every format: whatever decoders say stays inside."""
    random = np.random.default_rng(3)
    whole = {
        "png": saved(noise(40, 30), "PNG"),
        "jpg": saved(noise(40, 30), "JPEG"),
        "gif": saved(noise(40, 30).quantize(16), "GIF"),
        "webp": saved(noise(40, 30), "WEBP"),
        "bmp": saved(noise(40, 30), "BMP"),
        "tif": saved(noise(40, 30), "TIFF", compression="tiff_lzw"),
        "jp2": saved(noise(40, 30), "JPEG2000"),
        "avif": saved(noise(40, 30), "AVIF"),
    }
    held = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.writeto(held, np.asarray(noise(40, 30))[:, :, 0])
    whole["fits"] = held.getvalue()
    for extension, data in whole.items():
        for number in range(25):
            spoilt = bytearray(data)
            for place in random.integers(0, len(data), 1 + number % 5):
                spoilt[place] = random.integers(256)
            (tmp_path / f"{number}.{extension}").write_bytes(spoilt)
    done = q("index", "-e", "thumbnail", ".", cwd=tmp_path, status=None)
    assert done.returncode in (0, 3)
    for line in done.stderr.splitlines():
        assert line.startswith("q: ") and ": " in line[3:], line
