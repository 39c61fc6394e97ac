"""FITS written by astropy, and real files of surveys and telescopes."""

import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.media.picture import Picture
from seeing.media.read import read


def written(*units: Any) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


def image(pixels: NDArray[Any], **cards: Any) -> bytes:
    unit = fits.PrimaryHDU(pixels)
    for keyword, value in cards.items():
        unit.header[keyword] = value
    return written(unit)


def why(content: bytes, **options: Any) -> str:
    with pytest.raises(PictureError) as caught:
        read("a", content=content, **options)
    return str(caught.value)


def ramp(*shape: int, kind: Any = np.float32) -> NDArray[Any]:
    return np.arange(np.prod(shape)).reshape(shape).astype(kind)


def plane(picture: Picture) -> NDArray[Any]:
    assert picture.channels == 1
    return picture.samples[:, :, 0]


def test_the_first_row_is_the_bottom() -> None:
    pixels = ramp(3, 4)
    picture = read("a", content=image(pixels))
    np.testing.assert_array_equal(plane(picture), pixels[::-1])
    assert (picture.linear, picture.depth, picture.full_scale) == (True, 32, 11.0)
    told = picture.metadata
    assert (told.format, told.width, told.height, told.frames) == ("FITS", 4, 3, 1)


@pytest.mark.parametrize(("order", "turned"), [("TOP-DOWN", False), ("BOTTOM-UP", True)])
def test_roworder_is_respected(order: str, turned: bool) -> None:
    pixels = ramp(3, 4)
    picture = read("a", content=image(pixels, ROWORDER=order))
    np.testing.assert_array_equal(plane(picture), pixels[::-1] if turned else pixels)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("compressed", [False, True])
def test_unsigned_integers_stay_so(kind: type, compressed: bool) -> None:
    pixels = ramp(16, 20, kind=kind) + kind(np.iinfo(kind).max // 2)
    content = (
        written(fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type="RICE_1"))
        if compressed
        else image(pixels)
    )
    picture = read("a", content=content)
    assert picture.samples.dtype == kind
    np.testing.assert_array_equal(plane(picture), pixels[::-1])
    assert picture.full_scale == np.iinfo(kind).max
    assert picture.samples.dtype.isnative


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64, np.float64])
def test_everything_else_becomes_float32(kind: type) -> None:
    pixels = ramp(3, 4, kind=kind) - kind(5)
    picture = read("a", content=image(pixels))
    assert picture.samples.dtype == np.float32
    np.testing.assert_array_equal(plane(picture), pixels[::-1])
    assert picture.depth == np.dtype(kind).itemsize * 8


def test_bscale_bzero_and_blank() -> None:
    unit = fits.PrimaryHDU(np.array([[1, 2], [-99, 4]], dtype=np.int16))
    file = io.BytesIO()
    unit.header["BLANK"] = -99
    fits.HDUList([unit]).writeto(file)
    # the cards are put in by hand: astropy would apply them while writing
    content = file.getvalue().replace(b"BLANK   =                  -99", b"BLANK   = -99".ljust(30))
    cards = b"BSCALE  =                  0.5".ljust(80) + b"BZERO   =                 10.0".ljust(
        80
    )
    end = content.index(b"END     ")
    content = content[:end] + cards + content[end : 2880 - 160] + content[2880:]
    picture = read("a", content=content)
    assert plane(picture).tolist() == [[11.0, 12.0], [10.5, 11.0]]  # the hole: the median
    assert picture.mask is not None
    assert picture.mask.tolist() == [[True, False], [False, False]]


def test_blank_in_unsigned_integers() -> None:
    unit = fits.PrimaryHDU(np.array([[10, 20], [0, 40]], dtype=np.uint16))
    unit.header["BLANK"] = -32768
    picture = read("a", content=written(unit))
    assert picture.samples.dtype == np.uint16
    assert plane(picture).tolist() == [[20, 40], [10, 20]]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[True, False], [False, False]]


