"""The default encoder and its parts: laws of their invariances, and any picture at all."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from seeing.embed.builtin import SIDE, BuiltinEncoder, make
from seeing.embed.colour import colour_features
from seeing.embed.encoder import EncoderOptions
from seeing.embed.fit_builtin import DIMENSIONS
from seeing.embed.light import find_light, loneliness
from seeing.embed.polar import polar_features
from seeing.embed.prepare import LUMINANCE
from seeing.embed.scattering import ANGLES, OCTAVES, Scattering, _bands, _spectrum, make_octave
from seeing.embed.scattering import morlet as morlet_spectrum
from seeing.embed.whiten import Whitening, digest_tables, fit_whitening, load_tables, save_tables
from seeing.errors import EncoderError, ShapeError
from seeing.media.picture import Picture
from seeing.samples.galaxies import sample
from seeing.samples.textures import KINDS, draw_texture, finish, noise_field

NAMES = ["builtin", "polar", "scattering", "colour"]
OPTIONS = EncoderOptions()


def spiral(
    *, turn: float = 0.0, size: float = 1.0, light: float = 1.0, mirror: bool = False
) -> np.ndarray:
    """Draw a two-armed spiral from its formula: turned, sized and lit exactly."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(rows, columns) / size + 1e-9
    angle = np.arctan2(rows, -columns if mirror else columns) - (-turn if mirror else turn)
    arms = 1.0 + 0.7 * np.cos(2 * angle - 5 * np.log(radius + 2)) * np.minimum(radius / 8, 1)
    shine = 0.75 * light * np.exp(-radius / 9) * arms
    tint = np.array([1.0, 0.85, 0.7])
    drawn: np.ndarray = np.clip(shine[:, :, None] * tint, 0, 1).astype(np.float32)
    return drawn


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.fixture(scope="module")
def scattering() -> Scattering:
    return Scattering(SIDE)


@pytest.fixture(scope="module")
def builtin() -> BuiltinEncoder:
    return make("builtin", OPTIONS)


# polar


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_polar_is_blind_to_quarter_turns(turns: int) -> None:
    for drawn in sample(8, seed=3):
        turned = np.ascontiguousarray(np.rot90(drawn.picture, turns))
        same = cosine(polar_features(drawn.picture), polar_features(turned))
        assert same > 0.9999, (drawn.kind, same)


def test_polar_is_blind_to_mirroring() -> None:
    for drawn in sample(8, seed=4):
        mirrored = np.ascontiguousarray(drawn.picture[:, ::-1])
        assert cosine(polar_features(drawn.picture), polar_features(mirrored)) > 0.9999


@pytest.mark.parametrize("degrees", [7, 33, 45, 110, 251])
def test_polar_is_blind_to_any_turn(degrees: float) -> None:
    turned = spiral(turn=np.deg2rad(degrees))
    assert cosine(polar_features(spiral()), polar_features(turned)) > 0.999


@pytest.mark.parametrize("light", [0.4, 0.7, 1.2])
def test_polar_is_nearly_blind_to_brightness(light: float) -> None:
    assert cosine(polar_features(spiral()), polar_features(spiral(light=light))) > 0.99


@pytest.mark.parametrize("size", [0.7, 1.4])
def test_polar_is_nearly_blind_to_size(size: float) -> None:
    same = cosine(polar_features(spiral()), polar_features(spiral(size=size)))
    other = cosine(polar_features(spiral()), polar_features(sample(1)[0].picture))
    assert same > 0.98 and same > other, (same, other)


