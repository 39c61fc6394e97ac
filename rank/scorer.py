"""What a scorer is: items in, scores out, higher is better, with an identity and a reason each."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.items import Item
from ..db.vectors import StoredEncoder
from ..index.similarity import Similarities


@dataclass(frozen=True, slots=True)
class Score:
    """A score of one item; value is None where none is defined, and the reason says why."""

    value: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture that shows how things should look, and its vector in the encoder's space."""

    path: Path
    digest: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scorer may use; what it does not need may be None."""

    catalogue: Catalogue
    encoder: StoredEncoder | None = None
    reference: Reference | None = None
    similarities: Similarities | None = None


class Scorer(Protocol):
    """Gives items scores. `identity` = name, parameters and digest of the reference."""

    name: str
    identity: str
    parameters: dict[str, Any]

    def score(self, items: Sequence[Item]) -> list[Score]:
        """Return one score for each item, in order; never NaN."""
        ...


def identify(name: str, parameters: Mapping[str, Any]) -> str:
    """Return `name@digest`, the digest over all parameters."""
    told = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return f"{name}@{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"
