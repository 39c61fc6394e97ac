"""The default encoder and its parts: no network, no download, about 20 ms a picture.

`builtin` asks first whether a picture shows one bright thing on empty ground. Such a picture is
described by its shape (`polar`), all others by texture and colours (`scattering`, `colour`).
"""

from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..media.picture import Picture
from . import colour, polar, scattering
from .encoder import Card, EncoderOptions, Vectors, identify, normalise
from .light import loneliness
from .prepare import LUMINANCE, STRETCH, Colours, working_square
from .whiten import Whitening, digest_tables, load_tables

SIDE = 128
"""Pixels of the square that everything is measured on."""
READS_AT = 256
COLOUR_WEIGHT = 0.5
"""How much the colour block counts beside the scattering block."""
VERSION = 1
"""To be raised with every change of the arithmetic that moves a vector by more than 1e-3."""

_PARTS: dict[str, tuple[str, ...]] = {
    "builtin": ("polar", "scattering", "colour"),
    "polar": ("polar",),
    "scattering": ("scattering",),
    "colour": ("colour",),
}
_SIZES = {
    "polar": polar.DIMENSION,
    "scattering": scattering.DIMENSION,
    "colour": colour.DIMENSION,
}
"""Features of each part, before whitening."""
_ABOUT = {
    "builtin": "Shape where a picture shows one bright thing on empty ground (a galaxy, a planet),"
    " whatever its turn, mirror image, brightness and size; texture and colours elsewhere"
    " (tiles, photos). It knows nothing of what things are.",
    "polar": "The shape of one bright thing on empty ground, whatever its turn, mirror image,"
    " brightness and size. Of little use for anything else.",
    "scattering": "Texture, whatever its direction: tiles, photos. Nothing of where things lie.",
    "colour": "Which colours a picture has, and how much of each; nothing of where.",
}


class BuiltinEncoder:
    """One of the four encoders made of numpy alone; see `Encoder` for what its members mean."""

    batch = 64
    device = "cpu"
    fills_processors = False
    reads_at: int | None = READS_AT

    def __init__(
        self, name: str, tables: Mapping[str, Whitening], *, weights_path: str | None = None
    ) -> None:
        self.name = name
        self._parts = _PARTS[name]
        self._tables = _check(tables, [part for part in self._parts if part != "polar"])
        self._scattering = scattering.Scattering(SIDE) if "scattering" in self._parts else None
        sizes = {part: table.dimension for part, table in self._tables.items()}
        self.dimension = sum(sizes.values()) + (polar.DIMENSION if "polar" in self._parts else 0)
        digest = digest_tables(self._tables) if self._tables else None
        preparation = {
            "side": SIDE,
            "crop": "middle square",
            "stretch": STRETCH,
            "reads_at": READS_AT,
            "colour_weight": COLOUR_WEIGHT,
            "version": VERSION,
        }
        self.identity = identify(name, weights=digest, preparation=preparation)
        self.card = Card(
            about=_ABOUT[name],
            licence="BSD-3-Clause",
            preparation=preparation,
            weights_path=weights_path,
            weights_digest=digest,
        )

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        """Return all features of a picture, one float32 row; takes nearly all the time."""
        return self.features(working_square(picture, SIDE))

    def features(self, rgb: Colours) -> NDArray[np.float32]:
        """Return the features of a square (128, 128, 3) in 0..1, as `encode` wants them."""
        blocks: list[NDArray[np.float32]] = []
        if "polar" in self._parts:
            blocks.append(polar.polar_features(rgb))
        if self._scattering is not None:
            blocks.append(self._scattering.features(rgb))
        if "colour" in self._parts:
            blocks.append(colour.colour_features(rgb))
        if len(self._parts) > 1:
            # the gate, last
            blocks.append(np.array([loneliness(rgb @ LUMINANCE)], dtype=np.float32))
        return np.concatenate(blocks)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Whiten, gate and normalise: (n, dimension) float32 rows of length 1."""
        if not prepared:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return normalise(np.stack([self._vector(one) for one in prepared]))

    def _vector(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        blocks, at = {}, 0
        for part in self._parts:
            blocks[part] = features[at : at + _SIZES[part]]
            at += _SIZES[part]
            if part in self._tables:
                blocks[part] = self._tables[part](blocks[part])
            blocks[part] = _unit(blocks[part])
        if len(self._parts) == 1:
            return blocks[self._parts[0]]
        texture = _unit(np.concatenate([blocks["scattering"], COLOUR_WEIGHT * blocks["colour"]]))
        alone = features[-1]
        return np.concatenate([alone * blocks["polar"], np.sqrt(1.0 - alone**2) * texture])


def _check(tables: Mapping[str, Whitening], parts: Sequence[str]) -> dict[str, Whitening]:
    """Return the tables of some parts; raises EncoderError where one is missing or does not fit."""
    for part in parts:
        if part not in tables:
            raise EncoderError(f"no table for {part} among those given: {', '.join(tables)}")
        found, wanted = len(tables[part].mean), _SIZES[part]
        if found != wanted:
            raise EncoderError(
                f"the table for {part} is for {found} features, not {wanted}; fit it again"
            )
    return {part: tables[part] for part in parts}


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values / max(float(np.linalg.norm(values)), 1e-12)


def make(name: str, options: EncoderOptions) -> BuiltinEncoder:
    """Make `builtin`, `polar`, `scattering` or `colour`.

    options.weights: a file with other tables than the ones shipped (see docs/encoders.md).
    Raises EncoderError for an option that makes no sense here.
    """
    if name not in _PARTS:
        raise EncoderError(f"{name.partition(':')[0]} takes nothing after a colon: {name}")
    if options.arithmetic == "bf16":
        raise EncoderError(f"{name} computes in fp32 only; leave out --arithmetic bf16")
    if name == "polar":
        if options.weights is not None:
            raise EncoderError("polar has no weights; leave out --weights")
        return BuiltinEncoder(name, {})
    if options.weights is not None:
        path = Path(options.weights)
        return BuiltinEncoder(name, load_tables(path), weights_path=str(path))
    with as_file(files(__package__) / "data" / "builtin.safetensors") as shipped:
        return BuiltinEncoder(name, load_tables(shipped))
