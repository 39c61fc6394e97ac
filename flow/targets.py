"""Targets: from what a user names to vectors, encoding only what the library does not know."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue, readable
from ..db.items import Item, item_number, items_at, items_of_content
from ..db.sources import sources_of_digest
from ..db.vectors import StoredEncoder, vectors_of
from ..embed.encoder import Encoder, TextEncoder
from ..errors import EncoderError, PictureError, UsageError
from ..media.address import Address, parse
from ..media.borders import without_black_borders
from ..media.digest import digest
from ..media.picture import Picture
from ..video.item import read

_WEIGHTED = re.compile(r"(?P<weight>\d+(?:\.\d+)?):(?P<name>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What a query asks about, as a vector."""

    name: str
    vector: NDArray[np.float32]
    weight: float = 1.0
    wanted: bool = True
    is_text: bool = False
    digest: str | None = None
    address: Address | None = None
    items: list[Item] = field(default_factory=list)
    """Items of the library with the same content: the target itself, and its copies."""
    remarks: list[str] = field(default_factory=list)


def split_weight(name: str | os.PathLike[str]) -> tuple[float, str]:
    """Return (weight, name) of `2:target.png`; a file that really has such a name wins."""
    text = os.fsdecode(name)
    match = _WEIGHTED.fullmatch(text)
    if match is None or os.path.lexists(text) or os.path.lexists(parse(text).path):
        return 1.0, text
    weight = float(match["weight"])
    if weight <= 0:
        raise UsageError(f"the weight of {text} must be greater than 0")
    return weight, match["name"]


def picture_target(
    catalogue: Catalogue,
    stored: StoredEncoder,
    encoder: Callable[[], Encoder],
    name: str | os.PathLike[str] | Picture,
    *,
    wanted: bool = True,
    keep_borders: bool = False,
) -> Target:
    """Return the target that a user names by a path, weighted or not, or gives as a picture.

    When the library holds a vector of the same content it is taken, and `encoder` is not called.
    Otherwise black borders are cut off and the picture is encoded. Raises UsageError when there is
    no such picture, or it can't be read.
    """
    if isinstance(name, Picture):
        made = encoder()
        told = f"a picture of {name.width} x {name.height} pixels"
        cut, remarks = _seen(name, told, keep_borders=keep_borders)
        vector = made.encode([made.prepare(cut)])[0]
        return Target(told, vector, wanted=wanted, remarks=remarks)
    weight, text = split_weight(name)
    address = parse(text)
    content, items = _known(catalogue, address)
    for item in items:
        known = vectors_of(catalogue, stored, [item.id])
        if item.id in known:
            vector = known[item.id]
            return Target(readable(text), vector, weight, wanted, False, content, address, items)
    try:
        made = encoder()
        picture = read(address.path, part=address.part, frame=address.frame, at_least=made.reads_at)
    except PictureError as problem:
        raise UsageError(f"{readable(text)}: {problem}") from problem
    damage = _damage(catalogue, stored, items)
    if not items and picture.metadata.part != address.part:  # by another name of the same part
        number = item_number(content, frame=address.frame, part=picture.metadata.part)
        items = items_of_content(catalogue, number)
    cut, remarks = _seen(picture, readable(text), keep_borders=keep_borders)
    vector = made.encode([made.prepare(cut)])[0]
    return Target(
        readable(text), vector, weight, wanted, False, content, address, items,
        [*damage, *remarks],
    )  # fmt: skip


def _seen(picture: Picture, name: str, *, keep_borders: bool) -> tuple[Picture, list[str]]:
    """Return what of a picture is encoded, without black borders, and what is to be said of it."""
    if picture.is_blank:
        return picture, [f"{name} is blank: one value everywhere, so nothing is like it"]
    cut = picture if keep_borders else without_black_borders(picture)
    if cut is picture:
        return cut, []
    return cut, [
        f"black borders of {name} cut off: {picture.width} x {picture.height} "
        f"became {cut.width} x {cut.height} (--keep-borders keeps them)"
    ]


def _damage(catalogue: Catalogue, stored: StoredEncoder, items: Sequence[Item]) -> list[str]:
    """Say when a vector of a target is there but damaged, so that it is encoded anew."""
    with catalogue.reading() as connection:
        damaged = [
            item
            for item in items
            if connection.execute(
                "SELECT 1 FROM vectors WHERE item = ? AND encoder = ?", (item.id, stored.id)
            ).fetchone()
        ]
    if not damaged:
        return []
    return [f"the kept vector of {damaged[0]} is damaged; see q doctor"]


def text_target(encoder: Encoder, text: str, *, wanted: bool = True) -> Target:
    """Return a target made of words; raises EncoderError when the encoder reads none."""
    if not isinstance(encoder, TextEncoder):
        raise EncoderError(
            f"{encoder.name} does not read text; index with one that does, "
            "such as: q index --encoder clip:ViT-B-32/openai FOLDER"
        )
    return Target(text, encoder.encode_text([text])[0], wanted=wanted, is_text=True)


def _known(catalogue: Catalogue, address: Address) -> tuple[str, list[Item]]:
    """Return the digest of a target's file, and the items with the same content."""
    here = items_at(catalogue, address)
    try:
        status = Path(address.path).stat()
    except (OSError, ValueError):
        if here:  # the file is gone or its disk is away; its vector is not
            return here[0].digest, items_of_content(catalogue, here[0].content)
        raise UsageError(f"no such picture: {readable(str(address.path))}") from None
    if here and _unchanged(catalogue, here[0], status):
        return here[0].digest, items_of_content(catalogue, here[0].content)
    try:
        content = digest(address.path)
    except PictureError as problem:
        raise UsageError(f"{readable(str(address.path))}: {problem}") from problem
    for source in sources_of_digest(catalogue, content):
        with catalogue.reading() as connection:
            row = connection.execute(
                "SELECT content FROM items WHERE source = ? AND frame IS ? AND part IS ?",
                (source, address.frame, address.part),
            ).fetchone()
        if row:
            return content, items_of_content(catalogue, row[0])
    return content, []


def _unchanged(catalogue: Catalogue, item: Item, status: os.stat_result) -> bool:
    with catalogue.reading() as connection:
        row = connection.execute(
            "SELECT size, mtime_ns FROM sources WHERE path = ?", (catalogue.stored(item.path),)
        ).fetchone()
    return row is not None and tuple(row) == (status.st_size, status.st_mtime_ns)


def leave_out(targets: Sequence[Target]) -> list[int]:
    """Return the items that are targets themselves, by content."""
    return [item.id for target in targets for item in target.items]
