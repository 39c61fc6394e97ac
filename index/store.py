"""The index of a library's encoder: opened when it fits, made anew when it does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..db.advice import index_command
from ..db.catalogue import Catalogue, now
from ..db.vectors import (
    StoredEncoder,
    VectorFile,
    drop_vectors,
    searchable_rows,
)
from ..errors import LibraryError
from .base import IndexSpec
from .exact import ExactIndex

FOLDER = "index"


def open_index(
    catalogue: Catalogue, encoder: StoredEncoder, *, remark: Callable[[str], None]
) -> ExactIndex:
    """Return the index of all searchable vectors of an encoder.

    A missing, damaged or outdated file is rebuilt from the vectors; on read-only media in memory
    only. Vectors that are damaged themselves are left out, and forgotten so that the next refresh
    makes them again. `remark` is told of both.
    """
    spec = IndexSpec(encoder.dimension, encoder.identity)
    path = index_path(catalogue, encoder)
    with catalogue.reading() as connection:
        made = connection.execute(
            "SELECT made_from, crc32 FROM indexes WHERE encoder = ?", (encoder.id,)
        ).fetchone()
    if made and made[0] == encoder.generation:
        try:
            index = ExactIndex.open(spec, path, checksum=made[1])
            _tell_of_cut(catalogue, encoder, remark)
            return index
        except LibraryError as problem:
            remark(f"{problem}; made again from the vectors")
    return build_index(catalogue, encoder, remark=remark)


def _tell_of_cut(
    catalogue: Catalogue, encoder: StoredEncoder, remark: Callable[[str], None]
) -> None:
    """Tell when the vectors are not all there, though the index made from them is."""
    file = VectorFile(catalogue, encoder)
    there = len(file.mapped())
    if there < encoder.rows:
        remark(
            f"{file.path} holds {there} of {encoder.rows} vectors of {encoder.name}; the search "
            f"goes on from the index. Mend it: q doctor --mend, then "
            f"{index_command(catalogue, encoder.name)}"
        )


def index_path(catalogue: Catalogue, encoder: StoredEncoder) -> Path:
    """Return where the index file of an encoder lies."""
    return catalogue.folder / FOLDER / f"{encoder.id}.faiss"


def build_index(
    catalogue: Catalogue, encoder: StoredEncoder, *, remark: Callable[[str], None]
) -> ExactIndex:
    """Make the index from the vectors, checking each; write it where that is possible."""
    rows = searchable_rows(catalogue, encoder)
    file = VectorFile(catalogue, encoder)
    index = ExactIndex(
        IndexSpec(encoder.dimension, encoder.identity), index_path(catalogue, encoder)
    )
    damaged: list[int] = []
    for part, vectors, whole in file.blocks(rows.rows, rows.checks):
        index.add(rows.items[part][whole], vectors[whole].astype(np.float32))
        damaged += rows.items[part][~whole].tolist()
    if damaged:
        remark(
            f"{len(damaged)} vectors of {encoder.name} in {file.path} are damaged and left out; "
            f"they are made again by: {index_command(catalogue, encoder.name)}"
        )
        if catalogue.writable:
            drop_vectors(catalogue, encoder, damaged)
    if not catalogue.writable:
        return index
    try:
        index.commit()
    except LibraryError as problem:
        remark(f"{problem}; searching goes on from memory")
        return index
    with catalogue.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO indexes (encoder, kind, file, made_from, n, size, crc32, "
            "made_at) VALUES (?, 'exact', ?, ?, ?, ?, ?, ?)",
            (encoder.id, index_path(catalogue, encoder).name,
             encoder.generation + bool(damaged), index.count(),
             index_path(catalogue, encoder).stat().st_size, index.checksum, now()),
        )  # fmt: skip
    return index
