"""The exact index: float16 vectors in one FAISS file, mapped into memory for searching."""

import os
import sys
import zlib
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ..errors import LibraryError, ShapeError
from .base import NO_ITEM, NO_SCORE, Capabilities, Ids, IndexSpec, Quality, Vectors

BLAS_QUERIES = 20
"""From so many queries on, blocks are multiplied as matrices: 8 times faster at a hundred."""
BLOCK = 16384
GATHER = 20_000
"""Up to so many allowed rows are gathered and multiplied; more go through a bitmap."""
MARGIN = 8
"""Rows fetched beyond k, so that ties at the end can be put in order of id."""


def prepare_faiss() -> None:
    """Set the thresholds and threads that FAISS needs here; harmless when repeated.

    faiss 1.15 compares queries x dimension with `distance_compute_blas_threshold` (128000), so
    that a hundred queries would run as single scans; 10240 means 20 queries at 512 dimensions.
    On macOS torch and FAISS each bring an OpenMP and crash together: there, one thread.
    """
    faiss.cvar.distance_compute_blas_threshold = 10240
    if sys.platform == "darwin":
        faiss.omp_set_num_threads(1)


class ExactIndex:
    """A `VectorIndex` that compares with every vector: SQfp16 under an id map, in FAISS.

    A mapped file is never changed (FAISS crashes on it): the first `add` or `remove` takes a copy
    into memory, and `commit` writes a new file beside the old one and renames it.
    """

    capabilities = Capabilities(exact=True)

    def __init__(self, spec: IndexSpec, path: Path | None = None) -> None:
        prepare_faiss()
        self.spec = spec
        self.path = path
        self.generation = 0
        self.checksum: int | None = None
        self._mapped = False
        self._index: Any = _empty(spec.dimension)
        self._changed()

    @classmethod
    def open(cls, spec: IndexSpec, path: Path, *, checksum: int | None) -> "ExactIndex":
        """Map a committed file.

        checksum: its crc32, compared first when given. Raises LibraryError where the file is
        missing, damaged, or of another dimension.
        """
        index = cls(spec, path)
        if not path.is_file():
            raise LibraryError(f"no index file {path}")
        if checksum is not None and file_crc32(path) != checksum:
            raise LibraryError(f"the index file {path} is damaged (checksum)")
        try:
            index._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as problem:
            raise LibraryError(f"the index file {path} can't be read: {problem}") from problem
        if index._index.d != spec.dimension:
            raise LibraryError(f"{path} holds vectors of {index._index.d}, not {spec.dimension}")
        index.checksum = checksum
        index._mapped = True
        index._changed()
        return index

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add or replace rows; see VectorIndex."""
        ids, vectors = np.asarray(ids, np.int64), np.ascontiguousarray(vectors, np.float32)
        if vectors.shape != (len(ids), self.spec.dimension):
            raise ShapeError(
                f"{len(ids)} ids need vectors of shape {(len(ids), self.spec.dimension)}, "
                f"got {vectors.shape}"
            )
        _, last = np.unique(ids[::-1], return_index=True)
        keep = np.sort(len(ids) - 1 - last)
        self.remove(ids)
        self._own()
        self._index.add_with_ids(vectors[keep], ids[keep])
        self._changed()

    def remove(self, ids: Ids) -> int:
        """Take rows out; return how many were there."""
        known = np.intersect1d(np.asarray(ids, np.int64), self._ids)
        if len(known):
            self._own()
            self._index.remove_ids(known)
            self._changed()
        return len(known)

    def search(
        self, vectors: Vectors, k: int, *, allow: Ids | None = None, quality: Quality = "normal"
    ) -> tuple[Ids, Vectors]:
        """Return the exact nearest rows; see VectorIndex."""
        queries = np.ascontiguousarray(vectors, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.spec.dimension:
            raise ShapeError(
                f"queries must be (n, {self.spec.dimension}), got shape {queries.shape}"
            )
        positions = None if allow is None else self._positions_of(allow)
        available = self.count() if positions is None else len(positions)
        wanted = min(k, available)
        ids = np.full((len(queries), k), NO_ITEM, np.int64)
        scores = np.full((len(queries), k), NO_SCORE, np.float32)
        if wanted == 0 or len(queries) == 0:
            return ids, scores
        fetch = min(wanted + MARGIN, available)
        while True:
            found, products = self._nearest(queries, fetch, positions)
            found, products = _by_score_then_id(self._ids[found], products)
            tied = fetch < available and bool((products[:, wanted - 1] == products[:, -1]).any())
            if not tied:
                break
            fetch = min(2 * fetch, available)
        ids[:, :wanted], scores[:, :wanted] = found[:, :wanted], products[:, :wanted]
        return ids, scores

    def _nearest(
        self, queries: Vectors, k: int, positions: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], Vectors]:
        """Return positions and inner products, (queries, k) each; k rows are known to exist."""
        if positions is not None and len(positions) <= max(GATHER, self.count() // 50):
            rows = self._flat.reconstruct_batch(positions)
            products, found = faiss.knn(queries, rows, k, metric=faiss.METRIC_INNER_PRODUCT)
            return positions[found], products
        if positions is None and len(queries) >= BLAS_QUERIES:
            return self._nearest_by_blocks(queries, k)
        parameters = None
        if positions is not None:
            allowed = np.zeros(self.count(), np.bool_)
            allowed[positions] = True
            bits = np.packbits(allowed, bitorder="little")
            selector: Any = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        products, found = self._flat.search(queries, k, params=parameters)
        return found, products

    def _nearest_by_blocks(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
        found = np.zeros((len(queries), 0), np.int64)
        products = np.zeros((len(queries), 0), np.float32)
        for start in range(0, self.count(), BLOCK):
            rows = self._flat.reconstruct_n(start, min(BLOCK, self.count() - start))
            near, nearest = faiss.knn(
                queries, rows, min(k, len(rows)), metric=faiss.METRIC_INNER_PRODUCT
            )
            found = np.concatenate([found, nearest + start], axis=1)
            products = np.concatenate([products, near], axis=1)
            best = np.argsort(-products, axis=1, kind="stable")[:, :k]
            found = np.take_along_axis(found, best, axis=1)
            products = np.take_along_axis(products, best, axis=1)
        return found, products

    def get(self, ids: Ids) -> Vectors:
        """Return the stored vectors; raises KeyError for an unknown id."""
        ids = np.asarray(ids, np.int64)
        positions = self._positions_of(ids, in_order=True)
        if len(positions) != len(ids):
            missing = sorted(set(ids.tolist()) - set(self._ids.tolist()))
            raise KeyError(f"not in the index: {missing[:5]}")
        if len(ids) == 0:
            return np.zeros((0, self.spec.dimension), np.float32)
        found: Vectors = self._flat.reconstruct_batch(positions)
        return found

    def ids(self) -> Ids:
        """Return all ids, in the order of the rows."""
        return self._ids

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self._ids)

    def commit(self) -> int:
        """Write the file anew, synced and renamed; return the new generation."""
        if self.path is None:
            raise LibraryError("this index has no file to be written to")
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(exist_ok=True)
            faiss.write_index(self._index, str(temporary))
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            self.checksum = file_crc32(temporary)
            temporary.replace(self.path)
        except (OSError, RuntimeError) as problem:
            temporary.unlink(missing_ok=True)
            raise LibraryError(f"can't write the index {self.path}: {problem}") from problem
        self.generation += 1
        return self.generation

    def verify(self) -> list[str]:
        """Return what is wrong with the file; an empty list is good."""
        if self.path is None or self.checksum is None:
            return ["not committed yet"]
        if not self.path.is_file():
            return [f"{self.path} is missing"]
        if file_crc32(self.path) != self.checksum:
            return [f"{self.path} is damaged (checksum)"]
        return []

    def optimise(self) -> None:
        """Do nothing: exact search has nothing to tune."""

    def close(self) -> None:
        """Unmap the file."""
        self._index = _empty(self.spec.dimension)
        self._mapped = False
        self._changed()

    def _own(self) -> None:
        """Take the mapped file into memory before the first change."""
        if self._mapped:
            self._index = faiss.read_index(str(self.path))
            self._mapped = False
            self._changed()

    def _changed(self) -> None:
        self._flat: Any = faiss.downcast_index(self._index.index)
        self._ids: Ids = faiss.vector_to_array(self._index.id_map).astype(np.int64)
        self._order: NDArray[np.int64] | None = None

    def _positions_of(self, ids: Ids, *, in_order: bool = False) -> NDArray[np.int64]:
        """Return the rows of the ids that are here: ascending and once, or as given."""
        if self._order is None:
            self._order = np.argsort(self._ids, kind="stable")
        wanted = np.asarray(ids, np.int64) if in_order else np.unique(np.asarray(ids, np.int64))
        if not len(self._ids):
            return np.zeros(0, np.int64)
        place = np.searchsorted(self._ids, wanted, sorter=self._order)
        rows = self._order[np.minimum(place, len(self._ids) - 1)]
        rows = rows[self._ids[rows] == wanted]
        return rows if in_order else np.sort(rows)


def file_crc32(path: Path) -> int:
    """Return the crc32 of a whole file."""
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _empty(dimension: int) -> Any:  # noqa: ANN401 - FAISS's own classes
    flat = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index = faiss.IndexIDMap(flat)
    index.own_fields = True
    flat.this.disown()  # type: ignore[attr-defined]
    return index


def _by_score_then_id(ids: Ids, scores: Vectors) -> tuple[Ids, Vectors]:
    order = np.lexsort((ids, -scores), axis=1)
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
