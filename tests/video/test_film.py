"""Films through FFmpeg: lossless codecs come back exactly, numbers of frames stay right."""

import io
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.film import Film, open_film
from seeing.video.open import is_video, open_video

Planet = Callable[..., NDArray[Any]]
Everything = Callable[..., NDArray[Any]]
Make = Callable[..., Path]
CALM = {"sc_threshold": "1000000000"}
"""Key frames at their interval only, not where the picture changes."""


@pytest.fixture
def film(tmp_path: Path) -> Make:
    """Encode frames: film(frames, codec, pix_fmt, name, array_format, metadata, options)."""

    def make(
        frames: NDArray[Any], codec: str = "ffv1", pixels: str = "gray", *, name: str = "a.mkv",
        given: str | None = None, metadata: dict[str, str] | None = None, rate: int = 25,
        **options: str,
    ) -> Path:  # fmt: skip
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            container.metadata.update(metadata or {})
            stream = container.add_stream(codec, rate=rate, options=options)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = frames.shape[2], frames.shape[1]
            stream.pix_fmt = pixels
            for at, frame in enumerate(frames):
                picture = av.VideoFrame.from_ndarray(
                    np.ascontiguousarray(frame), format=given or pixels
                )
                picture.pts, picture.time_base = at, Fraction(1, rate)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return make


def opened(path: Path, **known: Any) -> Film:
    return open_film(path, Overrides(**known))


# --- lossless: equal to the bit -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "depth"), [("gray", 8), ("gray10le", 10), ("gray12le", 12), ("gray16le", 16)]
)
def test_grey_stays_grey(
    film: Make, planet: Planet, everything: Everything, pixels: str, depth: int
) -> None:
    frames = planet(7, 45, 62, depth=depth)
    video = opened(film(frames, "ffv1", pixels))
    about = video.about
    assert (about.format, about.planes, about.depth) == ("Matroska", 1, depth)
    assert about.full_scale == 2**depth - 1
    assert (about.effective_depth, about.times, about.remarks) == (depth, None, [])
    np.testing.assert_array_equal(everything(video)[..., 0], frames)