def test_nan_and_infinity_are_masked() -> None:
    pixels = np.array([[1, np.nan], [3, np.inf]], dtype=np.float32)
    picture = read("a", content=image(pixels))
    assert plane(picture).tolist() == [[3, 2], [1, 2]]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True], [False, True]]
    assert picture.full_scale == 3.0


def test_the_first_picture_is_taken_else_the_part() -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3))])
    content = written(
        fits.PrimaryHDU(),
        table,
        fits.ImageHDU(ramp(5), name="SPECTRUM"),
        fits.ImageHDU(ramp(2, 2), name="SCI"),
        fits.ImageHDU(ramp(3, 3), name="SCI", ver=2),
        fits.ImageHDU(ramp(4, 4), name="ERR"),
    )
    sides = {None: 2, "SCI": 2, "sci": 2, "SCI,2": 3, "SCI, 2": 3, "3": 2, "5": 4, "ERR": 4}
    for part, side in sides.items():
        assert read("a", content=content, part=part).width == side, part
    assert why(content, part="DQ") == (
        "no part DQ; it has: 0 PRIMARY, 1, 2 SPECTRUM, 3 SCI, 4 SCI, 5 ERR"
    )
    assert why(content, part="9").startswith("no part 9; it has: 0 PRIMARY")
    assert why(content, part="1") == "part 1 is not a picture"
    assert why(content, part="SPECTRUM") == "part SPECTRUM is not a picture"
    assert "after the comma comes a number" in why(content, part="SCI,x")
    assert "without a picture" in why(written(fits.PrimaryHDU(), table))


def test_planes_of_a_cube_are_frames() -> None:
    cube = ramp(5, 3, 4)
    for frame in (None, 0, 4):
        picture = read("a", content=image(cube), frame=frame)
        np.testing.assert_array_equal(plane(picture), cube[frame or 0, ::-1])
        assert picture.metadata.frames == 5
    assert why(image(cube), frame=5) == "no frame 5: it has 5 frames, counted from 0"
    deep = ramp(2, 3, 4, 5)
    np.testing.assert_array_equal(plane(read("a", content=image(deep), frame=4)), deep[1, 1, ::-1])


@pytest.mark.parametrize(
    "cards", [{"CTYPE3": "RGB"}, {"COLORTYP": "RGB"}, {"COLORSPC": "sRGB"}, {"CTYPE3": "color"}]
)
def test_three_planes_are_colour_only_when_the_header_says_so(cards: dict[str, str]) -> None:
    cube = ramp(3, 4, 5)
    picture = read("a", content=image(cube, **cards))
    np.testing.assert_array_equal(picture.samples, np.moveaxis(cube, 0, -1)[::-1])
    assert picture.metadata.frames == 1
    plain = read("a", content=image(cube, CTYPE3="FREQ"))
    assert (plain.channels, plain.metadata.frames) == (1, 3)


