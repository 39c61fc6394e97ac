"""Uncompressed AVI written by hand, byte by byte, and compared with FFmpeg where both read it."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.video.avi import open_raw_avi
from seeing.video.base import Overrides
from seeing.video.open import is_video, open_video

Planet = Callable[..., NDArray[Any]]
Everything = Callable[..., NDArray[Any]]
KEY = 0x10
RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def listed(name: bytes, *parts: bytes) -> bytes:
    return chunk(b"LIST", name + b"".join(parts))


def padded(frame: NDArray[Any], *, to: int = 4) -> bytes:
    """Rows of a frame (h, w[, 3]), each filled up to a multiple of some bytes."""
    rows = [row.tobytes() for row in frame]
    return b"".join(row + b"\xee" * (-len(row) % to) for row in rows)


def headers(
    width: int, height: int, bits: int, code: bytes, palette: NDArray[Any] | None, count: int
) -> bytes:
    colours = 0 if palette is None else len(palette)
    form = struct.pack(
        "<IiiHH4sIiiII", 40, width, height, 1, bits, code, 0, 0, 0, colours, 0
    )  # fmt: skip
    if palette is not None:
        blue_first = np.concatenate([palette[:, ::-1], palette[:, :1] * 0], axis=1)
        form += blue_first.astype(np.uint8).tobytes()
    stream = struct.pack(
        "<4s4sIHHIIIIIIIIhhhh", b"vids", code, 0, 0, 0, 0, 1, 25, 0, count, 0, 0, 0, 0, 0, 0, 0
    )
    main = struct.pack("<14I", 40000, 0, 0, KEY, count, 0, 1, 0, width, abs(height), 0, 0, 0, 0)
    strl = listed(b"strl", chunk(b"strh", stream), chunk(b"strf", form))
    return listed(b"hdrl", chunk(b"avih", main), strl)


def avi(
    frames: Sequence[bytes], *, width: int, height: int, bits: int = 8, code: bytes = b"Y800",
    palette: NDArray[Any] | None = None, index: bool = True, name: bytes = b"00db",
) -> bytes:  # fmt: skip
    """A whole file; with index=False it ends behind the frames."""
    movie = listed(b"movi", *(chunk(name, frame) for frame in frames))
    entries, at = b"", 4
    for frame in frames:
        entries += struct.pack("<4sIII", name, KEY, at, len(frame))
        at += 8 + len(frame) + len(frame) % 2
    parts = [headers(width, height, bits, code, palette, len(frames)), movie]
    if index:
        parts.append(chunk(b"idx1", entries))
    return chunk(b"RIFF", b"AVI " + b"".join(parts))


@pytest.fixture
def read(tmp_path: Path, everything: Everything) -> Callable[..., tuple[NDArray[Any], Any]]:
    def reader(content: bytes, **known: Any) -> tuple[NDArray[Any], Any]:
        path = tmp_path / "a.avi"
        path.write_bytes(content)
        video = open_raw_avi(path, Overrides(**known))
        assert video is not None
        with video:
            return everything(video), video.about

    return reader


def by_ffmpeg(path: Path) -> NDArray[Any]:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames)


Read = Callable[..., tuple[NDArray[Any], Any]]


@pytest.mark.parametrize("code", [b"Y800", b"Y8  ", b"GREY"])
@pytest.mark.parametrize("height", [48, -48])
def test_grey_is_top_down(planet: Planet, read: Read, code: bytes, height: int) -> None:
    frames = planet(5)
    content = avi([f.tobytes() for f in frames], width=64, height=height, code=code)
    found, about = read(content)
    np.testing.assert_array_equal(found[..., 0], frames)
    assert (about.planes, about.depth, about.times, about.remarks) == (1, 8, None, [])
    assert about.header["fps"] == 25


@pytest.mark.parametrize("pad", [True, False])
def test_grey_of_a_width_that_is_no_multiple_of_4(
    planet: Planet, read: Read, tmp_path: Path, pad: bool
) -> None:
    frames = planet(4, 40, 51)
    stored = [padded(f, to=4 if pad else 1) for f in frames]
    found, _ = read(avi(stored, width=51, height=40))
    np.testing.assert_array_equal(found[..., 0], frames)
    np.testing.assert_array_equal(by_ffmpeg(tmp_path / "a.avi")[..., :1], found)


@pytest.mark.parametrize("width", [64, 61, 62, 63])
@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("bits", [8, 24, 32])
def test_dib_rows_run_upwards_and_are_padded(
    planet: Planet, read: Read, tmp_path: Path, width: int, up: bool, bits: int
) -> None:
    grey = planet(4, 40, width)
    channels = [grey // 4, grey // 2, grey, grey * 0][: bits // 8]  # blue first
    frames = grey if bits == 8 else np.stack(channels, axis=-1)
    stored = [padded(f[::-1] if up else f) for f in frames]
    content = avi(
        stored, width=width, height=40 if up else -40, bits=bits, code=b"\0\0\0\0",
        palette=RAMP if bits == 8 else None,
    )  # fmt: skip
    found, about = read(content)
    expected = frames[..., None] if bits == 8 else frames[..., 2::-1]
    np.testing.assert_array_equal(found, expected)
    assert about.planes == (1 if bits == 8 else 3)
    if up:  # FFmpeg ignores the sign of the height here
        ffmpeg = by_ffmpeg(tmp_path / "a.avi")
        np.testing.assert_array_equal(ffmpeg, np.broadcast_to(expected, ffmpeg.shape))


def test_palettes(planet: Planet, read: Read) -> None:
    frames = planet(3)
    stored = [padded(f[::-1]) for f in frames]

    def through(palette: NDArray[Any] | None) -> tuple[NDArray[Any], Any]:
        return read(
            avi(stored, width=64, height=48, bits=8, code=b"\0\0\0\0", palette=palette)
        )  # fmt: skip

    ramp, about = through(RAMP)
    np.testing.assert_array_equal(ramp[..., 0], frames)
    none, _ = through(None)
    np.testing.assert_array_equal(none[..., 0], frames)
    negative, about = through(RAMP[::-1])
    np.testing.assert_array_equal(negative[..., 0], 255 - frames)
    assert about.planes == 1
    colours = np.stack([RAMP[:, 0], RAMP[::-1, 0], RAMP[:, 0] // 2], axis=1)
    found, about = through(colours)
    assert about.planes == 3
    np.testing.assert_array_equal(found, colours[frames])


@pytest.mark.parametrize(("code", "pattern"), [(b"BA81", "BGGR"), (b"GRBG", "GRBG")])
def test_mosaics(planet: Planet, read: Read, code: bytes, pattern: str) -> None:
    frames = planet(3)
    content = avi([f.tobytes() for f in frames], width=64, height=48, code=code)
    assert read(content)[1].pattern == pattern
    assert read(content, bayer="none")[1].pattern is None
    assert read(content, bayer="RGGB")[1].pattern == "RGGB"


def test_a_mosaic_stored_as_three_colours(planet: Planet, read: Read) -> None:
    frames = planet(3)
    stored = [padded(np.stack([f[::-1]] * 3, axis=-1)) for f in frames]
    content = avi(stored, width=64, height=48, bits=24, code=b"\0\0\0\0")
    found, about = read(content)
    assert about.planes == 3
    assert about.remarks == ["its three colours are the same: grey, stored as colour"]
    found, about = read(content, bayer="RGGB")
    assert (about.planes, about.pattern) == (1, "RGGB")
    np.testing.assert_array_equal(found[..., 0], frames)


def test_sixteen_bits(planet: Planet, read: Read) -> None:
    frames = planet(3, 40, 51, depth=16)
    content = avi([padded(f) for f in frames], width=51, height=40, bits=16, code=b"Y16 ")
    found, about = read(content)
    np.testing.assert_array_equal(found[..., 0], frames)
    assert (about.depth, about.full_scale) == (16, 65535)


def test_empty_chunks_repeat_the_frame_before(planet: Planet, read: Read) -> None:
    frames = planet(3)
    a, b, c = (f.tobytes() for f in frames)
    found, about = read(avi([a, b"", b, b"", b"", c], width=64, height=48))
    np.testing.assert_array_equal(found[..., 0], frames[[0, 0, 1, 1, 1, 2]])
    assert about.remarks == ["3 empty frames (dropped while recording) repeat the one before"]


def test_frames_too_short_are_left_out_and_keep_the_numbering(
    planet: Planet, tmp_path: Path
) -> None:
    a, b, c = (f.tobytes() for f in planet(3))
    path = tmp_path / "a.avi"
    path.write_bytes(avi([b"", a, b[:100], b"", c], width=64, height=48))
    video = open_video(path)
    with video:
        found = np.concatenate([some for some, _ in video.batches()])
        assert len(video) == 5
        assert found.tolist() == [1, 4]
        assert "3 of 5 frames can't be read" in video.about.remarks
        with pytest.raises(PictureError, match="frame 2 can't be decoded"):
            video.frame(2)


def test_a_broken_index_and_wrong_lengths_of_lists(planet: Planet, read: Read) -> None:
    frames = planet(6)
    content = avi([f.tobytes() for f in frames], width=64, height=48)
    index = content.index(b"idx1")
    movie = content.index(b"movi")
    for broken in (
        content[: index + 8] + b"\xff" * (len(content) - index - 8),
        content[:index],
        content[:4] + bytes(4) + content[8:],  # as after a crash
        content[: movie - 4] + bytes(4) + content[movie:index],
        content[: movie - 4] + b"\xff" * 4 + content[movie:],
    ):
        found, _ = read(broken)
        np.testing.assert_array_equal(found[..., 0], frames)


def test_a_cut_file_and_rubbish_behind_its_frames(planet: Planet, read: Read) -> None:
    frames = planet(6)
    content = avi([f.tobytes() for f in frames], width=64, height=48, index=False)
    found, about = read(content[:-1000])
    np.testing.assert_array_equal(found[..., 0], frames[:5])
    assert about.remarks == ["its last frame lacks 1,000 bytes"]
    found, about = read(content + b"\x01\x02\x03\x04" * 9)
    np.testing.assert_array_equal(found[..., 0], frames)
    assert about.remarks[0].startswith("no chunk at byte")


def test_pieces_of_opendml_sound_and_records(planet: Planet, read: Read) -> None:
    frames = planet(6)
    pieces = [chunk(b"00db", f.tobytes()) for f in frames]
    sound, index = chunk(b"01wb", b"la" * 51), chunk(b"ix00", bytes(100))
    first = listed(b"movi", pieces[0], sound, index, listed(b"rec ", pieces[1], pieces[2]))
    second = chunk(b"RIFF", b"AVIX" + listed(b"movi", *pieces[3:], index))
    content = chunk(b"RIFF", b"AVI " + headers(64, 48, 8, b"Y800", None, 3) + first) + second
    found, _ = read(content)
    np.testing.assert_array_equal(found[..., 0], frames)


def test_files_without_a_whole_frame(planet: Planet, tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    for frames in ([], [b""], [b"abc"]):
        path.write_bytes(avi(frames, width=64, height=48))
        with pytest.raises(PictureError):
            open_video(path)
    assert is_video(path)


def test_any_cut_is_at_most_one_line(planet: Planet, tmp_path: Path) -> None:
    content = avi([f.tobytes() for f in planet(3, 8, 8)], width=8, height=8)
    path = tmp_path / "a.avi"
    for length in range(0, len(content), 5):
        path.write_bytes(content[:length])
        try:
            with open_video(path) as video:
                assert sum(len(some) for some, _ in video.batches()) == len(video)
        except PictureError as problem:
            assert "\n" not in str(problem)


def test_any_changed_byte_is_at_most_one_line(planet: Planet, tmp_path: Path) -> None:
    content = avi([f.tobytes() for f in planet(2, 8, 8)], width=8, height=8)
    path = tmp_path / "a.avi"
    for at in range(0, content.index(b"movi") + 12, 3):
        path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
        try:
            with open_video(path) as video:
                list(video.batches())
        except PictureError as problem:
            assert "\n" not in str(problem)
