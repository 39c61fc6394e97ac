"""What an encoder is: pictures in, unit vectors out, and an identity that never lies."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from ..media.picture import Picture

Vectors = NDArray[np.float32]
Arithmetic = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What a user may say about how an encoder is made; each has a sensible default.

    weights: a file with the network's weights, instead of the hub's.
    device: "cpu", "cuda", "cuda:1", "mps"; None takes the best one present.
    arithmetic: "fp32" or "bf16"; "auto" takes bf16 where a short trial shows that it is faster.
    """

    weights: Path | None = None
    device: str | None = None
    arithmetic: Literal["fp32", "bf16", "auto"] = "fp32"


@dataclass(frozen=True, slots=True)
class Card:
    """What a person should know about an encoder; kept in the catalogue as JSON."""

    about: str
    """One or two sentences: what it sees and what it does not."""
    licence: str
    preparation: dict[str, Any] = field(default_factory=dict)
    """How a picture is made ready: size, crop, stretch, mean, sd; part of the identity."""
    arithmetic: Arithmetic = "fp32"
    weights_path: str | None = None
    """Where the weights file lay when the encoder was first made here; None: built in or hub."""
    weights_digest: str | None = None
    """BLAKE2b-128 over names, shapes and values of all weights; part of the identity."""
    download_mb: int = 0
    """Megabytes a hub sends before the first use; 0 when nothing is downloaded."""
    figures: dict[str, Any] = field(default_factory=dict)
    """Measured figures worth showing, by name."""

    def as_json(self) -> dict[str, Any]:
        """Return the card as a JSON-able dictionary."""
        return asdict(self)


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures into unit vectors.

    `prepare` runs in several threads at once, beside `encode`; it must not touch the network.
    The same picture gives the same vector (to 1e-3 an entry) whatever the batch around it.
    """

    name: str
    """As the user writes it: "builtin", "timm:mobilenetv2_100"."""
    identity: str
    """`identify(name, ...)`: vectors of different identities are never compared."""
    dimension: int
    card: Card
    reads_at: int | None
    """The shorter side, in pixels, below which a reduced decode would lose what it looks at;
    None when it needs every pixel."""
    batch: int
    """How many prepared pictures `encode` likes at once."""
    device: str
    fills_processors: bool
    """Whether `encode` keeps all processors busy by itself: decoding then takes turns with it,
    instead of running beside it."""

    def prepare(self, picture: Picture) -> NDArray[Any]:
        """Return what `encode` needs of one picture."""
        ...

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Return (n, dimension) float32 rows of length 1, in the order given."""
        ...


@runtime_checkable
class TextEncoder(Encoder, Protocol):
    """An encoder that also reads text, into the same space."""

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dimension) float32 rows of length 1."""
        ...


def identify(
    name: str,
    *,
    weights: str | None,
    preparation: Mapping[str, Any],
    arithmetic: Arithmetic = "fp32",
) -> str:
    """Return `name@digest`, the digest over weights, preparation and arithmetic."""
    told = json.dumps([weights, preparation, arithmetic], sort_keys=True, separators=(",", ":"))
    return f"{name}@{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"


def normalise(vectors: NDArray[Any]) -> Vectors:
    """Scale each row to length 1.

    vectors: (n, d). A row shorter than 1e-12, or with a NaN, becomes zero: it has no direction.
    Raises ShapeError when the array is not two-dimensional.
    """
    if vectors.ndim != 2:
        raise ShapeError(f"vectors must be (n, d), got shape {vectors.shape}")
    rows = np.nan_to_num(np.asarray(vectors, dtype=np.float32), posinf=0.0, neginf=0.0)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return unit
