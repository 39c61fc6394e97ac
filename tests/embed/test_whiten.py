"""Whitening: what it does to the fitted set, and its tables on the disk."""

from pathlib import Path

import numpy as np
import pytest

from seeing.embed.builtin import make
from seeing.embed.encoder import EncoderOptions
from seeing.embed.whiten import Whitening, digest_tables, fit_whitening, load_tables, save_tables
from seeing.errors import EncoderError, ShapeError


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
