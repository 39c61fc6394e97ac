"""What indexing needs beside the refresh itself: a plan before it, mending, statistics after it."""

from collections.abc import Sequence
from pathlib import Path

from ..db.advice import index_command
from ..db.catalogue import Catalogue
from ..db.plan import Plan, compare
from ..db.vectors import StoredEncoder, damaged_items, drop_vectors
from ..index.similarity import similarities
from ..index.store import open_index
from ..media.find import find
from .choose import stored_encoder


def planned(
    catalogue: Catalogue,
    paths: Sequence[str | Path],
    exclude: Sequence[str],
    *,
    hidden: bool,
    encoder: StoredEncoder | None,
    remarks: list[str],
) -> Plan:
    """Return what a refresh of some paths would do; what was passed over is told in `remarks`."""
    found = find(paths, exclude=exclude, hidden=hidden)
    files = list(found.files())  # only then is known which folders could not be listed
    plan = compare(
        catalogue, files, roots=found.folders, unlistable=found.unlistable, encoder=encoder
    )
    remarks += found.remarks
    return plan


def without_damage(
    catalogue: Catalogue, stored: StoredEncoder, remarks: list[str]
) -> StoredEncoder:
    """Forget vectors that are not what was written, so that they are made again now."""
    damaged = damaged_items(catalogue, stored)
    if not damaged:
        return stored
    drop_vectors(catalogue, stored, damaged)
    remarks.append(
        f"{len(damaged)} vectors of {stored.name} were damaged and are made again; "
        f"those of other paths by: {index_command(catalogue, stored.name)}"
    )
    return stored_encoder(catalogue, stored.identity)


def make_ready(catalogue: Catalogue, identity: str, remarks: list[str]) -> None:
    """Make what searches need, so that the first one does not wait for it."""
    stored = stored_encoder(catalogue, identity)
    similarities(catalogue, stored, open_index(catalogue, stored, remark=remarks.append))