def test_the_light_is_found_where_it_is() -> None:
    square = np.zeros((SIDE, SIDE), dtype=np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    square += 0.8 * np.exp(-((rows - 70) ** 2 + (columns - 55) ** 2) / (2 * 6.0**2))
    light = find_light(square)
    assert abs(light.row - 70) < 0.1 and abs(light.column - 55) < 0.1
    # mean radius of a Gaussian's light: sigma * sqrt(pi / 2) = 7.5; the faintest rim is cut off
    assert 6.5 < light.radius < 7.6


# the gate


def test_the_gate_is_open_for_galaxies_and_shut_for_textures() -> None:
    galaxies = [loneliness(drawn.picture @ LUMINANCE) for drawn in sample(60, seed=5)]
    assert np.mean(np.array(galaxies) > 0.5) >= 0.95
    generators = [np.random.default_rng([6, seed]) for seed in range(60)]
    textures = [loneliness(draw_texture(generator) @ LUMINANCE) for generator in generators]
    assert np.mean(np.array(textures) > 0.5) <= 0.10


def test_noise_hardly_moves_the_gate() -> None:
    moved = []
    for number, drawn in enumerate(sample(30, seed=7)):
        noise = np.random.default_rng(number).normal(0, 4 / 255, drawn.picture.shape)
        noisy = np.clip(drawn.picture + noise, 0, 1).astype(np.float32)
        moved.append(abs(loneliness(drawn.picture @ LUMINANCE) - loneliness(noisy @ LUMINANCE)))
    assert np.quantile(moved, 0.95) < 0.02, moved


# scattering


def test_morlet_wavelets_have_mean_zero() -> None:
    nothing = np.zeros(2)
    for octave in range(OCTAVES):
        for angle in range(ANGLES):
            assert abs(morlet_spectrum(nothing, octave, angle)) < 1e-12


def test_the_wavelets_keep_energy_within_bounds() -> None:
    # Littlewood-Paley sum: at most 1 + eps everywhere (no frequency counted twice), and at least
    # 0.45 between the carriers of the coarsest and just below the finest: none is lost.
    total = np.zeros(SIDE * SIDE)
    for number in range(OCTAVES):
        octave = make_octave(SIDE, number)
        for places, values in zip(octave.places, octave.values, strict=True):
            np.add.at(total, places, (values.ravel() * (SIDE / octave.side) ** 2) ** 2)
    square = total.reshape(SIDE, SIDE)
    square = (square + np.roll(square[::-1, ::-1], 1, axis=(0, 1))) / 2
    frequency = 2 * np.pi * np.fft.fftfreq(SIDE)
    radius = np.hypot(frequency[:, None], frequency[None])
    ring = (radius > 0.75 * np.pi / 2 ** (OCTAVES - 1)) & (radius < 0.9 * np.pi)
    assert square[0, 0] < 1e-12
    assert square.max() < 1.05
    assert square[ring].min() > 0.45


@pytest.mark.parametrize("number", range(OCTAVES))
def test_cut_bands_agree_with_whole_ones(number: int) -> None:
    # against the wavelet on the full grid, all its aliases added, in double precision
    plane = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
    octave = make_octave(SIDE, number)
    cut = _bands(_spectrum(plane), octave)
    frequency = 2 * np.pi * np.fft.fftfreq(SIDE)
    for angle in range(ANGLES):
        wavelet = np.zeros((SIDE, SIDE))
        for down in (-2 * np.pi, 0.0, 2 * np.pi):
            for right in (-2 * np.pi, 0.0, 2 * np.pi):
                grid = np.meshgrid(frequency + down, frequency + right, indexing="ij")
                wavelet += morlet_spectrum(np.stack(grid, axis=-1), number, angle)
        whole = np.abs(np.fft.ifft2(np.fft.fft2(plane.astype(np.float64)) * wavelet))
        whole = whole[:: 2**number, :: 2**number]
        error = np.sqrt(np.mean((cut[angle] - whole) ** 2)) / whole.mean()
        assert error < 0.06, error  # what lies beyond 2.5 sd of the wavelet, on white noise


def test_scattering_is_stable_under_shifts(scattering: Scattering) -> None:
    fields = [np.random.default_rng([8, seed]) for seed in range(12)]
    squares = [finish(generator, KINDS["noise"](generator, SIDE)) for generator in fields]
    features = np.stack([scattering.features(square) for square in squares])
    spread = np.linalg.norm(features - features.mean(axis=0), axis=1).mean()
    for pixels in (1, 3, 8):
        for square, own in zip(squares, features, strict=True):
            shifted = scattering.features(np.roll(square, pixels, axis=(0, 1)))
            assert np.linalg.norm(shifted - own) < 0.06 * pixels**0.5 * spread


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_scattering_is_blind_to_quarter_turns_and_mirrors(
    scattering: Scattering, turns: int
) -> None:
    square = draw_texture(np.random.default_rng(9))
    own = scattering.features(square)
    turned = scattering.features(np.ascontiguousarray(np.rot90(square, turns)))
    mirrored = scattering.features(np.ascontiguousarray(square[:, ::-1]))
    # not exactly: the pixels of the bands do not lie symmetrically
    assert np.abs(turned - own).max() < 0.1 * own.std()
    assert np.abs(mirrored - own).max() < 0.1 * own.std()


def test_scattering_tells_grain_from_clouds(scattering: Scattering) -> None:
    def features(slope: float, seed: int) -> np.ndarray:
        field = 0.5 + 0.1 * noise_field(np.random.default_rng(seed), SIDE, slope)
        grey = np.repeat(np.clip(field, 0, 1)[:, :, None], 3, axis=2).astype(np.float32)
        return scattering.features(grey)

    same = np.linalg.norm(features(0.5, 0) - features(0.5, 1))
    other = np.linalg.norm(features(0.5, 0) - features(1.5, 0))
    assert other > 3 * same, (same, other)


# colour


def test_a_plain_colour_fills_one_bin() -> None:
    red = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    red[:, :, 0] = 1.0
    features = colour_features(red)
    # luminance 0.299 -> bin 1; red - green 1 -> bin 5; blue - mean -0.5 -> bin 0 of six each
    assert np.flatnonzero(features).tolist() == [1 * 36 + 5 * 6 + 0]
    assert features.max() == 1.0


def test_colour_features_have_length_one() -> None:
    features = colour_features(draw_texture(np.random.default_rng(10)))
    assert np.linalg.norm(features) == pytest.approx(1.0, abs=1e-6)


# whitening


def test_whitening_makes_the_fitted_set_white() -> None:
    random = np.random.default_rng(11)
    mixed = (random.normal(size=(500, 12)) @ random.normal(size=(12, 12))).astype(np.float32)
    table = fit_whitening(mixed, np.ones(500), dimension=12, noise=0.0)
    white = np.stack([table(row) for row in mixed])
    assert np.abs(white.mean(axis=0)).max() < 1e-4
    assert np.abs(np.cov(white.T, bias=True) - np.eye(12)).max() < 1e-3


def test_whitening_leaves_noise_small() -> None:
    random = np.random.default_rng(12)
    features = random.normal(size=(2000, 2)) * np.array([1.0, 0.01])
    table = fit_whitening(features.astype(np.float32), np.ones(2000), dimension=2, noise=0.003)
    white = np.stack([table(row) for row in features.astype(np.float32)])
    # variance v becomes v / (v + noise): 1 / 1.003 and 0.0001 / 0.0031
    assert white.var(axis=0) == pytest.approx([0.997, 0.032], rel=0.1)


def test_weights_count_like_repetition() -> None:
    random = np.random.default_rng(13)
    one, other = random.normal(size=(2, 30, 5)).astype(np.float32)
    weighted = fit_whitening(np.concatenate([one, other]), np.repeat([2.0, 1.0], 30), dimension=3)
    repeated = fit_whitening(np.concatenate([one, one, other]), np.ones(90), dimension=3)
    assert np.abs(weighted.matrix - repeated.matrix).max() < 1e-4


def test_tables_are_read_as_written(tmp_path: Path) -> None:
    random = np.random.default_rng(14)
    features = random.normal(size=(50, 6)).astype(np.float32)
    tables = {"colour": fit_whitening(features, np.ones(50), dimension=4)}
    save_tables(tmp_path / "t.safetensors", tables, {"fitted on": "numbers"})
    again = load_tables(tmp_path / "t.safetensors")
    assert digest_tables(again) == digest_tables(tables)
    assert np.array_equal(again["colour"](features[0]), tables["colour"](features[0]))


def test_tables_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no tables")
    with pytest.raises(EncoderError, match="no tables of the built-in encoder"):
        load_tables(tmp_path / "broken.safetensors")
    with pytest.raises(EncoderError, match="no tables"):
        make("builtin", EncoderOptions(weights=tmp_path / "missing.safetensors"))
    tables = {"colour": Whitening(np.zeros(3, np.float32), np.zeros((4, 2), np.float32))}
    save_tables(tmp_path / "odd.safetensors", tables, {})
    with pytest.raises(EncoderError, match="does not hold tables"):
        load_tables(tmp_path / "odd.safetensors")
    tables = {"colour": Whitening(np.zeros(3, np.float32), np.zeros((3, 2), np.float32))}
    save_tables(tmp_path / "small.safetensors", tables, {})
    with pytest.raises(EncoderError, match=r"colour.*216"):
        make("colour", EncoderOptions(weights=tmp_path / "small.safetensors"))
    with pytest.raises(EncoderError, match="scattering"):
        make("builtin", EncoderOptions(weights=tmp_path / "small.safetensors"))


def test_features_of_another_length_are_refused() -> None:
    table = Whitening(np.zeros(3, np.float32), np.zeros((3, 2), np.float32))
    with pytest.raises(ShapeError):
        table(np.zeros(4, np.float32))


# the encoders


def odd_pictures() -> dict[str, Picture]:
    rows, columns = np.mgrid[:81, :81] - 40.0
    distance = np.hypot(rows, columns)
    psf = 1.0 / (1e-6 + (distance / 40) ** 6 + 1e-6)
    nan = psf.copy()
    nan[:20] = np.nan
    mask = np.isnan(nan)
    random = np.random.default_rng(15)
    return {
        "black": Picture(np.zeros((50, 60, 3), np.uint8), 255.0, 8),
        "white": Picture(np.full((50, 60, 3), 255, np.uint8), 255.0, 8),
        "one pixel": Picture(np.full((1, 1, 1), 7, np.uint8), 255.0, 8),
        "one row": Picture(random.integers(0, 255, (1, 300, 3), dtype=np.uint8), 255.0, 8),
        "huge": Picture(random.integers(0, 255, (2500, 3100, 3), dtype=np.uint8), 255.0, 8),
        "two bands": Picture(random.integers(0, 255, (40, 50, 2), dtype=np.uint8), 255.0, 8),
        "seven bands": Picture(random.integers(0, 999, (90, 90, 7), dtype=np.uint16), 65535.0, 16),
        "range of a million": Picture(psf.astype(np.float32)[:, :, None], psf.max(), 32, True),
        "negative": Picture(
            random.normal(-5, 1, (64, 64, 1)).astype(np.float32), 1.0, 32, linear=True
        ),
        "NaN, unmasked": Picture(nan.astype(np.float32)[:, :, None], 1.0, 32, linear=True),
        "NaN, not linear": Picture(nan.astype(np.float32)[:, :, None], 1.0, 32),
        "masked": Picture(np.nan_to_num(nan).astype(np.float32)[:, :, None], 1.0, 32, True, mask),
        "all masked": Picture(
            np.zeros((9, 9, 1), np.float32), 1.0, 32, True, np.ones((9, 9), bool)
        ),
        "infinite": Picture(np.full((9, 9, 3), np.inf, np.float32), 1.0, 32, linear=True),
        "largest floats": Picture(
            np.array([[3e38, -3e38], [0, 1]], np.float32)[:, :, None], 3e38, 32, linear=True
        ),
        "no full scale": Picture(np.zeros((20, 20, 1), np.float32), 0.0, 32),
    }


@pytest.mark.parametrize("name", NAMES)
def test_any_picture_has_a_unit_vector(name: str) -> None:
    encoder = make(name, OPTIONS)
    for kind, picture in odd_pictures().items():
        vector = encoder.encode([encoder.prepare(picture)])[0]
        assert vector.dtype == np.float32 and vector.shape == (encoder.dimension,)
        assert np.isfinite(vector).all(), kind
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5), kind