def coloured(frames: NDArray[Any]) -> NDArray[Any]:
    return np.stack([frames, frames // 2, frames[:, ::-1] // 3], axis=-1)


@pytest.mark.parametrize(
    ("codec", "pixels", "given", "depth", "name"),
    [
        ("ffv1", "bgr0", "rgb24", 8, "a.mkv"),
        ("png", "rgb24", "rgb24", 8, "a.mov"),
        ("ffv1", "gbrp16le", "gbrp16le", 16, "a.mkv"),
        ("ffv1", "gbrp10le", "gbrp10le", 10, "a.mkv"),
        ("rawvideo", "rgb24", "rgb24", 8, "a.mov"),
        ("utvideo", "gbrp", "gbrp", 8, "a.avi"),
        ("png", "rgb48be", "rgb48be", 16, "a.mov"),
    ],
)
def test_rgb_stays_rgb(
    film: Make, planet: Planet, everything: Everything, codec: str, pixels: str, given: str,
    depth: int, name: str,
) -> None:  # fmt: skip
    frames = coloured(planet(5, 45, 62, depth=depth))
    video = opened(film(frames, codec, pixels, given=given, name=name))
    about = video.about
    assert (about.planes, about.depth, about.full_scale) == (3, depth, 2**depth - 1)
    np.testing.assert_array_equal(everything(video), frames)


def test_grey_in_quicktime(film: Make, planet: Planet, everything: Everything) -> None:
    frames = planet(4)
    video = opened(film(frames, "rawvideo", "gray", name="a.mov"))
    np.testing.assert_array_equal(everything(video)[..., 0], frames)


@pytest.mark.parametrize("coloured", [False, True])
def test_palettes(tmp_path: Path, planet: Planet, everything: Everything, coloured: bool) -> None:
    frames = planet(4)
    ramp = np.arange(256, dtype=np.uint8)
    colours = np.stack([255 - ramp, 255 - ramp, ramp if coloured else 255 - ramp], axis=1)
    words = np.concatenate([np.full((256, 1), 255, np.uint8), colours], axis=1)  # alpha first
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        for at, frame in enumerate(frames):
            both: Any = (frame, words)
            picture = av.VideoFrame.from_ndarray(both, format="pal8")
            picture.pts, picture.time_base = at, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    video = opened(path)
    assert (video.about.header["pixels"], video.about.planes) == ("pal8", 3 if coloured else 1)
    expected = colours[frames]
    np.testing.assert_array_equal(everything(video), expected if coloured else expected[..., :1])


# --- YUV ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full", "matrix"), [(False, "smpte170m"), (True, "smpte170m"), (False, "bt709")]
)
def test_yuv_becomes_full_range_rgb(
    film: Make, tmp_path: Path, full: bool, matrix: str, everything: Everything
) -> None:
    """Against the formula of ITU-R BT.601 and BT.709, in floats; libswscale rounds to within 1."""
    random = np.random.default_rng(2)
    luma = random.integers(40, 200, (30, 40)).astype(np.float64)
    blue, red = 118.0, 140.0
    frame = np.concatenate([luma, np.full((30, 40), blue), np.full((30, 40), red)])
    frame = frame.astype(np.uint8).reshape(1, 90, 40)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 40, 30, "yuv444p"
        stream.codec_context.color_range = 2 if full else 1
        stream.codec_context.colorspace = 1 if matrix == "bt709" else 6
        picture = av.VideoFrame.from_ndarray(frame.reshape(3, 30, 40), format="yuv444p")
        picture.color_range = 2 if full else 1
        picture.colorspace = 1 if matrix == "bt709" else 6
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    k_red, k_blue = (0.2126, 0.0722) if matrix == "bt709" else (0.299, 0.114)
    y = luma / 255 if full else (luma - 16) / 219
    u, v = ((x - 128) / (255 if full else 224) for x in (blue, red))
    r, b = y + 2 * (1 - k_red) * v, y + 2 * (1 - k_blue) * u
    g = (y - k_red * r - k_blue * b) / (1 - k_red - k_blue)
    expected = np.clip(np.stack([r, g, b], axis=-1) * 255, 0, 255)
    found = everything(opened(path))[0].astype(np.float64)
    assert np.abs(found - expected).max() <= 1.01
    assert np.abs(found - expected).mean() < 0.5


def test_ten_bits_of_yuv_are_not_cut(film: Make, planet: Planet, everything: Everything) -> None:
    luma = planet(3, depth=10)
    grey = np.full((3, 48 * 2, 64), 512, np.uint16)
    frames = np.concatenate([luma, grey], axis=1).reshape(3, 3, 48, 64)
    video = opened(film_of_planes(film, frames))
    about = video.about
    assert (about.planes, about.depth, about.effective_depth) == (3, 16, 10)
    found = everything(video)[..., 1].astype(np.float64)
    # libswscale's white of 16 bits is 255 * 256 and a little; a step of 10 bits is 75
    expected = np.clip((luma.astype(np.float64) - 64) / 876, 0, None) * 65283
    assert np.abs(found - expected).max() < 1.5


def film_of_planes(film: Make, frames: NDArray[Any]) -> Path:
    path = film(np.zeros((1, 48, 64), np.uint8))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p10le"
        for at, frame in enumerate(frames):
            picture = av.VideoFrame(64, 48, "yuv444p10le")
            for plane, values in zip(picture.planes, frame, strict=True):
                rows = np.zeros((48, plane.line_size // 2), np.uint16)
                rows[:, :64] = values
                plane.update(rows.tobytes())
            picture.pts, picture.time_base = at, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


# --- numbers of frames, key frames, times ---------------------------------------------------------


def numbered(count: int) -> NDArray[Any]:
    """Frames that show their number: seven bits as blocks of black and white."""
    bits = np.arange(count)[:, None] >> np.arange(7) & 1
    blocks = np.repeat(np.repeat(bits[:, None] * 200 + 20, 8, axis=2), 16, axis=1)
    return blocks.astype(np.uint8)


def shown(frames: NDArray[Any]) -> list[int]:
    """The numbers that some frames show."""
    blocks = frames.mean(axis=-1).reshape(len(frames), 16, 7, 8).mean(axis=(1, 3)) > 128
    return [int(number) for number in blocks @ (1 << np.arange(7))]


@pytest.mark.parametrize(
    ("codec", "pixels", "name", "options"),
    [
        ("mpeg4", "yuv420p", "a.avi", {"g": "10", **CALM}),
        ("mpeg4", "yuv420p", "a.mp4", {"g": "10", "bf": "2", **CALM}),
        ("mpeg4", "yuv420p", "a.mkv", {"g": "10", "bf": "2", **CALM}),
        ("mpeg2video", "yuv420p", "a.mov", {"g": "10", "bf": "2", **CALM}),
        ("libx264", "yuv420p", "a.mp4", {"g": "10", "bf": "2", "x264-params": "open-gop=1"}),
        ("libx264", "yuv420p", "a.mkv", {"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
        ("mjpeg", "yuvj420p", "a.avi", {}),
        ("ffv1", "gray", "a.avi", {"g": "10"}),
    ],
)
def test_frames_keep_their_numbers_however_they_are_asked_for(
    film: Make, everything: Everything, codec: str, pixels: str, name: str, options: dict[str, str]
) -> None:
    grey = numbered(100)
    frames = coloured_alike(grey) if pixels != "gray" else grey
    given = "rgb24" if pixels != "gray" else "gray"
    video = opened(film(frames, codec, pixels, name=name, given=given, **options))
    assert len(video) == 100
    if "bf" not in options:  # encoders move the key frames among frames that lean on both sides
        assert video.about.key_interval == (10 if options else None)
    whole = everything(video)
    assert shown(whole) == list(range(100))
    for some in ([0], [99], [57, 58, 59], [3, 44, 45, 97], [9, 10, 11, 50], range(20, 80, 7)):
        np.testing.assert_array_equal(everything(video, some), whole[list(some)])
    for number in (0, 1, 35, 99):
        np.testing.assert_array_equal(video.frame(number), whole[number])


def coloured_alike(frames: NDArray[Any]) -> NDArray[Any]:
    return np.stack([frames] * 3, axis=-1)


def test_two_readers_of_a_film_do_not_disturb_each_other(film: Make) -> None:
    frames = numbered(30)
    video = opened(film(frames))
    one, other = video.batches(size=4), video.batches(range(9, 30), size=3)
    for (first, some), (second, more) in zip(one, other, strict=False):
        np.testing.assert_array_equal(some[..., 0], frames[first])
        np.testing.assert_array_equal(more[..., 0], frames[second])


def test_no_times_from_the_rate_alone(film: Make) -> None:
    assert opened(film(numbered(5))).about.times is None


def test_times_from_the_creation_time(film: Make) -> None:
    path = film(
        numbered(5), "mpeg4", "yuv420p", given="gray", name="a.mp4",
        metadata={"creation_time": "2022-11-19T18:52:00.000000Z"},
    )  # fmt: skip
    about = opened(path).about
    assert about.times is not None
    passed = (about.times - np.datetime64("2022-11-19T18:52:00", "ns")).astype(np.int64)
    np.testing.assert_allclose(passed / 1e9, np.arange(5) / 25, atol=1e-6)
    assert any("creation" in remark for remark in about.remarks)


@pytest.mark.parametrize("told", ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_recorders_without_a_clock(film: Make, told: str) -> None:
    path = film(
        numbered(3), "mpeg4", "yuv420p", given="gray", name="a.mkv",
        metadata={"creation_time": told},
    )  # fmt: skip
    assert opened(path).about.times is None


# --- damage ---------------------------------------------------------------------------------------


def test_damaged_packets_are_left_out_and_keep_the_numbering(film: Make) -> None:
    frames = np.random.default_rng(1).integers(0, 255, (20, 64, 64)).astype(np.uint8)
    path = film(frames, "png", "gray", name="a.mov")
    content = bytearray(path.read_bytes())
    at = [place for place in range(len(content)) if content[place : place + 4] == b"\x89PNG"]
    assert len(at) == 20
    content[at[7] : at[7] + 200] = bytes(200)
    path.write_bytes(content)
    video = opened(path)
    found: dict[int, NDArray[Any]] = {}
    for some, samples in video.batches():
        found |= dict(zip(some.tolist(), samples[..., 0].copy(), strict=True))
    assert sorted(found) == [number for number in range(20) if number != 7]
    for number, frame in found.items():
        np.testing.assert_array_equal(frame, frames[number])
    assert "frames that can't be decoded, left out: 1" in video.about.remarks
    with pytest.raises(PictureError, match="frame 7 can't be decoded"):
        video.frame(7)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.avi"])
def test_any_cut_is_at_most_one_line(film: Make, name: str, capfd: Any) -> None:
    path = film(numbered(8), "mpeg4", "yuv420p", given="gray", name=name)
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 40).astype(int).tolist():
        path.write_bytes(content[:length])
        try:
            with open_video(path) as video:
                list(video.batches())
        except PictureError as problem:
            assert "\n" not in str(problem)
            assert str(path) not in str(problem)
    told = capfd.readouterr()
    assert not told.err, told.err


def test_a_film_cut_while_it_is_open(film: Make) -> None:
    path = film(numbered(50), "ffv1", "gray")
    video = opened(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(PictureError, match=r"shorter|damaged"):
        list(video.batches())
    path.unlink()
    with pytest.raises(PictureError, match="no such file"):
        list(video.batches())


def test_lists_of_other_files_are_not_followed(tmp_path: Path) -> None:
    for text in ("ffconcat version 1.0\nfile a.mkv\n", "#EXTM3U\n#EXTINF:1,\nhttp://x/a.ts\n"):
        path = tmp_path / "a.mp4"
        path.write_text(text)
        assert not is_video(path)
        with pytest.raises(PictureError, match="not a video"):
            open_video(path)


# --- a real film ----------------------------------------------------------------------------------


def test_the_moon(planets: Path, everything: Everything) -> None:
    path = planets / "moon_pss_short_video.avi"
    video = open_video(path)
    about = video.about
    assert (about.frames, about.width, about.height, about.planes) == (101, 1280, 960, 3)
    assert about.key_interval == 12
    assert about.header["codec"] == "mpeg4"
    some = everything(video, [0, 60, 100])
    with av.open(io.BytesIO(path.read_bytes()), "r") as container:
        luma = [
            frame.to_ndarray()[:960].astype(np.float64)
            for at, frame in enumerate(container.decode(video=0)) if at in (0, 60, 100)
        ]  # fmt: skip
    # BT.601 backwards: 0.299 R + 0.587 G + 0.114 B is (Y - 16) / 219 of limited range
    expected = np.clip((np.stack(luma) - 16) / 219 * 255, 0, 255)
    found = some @ np.array([0.299, 0.587, 0.114])
    bright = expected > 10  # darker ones are clipped, since the film's grey is a little green
    assert np.abs(found - expected)[bright].max() < 1
    assert np.abs(found - expected).mean() < 0.5
