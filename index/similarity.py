"""What a cosine means in this library: the percentile among random pairs, and "close"."""

import json
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue, now
from ..db.closeness import close_from
from ..db.vectors import StoredEncoder
from .base import Vectors
from .exact import ExactIndex

PAIRS = 20_000
PARTNERS = 2_000
"""Random pairs are drawn among so many random items."""
SAMPLE = 1_000
ENOUGH = 50
"""Below so many items nothing is said about closeness."""
EXACT_BELOW = 20_000
"""Up to so many items the statistics follow every change; beyond, a change of a tenth."""
SEED = 0


@dataclass(frozen=True, slots=True)
class Similarities:
    """How alike the items of a library are to an encoder.

    close: the 1 % quantile of the similarity that a sample of items has with their nearest other
    item; None below 50 items. quantiles: (1001,) of the similarity of random pairs, ascending.
    """

    n: int
    close: float | None
    quantiles: NDArray[np.float64]

    def percentile(self, similarity: float) -> float | None:
        """Return how many per cent of random pairs are less alike; None below two items."""
        if self.n < 2:
            return None
        levels = np.linspace(0.0, 100.0, len(self.quantiles))
        below = np.searchsorted(self.quantiles, similarity, side="left")
        if below == 0:
            return 0.0
        if below == len(self.quantiles):
            return 100.0
        return float(np.interp(similarity, self.quantiles, levels))

    @property
    def threshold(self) -> float | None:
        """The similarity from which on something is close; None where that can't be told."""
        return close_from(self.close, self.quantiles)

    def is_close(self, similarity: float) -> bool | None:
        """Say whether something is close; None where the library is too small to tell."""
        return None if self.threshold is None else bool(similarity >= self.threshold)


def similarities(catalogue: Catalogue, encoder: StoredEncoder, index: ExactIndex) -> Similarities:
    """Return the library's statistics, measured anew when its items have changed enough."""
    with catalogue.reading() as connection:
        row = connection.execute(
            "SELECT n, close, quantiles, made_from FROM similarities WHERE encoder = ?",
            (encoder.id,),
        ).fetchone()
        if row and _still_holds(index, n=row[0], made_from=row[3]):
            return Similarities(row[0], row[1], np.array(json.loads(row[2])))
    measured = measure_similarities(index)
    if catalogue.writable:
        with catalogue.transaction() as write:
            write.execute(
                "INSERT OR REPLACE INTO similarities (encoder, n, made_from, close, quantiles, "
                "made_at) VALUES (?, ?, ?, ?, ?, ?)",
                (encoder.id, measured.n, _ids_crc32(index), measured.close,
                 json.dumps([round(float(q), 6) for q in measured.quantiles]), now()),
            )  # fmt: skip
    return measured


def _still_holds(index: ExactIndex, *, n: int, made_from: int) -> bool:
    if index.count() <= EXACT_BELOW:
        return index.count() == n and _ids_crc32(index) == made_from
    return abs(index.count() - n) <= n // 10


def _ids_crc32(index: ExactIndex) -> int:
    """Return a checksum of the set of ids: an id stands for its content, and so for its vector."""
    return zlib.crc32(np.sort(index.ids()).tobytes())


def measure_similarities(index: ExactIndex, *, seed: int = SEED) -> Similarities:
    """Measure random pairs (20,000, or all when fewer) and nearest others (1,000, or all)."""
    n = index.count()
    if n < 2:
        return Similarities(n, None, np.zeros(1001))
    ids = np.sort(index.ids())  # the same sample whatever the order of rows
    random = np.random.default_rng(seed)
    pairs = _all_or_some_pairs(index, ids, random)
    quantiles = np.quantile(pairs.astype(np.float64), np.linspace(0, 1, 1001))
    close = None
    if n >= ENOUGH:
        sample = np.sort(random.choice(ids, min(SAMPLE, n), replace=False))
        close = float(np.quantile(_nearest_other(index, sample), 0.01))
    return Similarities(n, close, quantiles)


def _all_or_some_pairs(
    index: ExactIndex, ids: NDArray[np.int64], random: np.random.Generator
) -> Vectors:
    n = len(ids)
    if n * (n - 1) // 2 <= PAIRS:
        vectors = index.get(ids)
        products: Vectors = (vectors @ vectors.T)[np.triu_indices(n, 1)]
        return products
    # pairs among some items: reading the vectors of 40,000 takes longer than all the rest
    some = index.get(np.sort(random.choice(ids, min(n, PARTNERS), replace=False)))
    first = random.integers(0, len(some), PAIRS)
    second = (first + random.integers(1, len(some), PAIRS)) % len(some)
    steps = range(0, PAIRS, 4096)
    found = [
        np.einsum("nd,nd->n", some[first[i : i + 4096]], some[second[i : i + 4096]]) for i in steps
    ]
    return np.concatenate(found)


def _nearest_other(index: ExactIndex, sample: NDArray[np.int64]) -> Vectors:
    best = []
    for start in range(0, len(sample), 256):
        part = sample[start : start + 256]
        found, products = index.search(index.get(part), 2)
        itself = found[:, 0] == part
        best.append(np.where(itself, products[:, 1], products[:, 0]))
    return np.concatenate(best)