def test_vectors_do_not_depend_on_company_order_or_threads(builtin: BuiltinEncoder) -> None:
    squares = [draw_texture(np.random.default_rng([16, seed])) for seed in range(6)]
    squares += [drawn.picture for drawn in sample(6)]
    pictures = [Picture((square * 255).astype(np.uint8), 255.0, 8) for square in squares]
    alone = np.concatenate([builtin.encode([builtin.prepare(one)]) for one in pictures])
    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(builtin.prepare, pictures[::-1]))
    together = builtin.encode(prepared)[::-1]
    assert np.array_equal(alone, together)


def test_nothing_encodes_to_nothing(builtin: BuiltinEncoder) -> None:
    assert builtin.encode([]).shape == (0, builtin.dimension)


def test_galaxies_are_shapes_and_textures_are_not(builtin: BuiltinEncoder) -> None:
    shape = builtin.dimension - sum(DIMENSIONS.values())
    galaxy = builtin.encode([builtin.features(sample(1)[0].picture)])[0]
    texture = builtin.encode([builtin.features(draw_texture(np.random.default_rng(17)))])[0]
    assert np.linalg.norm(galaxy[:shape]) > 0.99
    assert np.linalg.norm(texture[:shape]) < 0.1


def test_a_grey_picture_and_its_three_equal_channels_are_one(builtin: BuiltinEncoder) -> None:
    grey = (draw_texture(np.random.default_rng(18))[:, :, :1] * 255).astype(np.uint8)
    one = builtin.prepare(Picture(grey, 255.0, 8))
    other = builtin.prepare(Picture(np.repeat(grey, 3, axis=2), 255.0, 8))
    assert np.array_equal(one, other)