def test_gzip_whole_cut_and_endless(tmp_path: Path) -> None:
    pixels = ramp(30, 40)
    packed = gzip.compress(image(pixels))
    path = tmp_path / "a.fits.gz"
    path.write_bytes(packed)
    np.testing.assert_array_equal(plane(read(path)), pixels[::-1])
    middle = len(packed) // 2
    two = gzip.compress(image(pixels)[:3000]) + gzip.compress(image(pixels)[3000:])
    np.testing.assert_array_equal(plane(read("a", content=two)), pixels[::-1])
    assert why(packed[:middle]) == "truncated gzip: it ends in the middle"
    assert why(gzip.compress(b"hello, world")) == "a gzip file without a FITS picture"
    endless = gzip.compress(image(pixels)[:2880] + bytes(50_000_000))
    assert why(endless, limit_pixels=2000).startswith("unfolds to more than")
    assert why(packed[:20] + b"\0\0\0\0" + packed[24:]).startswith(("damaged", "truncated"))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_truncated_file_is_an_error(compressed: bool) -> None:
    pixels = np.random.default_rng(2).integers(0, 9999, (90, 90)).astype(np.int32)
    kind = fits.CompImageHDU if compressed else fits.ImageHDU
    content = written(fits.PrimaryHDU(), kind(pixels))
    for length in (len(content) - 3000, len(content) // 2 + 100, 5000, 2880, 1000, 100):
        reason = why(content[:length])
        blank = length == 2880  # the empty first unit, whole
        assert reason.startswith("a FITS file without" if blank else ("truncated", "damaged"))
    if not compressed:  # without the padding of the last block everything is there
        end = 2880 * 2 + pixels.nbytes
        np.testing.assert_array_equal(plane(read("a", content=content[:end])), pixels[::-1])


def test_a_size_beyond_the_limit_is_refused() -> None:
    content = image(ramp(3, 4)).replace(
        b"NAXIS1  =                    4", b"NAXIS1  =            400000000"
    )
    assert why(content).startswith("1,200 million pixels; the limit is 512 million")


def test_cards_are_kept_as_json_holds_them() -> None:
    unit = fits.ImageHDU(ramp(2, 2))
    unit.header["EXPTIME"] = 1.5
    unit.header["OBJECT"] = "M 51"
    unit.header["FLAG"] = True
    unit.header["NOTHING"] = None
    unit.header["COMPLEX"] = 1 + 2j
    unit.header["HIERARCH ESO DET"] = 3
    unit.header.add_history("one")
    unit.header.add_history("two")
    primary = fits.PrimaryHDU()
    primary.header["DATE-OBS"] = "2020-02-03T04:05:06.7"
    told = read("a", content=written(primary, unit)).metadata
    assert json.loads(json.dumps(told.header, allow_nan=False)) == told.header
    expected = {
        "EXPTIME": 1.5, "OBJECT": "M 51", "FLAG": True, "NOTHING": None, "COMPLEX": "(1+2j)",
        "ESO DET": 3, "HISTORY": "one\ntwo",
    }  # fmt: skip
    assert {key: told.header[key] for key in expected} == expected
    assert told.taken_at == "2020-02-03T04:05:06.7Z"


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"DATE-OBS": "2020-02-03T04:05:06"}, "2020-02-03T04:05:06Z"),
        ({"DATE-OBS": "2020-02-03T04:05:06Z"}, "2020-02-03T04:05:06Z"),
        ({"DATE-OBS": "2020-02-03T04:05:06", "TIMESYS": "TDB"}, "2020-02-03T04:05:06"),
        ({"DATE-OBS": "2020-02-03"}, "2020-02-03"),
        ({"DATE-OBS": "2020-02-03", "TIME-OBS": "04:05:06"}, "2020-02-03T04:05:06Z"),
        ({"DATE-OBS": "29/11/51", "UT": "12:07:00"}, "1951-11-29T12:07:00Z"),
        ({"DATE-OBS": "29/11/51", "UT": 12.1}, "1951-11-29"),
        ({"DATE-OBS": "2020-02-03T25:61:00"}, "2020-02-03"),
        ({"DATE-OBS": "sometime"}, None),
        ({"DATE-OBS": 2020}, None),
        ({}, None),
    ],
)
def test_time_of_observation(cards: dict[str, Any], expected: str | None) -> None:
    assert read("a", content=image(ramp(2, 2), **cards)).metadata.taken_at == expected


def sky(kind: tuple[str, str], **cards: Any) -> dict[str, Any]:
    return {
        "CTYPE1": kind[0], "CTYPE2": kind[1], "CRVAL1": 30.0, "CRVAL2": 40.0, "CRPIX1": 50.5,
        "CRPIX2": 25.5, "CDELT1": -0.001, "CDELT2": 0.001, **cards,
    }  # fmt: skip


def test_the_middle_and_the_diagonal_on_the_sky() -> None:
    content = image(np.zeros((50, 100), np.float32), **sky(("RA---TAN", "DEC--TAN")))
    told = read("a", content=content).metadata
    assert told.ra == pytest.approx(30, abs=1e-6)
    assert told.dec == pytest.approx(40, abs=1e-6)
    # 100 x 50 pixels of 0.001 degrees: sqrt(0.1^2 + 0.05^2); the projection bends it by 1e-6
    assert told.field_deg == pytest.approx(0.1118034, rel=1e-5)


