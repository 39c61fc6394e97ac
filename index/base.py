"""What every index of vectors does, whatever engine is beneath."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Quality = Literal["fast", "normal", "exact"]
NO_ITEM = -1
NO_SCORE = -np.inf


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """What an index holds: rows of which length, made by whom."""

    dimension: int
    fingerprint: str
    """The encoder's identity."""
    metric: Literal["inner product"] = "inner product"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do."""

    exact: bool
    filter: bool = True
    remove: bool = True
    concurrent_writers: bool = False
    remote: bool = False


class VectorIndex(Protocol):
    """Nearest unit vectors by id.

    Changes are seen by others after `commit`; a reader sees one generation. An id given twice
    keeps its last vector, so that work can be repeated after a crash.
    """

    spec: IndexSpec
    generation: int
    capabilities: Capabilities

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add or replace rows. ids: (n,) int64 >= 0; vectors: (n, dimension) unit rows."""
        ...

    def remove(self, ids: Ids) -> int:
        """Take rows out; return how many were there."""
        ...

    def search(
        self, vectors: Vectors, k: int, *, allow: Ids | None = None, quality: Quality = "normal"
    ) -> tuple[Ids, Vectors]:
        """Return ids and inner products, (queries, k) each, best first, ties by id.

        allow: only these ids; k of them are returned if k exist. Missing places hold -1, -inf.
        """
        ...

    def get(self, ids: Ids) -> Vectors:
        """Return the stored vectors of some ids; raises KeyError for an unknown one."""
        ...

    def count(self) -> int:
        """Return how many rows there are."""
        ...

    def commit(self) -> int:
        """Make the changes durable and visible; return the new generation."""
        ...

    def verify(self) -> list[str]:
        """Return what is wrong with the stored form; an empty list is good."""
        ...

    def optimise(self) -> None:
        """Do what makes later searches faster, where there is something to do."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...
