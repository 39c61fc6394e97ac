"""What every encoder promises, asked of every encoder at hand."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seeing.embed.encoder import Encoder, EncoderOptions, TextEncoder
from seeing.embed.table import ENCODERS, make_encoder
from seeing.media.picture import Picture
from seeing.media.read import read

PLAIN = ["builtin", "polar", "scattering", "colour", "thumbnail"]
CNN, VIT, CONVNEXT = "timm:test_resnet", "timm:test_vit", "timm:test_convnext"
MNASNET, CLIP = "torchvision:mnasnet0_5", "clip:local-dir"
REAL = "timm:mobilenetv2_100"
TINY = [CNN, VIT, CONVNEXT, MNASNET, CLIP]
SAME = 1e-3
"""How far an entry of a vector may move with the batch around it: the promise of `Encoder`."""

Made = Callable[..., Encoder]


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Made:
    """Return encoders by name, each made once."""
    known: dict[tuple[str, str], Encoder] = {}

    def make(name: str, arithmetic: Any = "fp32", *, again: bool = False) -> Encoder:
        if again or (name, arithmetic) not in known:
            weights: Path | None = None
            called = name
            if name == REAL:
                weights = request.getfixturevalue("mobilenet_weights")
            elif name == CLIP:
                called = f"clip:local-dir:{request.getfixturevalue('tiny_clip')}"
            elif name == MNASNET:
                weights = request.getfixturevalue("tiny_torchvision")
            elif name not in PLAIN:
                weights = request.getfixturevalue("tiny_timm")(name.partition(":")[2])
            options = EncoderOptions(weights=weights, device="cpu", arithmetic=arithmetic)
            known[name, arithmetic] = make_encoder(called, options)
        return known[name, arithmetic]

    return make


every = pytest.mark.parametrize("name", [*PLAIN, *TINY, REAL])
networks = pytest.mark.parametrize("name", [*TINY, REAL])
in_both = pytest.mark.parametrize(
    ("name", "arithmetic"),
    [(name, "fp32") for name in [*PLAIN, *TINY, REAL]] + [(n, "bf16") for n in [*TINY, REAL]],
)


def encoded(encoder: Encoder, pictures: list[Picture], batch: int = 32) -> np.ndarray:
    prepared = [encoder.prepare(picture) for picture in pictures]
    parts = [encoder.encode(prepared[at : at + batch]) for at in range(0, len(prepared), batch)]
    return np.concatenate(parts)


def test_every_row_of_the_table_is_asked() -> None:
    asked = {name.partition(":")[0] for name in [*PLAIN, *TINY]}
    assert asked == set(ENCODERS)


@in_both
def test_unit_rows_of_the_dimension_promised(
    made: Made, pictures: list[Picture], name: str, arithmetic: str
) -> None:
    encoder = made(name, arithmetic)
    assert isinstance(encoder, Encoder)
    vectors = encoded(encoder, pictures)
    assert vectors.shape == (len(pictures), encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
    different = vectors @ vectors.T - np.eye(len(vectors))
    assert different.max() < 1 - 1e-6, "two different pictures have the same vector"


@every
def test_nothing_gives_no_rows(made: Made, name: str) -> None:
    encoder = made(name)
    nothing = encoder.encode([])
    assert nothing.shape == (0, encoder.dimension)
    assert nothing.dtype == np.float32


@in_both
def test_same_vector_whatever_the_batch_the_order_and_the_threads(
    made: Made, pictures: list[Picture], name: str, arithmetic: str
) -> None:
    encoder = made(name, arithmetic)
    alone = encoded(encoder, pictures, batch=1)
    for batch in (3, 8, 32):
        assert np.abs(encoded(encoder, pictures, batch) - alone).max() < SAME, f"batches of {batch}"
    backwards = encoded(encoder, pictures[::-1], batch=8)[::-1]
    assert np.abs(backwards - alone).max() < SAME
    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(encoder.prepare, pictures))
    assert np.abs(encoder.encode(prepared) - alone).max() < SAME


@networks
def test_same_vector_with_one_thread_and_with_two(
    made: Made, pictures: list[Picture], name: str
) -> None:
    import torch

    encoder = made(name)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = encoded(encoder, pictures[:8])
        torch.set_num_threads(2)
        two = encoded(encoder, pictures[:8])
    finally:
        torch.set_num_threads(before)
    assert np.abs(one - two).max() < SAME


def odd_pictures() -> dict[str, Picture]:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    hole = rng.random((50, 50, 1), dtype=np.float32)
    hole[10:20, 10:20] = np.nan
    bands = rng.integers(0, 65536, (40, 60, 4), dtype=np.uint16)
    return {
        "1 x 1": Picture(noise[:1, :1], 255.0, 8),
        "1 x 500": Picture(rng.integers(0, 256, (1, 500, 3), dtype=np.uint8), 255.0, 8),
        "500 x 2": Picture(rng.integers(0, 256, (500, 2, 3), dtype=np.uint8), 255.0, 8),
        "grey": Picture(noise[..., :1], 255.0, 8),
        "two bands": Picture(noise[..., :2], 255.0, 8),
        "four bands": Picture(np.dstack([noise, noise[..., :1]]), 255.0, 8),
        "16 bits": Picture(bands[..., :3], 65535.0, 16),
        "four bands of 16 bits": Picture(bands, 65535.0, 16),
        "dim, 16 bits": Picture((bands[..., :3] // 64).astype(np.uint16), 65535.0, 16),
        "NaN": Picture(hole, 1.0, 32, linear=True, mask=np.isnan(hole[..., 0])),
        "NaN without a mask": Picture(hole, 1.0, 32, linear=True),
        "only NaN": Picture(np.full((9, 9, 1), np.nan, np.float32), 1.0, 32, linear=True),
        "infinite": Picture(np.full((9, 9, 3), np.inf, np.float32), 1.0, 32, linear=False),
        "negative": Picture(-hole.repeat(3, axis=2), 1.0, 32, linear=True),
        "huge": Picture(np.abs(rng.normal(0, 1e30, (30, 30, 3))).astype(np.float32), 1e30, 32),
        "black": Picture(np.zeros((30, 40, 3), np.uint8), 255.0, 8),
        "white": Picture(np.full((30, 40, 3), 255, np.uint8), 255.0, 8),
        "black, 16 bits": Picture(np.zeros((30, 40, 1), np.uint16), 65535.0, 16),
        "linear, 8 bits": Picture(noise, 255.0, 8, linear=True),
    }


@pytest.mark.parametrize("kind", odd_pictures())
@every
def test_odd_pictures_give_finite_rows(made: Made, name: str, kind: str) -> None:
    encoder = made(name)
    odd = odd_pictures()[kind]
    vector = encoder.encode([encoder.prepare(odd)])
    assert vector.shape == (1, encoder.dimension)
    assert np.isfinite(vector).all()
    length = float(np.linalg.norm(vector))
    assert length == pytest.approx(1, abs=1e-5) or length == 0, f"{kind} has length {length}"


@every
def test_odd_and_plain_pictures_share_a_batch(
    made: Made, pictures: list[Picture], name: str
) -> None:
    encoder = made(name)
    mixed = [*pictures[:3], *odd_pictures().values()]
    assert np.abs(encoded(encoder, mixed) - encoded(encoder, mixed, batch=1)).max() < SAME


@every
def test_sixteen_bits_of_the_same_picture_give_the_same_vector(
    made: Made, pictures: list[Picture], name: str
) -> None:
    encoder = made(name)
    deep = [
        Picture(picture.samples.astype(np.uint16) * 257, 65535.0, 16) for picture in pictures[:6]
    ]
    cosine = (encoded(encoder, pictures[:6]) * encoded(encoder, deep)).sum(axis=1)
    # Resizing 8 bits rounds to 1/255 between two passes, 16 bits do not. Random networks and
    # colour histograms of noisy pictures take note of that, trained networks hardly.
    assert cosine.min() > (0.99 if name in ("colour", *TINY) else 0.999), cosine


@every
def test_pictures_are_not_changed(made: Made, name: str) -> None:
    encoder = made(name)
    for kind, odd in odd_pictures().items():
        before = odd.samples.copy()
        encoder.prepare(odd)
        assert np.array_equal(before, odd.samples, equal_nan=True), kind


@every
def test_made_again_it_is_the_same(made: Made, pictures: list[Picture], name: str) -> None:
    first = made(name)
    vectors = encoded(first, pictures[:4])
    again = made(name, again=True)
    assert again.identity == first.identity
    assert np.abs(encoded(again, pictures[:4]) - vectors).max() < SAME


@every
def test_card_is_json_and_names_its_terms(made: Made, name: str) -> None:
    card = made(name).card
    told = json.loads(json.dumps(card.as_json()))
    assert told["about"] and told["licence"]
    assert told["preparation"] == card.preparation, "a stored card must equal the living one"


@every
def test_identity_begins_with_the_name_and_holds_no_path(made: Made, name: str) -> None:
    identity = made(name).identity
    assert identity.startswith(name)
    assert "/" not in identity.partition("@")[0].removeprefix("clip:")


@networks
def test_identity_tells_arithmetic_apart(made: Made, name: str) -> None:
    assert made(name, "bf16").identity != made(name).identity
    assert made(name, "bf16").card.arithmetic == "bf16"


@networks
def test_bf16_is_near_fp32(made: Made, pictures: list[Picture], name: str) -> None:
    cosine = (encoded(made(name), pictures) * encoded(made(name, "bf16"), pictures)).sum(axis=1)
    assert cosine.min() > 0.9, cosine.min()


@every
def test_reads_text_only_when_it_says_so(made: Made, name: str) -> None:
    assert isinstance(made(name), TextEncoder) == (name == CLIP)


@pytest.mark.parametrize("name", ["builtin", "thumbnail", REAL])
def test_a_reduced_decode_changes_little(made: Made, seeing_data: Path, name: str) -> None:
    encoder = made(name)
    assert encoder.reads_at is not None
    photos = sorted((seeing_data / "data" / "photos").glob("*.jpg"))[:12]
    full = encoded(encoder, [read(path) for path in photos])
    reduced = encoded(encoder, [read(path, at_least=encoder.reads_at) for path in photos])
    cosine = (full * reduced).sum(axis=1)
    assert cosine.min() > 0.97, cosine