def test_galactic_coordinates_come_as_icrs() -> None:
    cards = sky(("GLON-TAN", "GLAT-TAN"), CRVAL1=0.0, CRVAL2=0.0)
    told = read("a", content=image(np.zeros((50, 100), np.float32), **cards)).metadata
    # the galactic centre in ICRS (Reid and Brunthaler 2004, definition of l = b = 0)
    assert told.ra == pytest.approx(266.40499, abs=1e-4)
    assert told.dec == pytest.approx(-28.93617, abs=1e-4)


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"CTYPE1": "PIXEL", "CTYPE2": "PIXEL"},
        sky(("HPLN-TAN", "HPLT-TAN")),
        sky(("RA---XYZ", "DEC--XYZ")),
        sky(("RA---TAN", "FREQ")),
        sky(("RA---TAN", "DEC--TAN"), CDELT1=0.0),
    ],
)
def test_without_a_place_on_the_sky_there_is_none(cards: dict[str, Any]) -> None:
    told = read("a", content=image(np.zeros((5, 6), np.float32), **cards)).metadata
    assert (told.ra, told.dec, told.field_deg) == (None, None, None)


# --- real files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "depth"),
    [("HorseHead.fits.gz", (893, 891, 1), 16), ("M67_cut512.fits", (512, 512, 1), 16),
     ("gc_2mass_k.fits.fz", (720, 721, 1), 32), ("gc_msx_e.fits", (149, 149, 1), 64),
     ("irac_ch1_flight.fits", (81, 81, 1), 32)],
)  # fmt: skip
def test_real_files_agree_with_astropy(
    seeing_data: Path, name: str, shape: tuple[int, ...], depth: int
) -> None:
    path = seeing_data / "data" / "fits" / name
    picture = read(path)
    assert (picture.samples.shape, picture.depth) == (shape, depth)
    at = 1 if name.endswith(".fz") else 0
    expected = fits.getdata(path, at).astype(np.float32)
    np.testing.assert_array_equal(plane(picture), expected[::-1])
    assert picture.full_scale == float(expected.max()) or expected.max() <= 1
    assert picture.linear
    json.dumps(picture.metadata.header, allow_nan=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["HorseHead.fits.gz", "M67_cut512.fits", "gc_2mass_k.fits.fz"])
def test_real_files_lie_where_astropy_says(seeing_data: Path, name: str) -> None:
    path = seeing_data / "data" / "fits" / name
    told = read(path).metadata
    system = WCS(fits.getheader(path, 1 if name.endswith(".fz") else 0)).celestial
    middle = system.pixel_to_world((told.width - 1) / 2, (told.height - 1) / 2).icrs
    assert (told.ra, told.dec) == pytest.approx((middle.ra.deg, middle.dec.deg), abs=1e-9)
    assert told.field_deg is not None
    assert 0.3 < told.field_deg < 1.5


def test_the_horsehead_lies_at_the_horsehead(seeing_data: Path) -> None:
    told = read(seeing_data / "data" / "fits" / "HorseHead.fits.gz").metadata
    # SIMBAD, Barnard 33: 05 40 59.0 -02 27 30; the plate is centred on it to about a minute of arc
    assert told.ra == pytest.approx(85.246, abs=0.04)
    assert told.dec == pytest.approx(-2.458, abs=0.04)
    assert told.taken_at == "1990-12-22T13:49:00Z"


def test_several_threads_read_at_once(seeing_data: Path) -> None:
    folder = seeing_data / "data" / "fits"
    paths = sorted(folder.iterdir()) * 6
    alone = [read(path) for path in paths[:5]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(read, paths))
    for at, picture in enumerate(together):
        np.testing.assert_array_equal(picture.samples, alone[at % 5].samples)
        assert picture.metadata == alone[at % 5].metadata
