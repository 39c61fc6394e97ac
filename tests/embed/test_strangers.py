"""Encoders of other packages, found by their entry point."""

import sys
from pathlib import Path

import numpy as np
import pytest

from seeing.embed.encoder import Encoder, EncoderOptions
from seeing.embed.table import make_encoder
from seeing.errors import EncoderError
from seeing.media.picture import Picture

MODULE = '''
"""An encoder of means, by a stranger."""

import numpy as np
from seeing.embed.encoder import Card, identify, normalise


class Means:
    dimension, reads_at, batch, device, fills_processors = 3, None, 8, "cpu", False

    def __init__(self, name, options):
        self.name = name
        self.card = Card(about="the mean of each channel", licence="MIT")
        self.identity = identify(name, weights=None, preparation={})

    def prepare(self, picture):
        return np.resize(picture.pixels().mean(axis=(0, 1)), 3)

    def encode(self, prepared):
        return normalise(np.array(prepared, np.float32).reshape(-1, 3))


def make(name, options):
    return Means(name, options)
'''


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install a package by hand: a module, and the folder that tells its entry points."""
    (tmp_path / "strange_means.py").write_text(MODULE)
    told = tmp_path / "strange_means-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-means\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[seeing.encoders]\nmeans = strange_means:make\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "strange_means", raising=False)
    return "means"


def test_a_strangers_encoder_is_made_by_name(stranger: str) -> None:
    encoder = make_encoder(f"{stranger}:of-channels", EncoderOptions())
    assert isinstance(encoder, Encoder)
    assert encoder.name == "means:of-channels"
    picture = Picture(np.full((4, 5, 3), 51, np.uint8), 255.0, 8)
    vector = encoder.encode([encoder.prepare(picture)])
    assert np.allclose(vector, 1 / np.sqrt(3))


def test_a_strangers_name_is_offered_when_mistyped(stranger: str) -> None:
    with pytest.raises(EncoderError, match=r"did you mean means\?"):
        make_encoder("meanss")


def test_a_stranger_cannot_take_the_place_of_our_own(stranger: str, tmp_path: Path) -> None:
    told = tmp_path / "strange_means-1.0.dist-info" / "entry_points.txt"
    told.write_text("[seeing.encoders]\nthumbnail = strange_means:make\n")
    assert type(make_encoder("thumbnail")).__name__ != "Means"