def test_options_without_meaning_are_refused(tmp_path: Path) -> None:
    for name in ("builtin:large", "polar:x"):
        with pytest.raises(EncoderError, match="nothing after a colon"):
            make(name, OPTIONS)
    with pytest.raises(EncoderError, match="fp32 only"):
        make("builtin", EncoderOptions(arithmetic="bf16"))
    with pytest.raises(EncoderError, match="polar has no weights"):
        make("polar", EncoderOptions(weights=tmp_path))


def test_other_tables_make_another_identity(tmp_path: Path) -> None:
    random = np.random.default_rng(19)
    shipped = make("colour", OPTIONS)
    features = random.random((300, 216)).astype(np.float32)
    save_tables(
        tmp_path / "own.safetensors",
        {"colour": fit_whitening(features, np.ones(300), dimension=32)},
        {},
    )
    own = make("colour", EncoderOptions(weights=tmp_path / "own.safetensors"))
    assert own.identity != shipped.identity
    assert own.card.weights_digest != shipped.card.weights_digest
    assert own.card.weights_path == str(tmp_path / "own.safetensors")


def test_nothing_heavy_is_loaded() -> None:
    told = (
        "import sys, numpy as np; from seeing.embed.table import make_encoder;"
        "from seeing.media.picture import Picture; e = make_encoder('builtin');"
        "e.encode([e.prepare(Picture(np.ones((9, 9, 3), np.uint8), 255.0, 8))]);"
        "print([m for m in ('torch', 'scipy', 'timm', 'faiss', 'astropy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


# Did it change? Copied from our own output: these say nothing about right or wrong. When they
# move by more than 1e-3, raise `VERSION` in builtin.py, so that no library mixes the two.


def woven() -> np.ndarray:
    """Draw a texture from a formula, without any generator."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [np.sin(40 * rows + 3 * np.sin(9 * columns)), np.cos(70 * columns * rows)]
    planes = [waves[0], waves[1], waves[0] * waves[1]]
    return (0.5 + 0.3 * np.stack(planes, axis=2)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("builtin", [0.2368, -0.0002, 0.0845, -0.0002], [0.061, 0.0894, 0.016, 0.1514]),
        ("polar", [0.2369, -0.0002, 0.0845, -0.0002], [0.0055, 0.0221, -0.0032, -0.079]),
        ("scattering", [0.0859, 0.1242, 0.1545, 0.1828], [0.0664, -0.0887, 0.0182, -0.0049]),
        ("colour", [0.2928, 0.1876, 0.0139, 0.2966], [0.1364, 0.1999, 0.0359, 0.3385]),
    ],
)
def test_vectors_did_not_change(name: str, first: list[float], last: list[float]) -> None:
    encoder = make(name, OPTIONS)
    alone, texture = encoder.encode([encoder.features(spiral()), encoder.features(woven())])
    assert alone[:4] == pytest.approx(first, abs=1e-3)
    assert texture[-4:] == pytest.approx(last, abs=1e-3)


def test_the_shipped_tables_did_not_change() -> None:
    shipped = make("builtin", OPTIONS)
    assert shipped.card.weights_digest == "c45ba60e69feb5f6b109f4c0db072304"
    assert shipped.identity == "builtin@ad1e726c11d9"
