"""The default encoder and those of its parts: any picture at all, and the same vectors always."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.embed.builtin import SIDE, BuiltinEncoder, make
from seeing.embed.encoder import EncoderOptions
from seeing.embed.fit_builtin import DIMENSIONS
from seeing.embed.whiten import fit_whitening, save_tables
from seeing.errors import EncoderError
from seeing.media.picture import Picture
from seeing.samples.galaxies import sample
from seeing.samples.textures import draw_texture

Spiral = Callable[..., NDArray[np.float32]]
NAMES = ["builtin", "polar", "scattering", "colour"]
OPTIONS = EncoderOptions()


@pytest.fixture(scope="module")
def builtin() -> BuiltinEncoder:
    return make("builtin", OPTIONS)


# --- any picture ----------------------------------------------------------------------------------


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


# --- options and tables ---------------------------------------------------------------------------


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


# --- did it change? -------------------------------------------------------------------------------

# Copied from our own output: these say nothing about right or wrong. When they
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
def test_vectors_did_not_change(
    name: str, first: list[float], last: list[float], spiral: Spiral
) -> None:
    encoder = make(name, OPTIONS)
    alone, texture = encoder.encode([encoder.features(spiral()), encoder.features(woven())])
    assert alone[:4] == pytest.approx(first, abs=1e-3)
    assert texture[-4:] == pytest.approx(last, abs=1e-3)


def test_the_shipped_tables_did_not_change() -> None:
    shipped = make("builtin", OPTIONS)
    assert shipped.card.weights_digest == "c45ba60e69feb5f6b109f4c0db072304"
    assert shipped.identity == "builtin@ad1e726c11d9"
