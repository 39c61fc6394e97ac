"""Ranking still pictures of a library."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.items import Item, items_by_id, present_items
from ..db.vectors import StoredEncoder
from ..embed.encoder import Encoder
from ..flow.choose import lacking
from ..flow.meant import meant
from ..flow.targets import Target, picture_target
from ..index.similarity import similarities
from ..index.store import open_index
from .exemplar_stills import rank_by_exemplars
from .exemplars import Taste, ask
from .ranking import Ranked, Ranking, rank_items
from .scorer import Reference, Setting
from .table import make_scorer


def rank_stills(
    catalogue: Catalogue,
    stored: StoredEncoder,
    make: Callable[[], Encoder],
    by: str,
    *,
    reference: str | Path | None,
    names: Sequence[str | Path] | None,
    keep: bool,
) -> Ranking:
    """Rank the items that some names mean (all, for None) by a scorer; unreadable files come last.

    `make` is called only when the reference has to be encoded.
    """
    target: Target | None = None
    shown: Reference | None = None
    remarks: list[str] = []
    if reference is not None:
        target = picture_target(catalogue, stored, make, reference)
        remarks += target.remarks
        shown = Reference(Path(target.name), _digest_of(target), target.vector)
    usual = similarities(catalogue, stored, open_index(catalogue, stored, remark=remarks.append))
    setting = Setting(catalogue, stored, shown, usual)
    scorer = make_scorer(by, setting)
    broken: list[tuple[Item, str]] = []
    if names is None:
        items = list(items_by_id(catalogue, present_items(catalogue)).values())
    else:
        items, broken = meant(catalogue, names)
    ranked = rank_items(setting, scorer, items, keep=keep)
    if target:
        ranked = _reference_named(ranked, target)
    ranked += [
        Ranked(place, item, None, None, reason)
        for place, (item, reason) in enumerate(broken, len(ranked) + 1)
    ]
    if names is None:
        remarks += filter(None, [lacking(catalogue, stored)])
    if not ranked:
        remarks.append(_why_empty(names))
    address = target.address if target else None
    return Ranking(scorer.identity, ranked, address, stored.identity, remarks)


def rank_stills_by(
    catalogue: Catalogue,
    stored: StoredEncoder,
    taste: Taste | str,
    *,
    names: Sequence[str | Path] | None,
) -> Ranking:
    """Rank the items that some names mean (all, for None) by a set's exemplars."""
    asked = ask(catalogue, taste)
    if names is None:
        return rank_by_exemplars(catalogue, stored, asked, None)
    items, broken = meant(catalogue, names)
    ranking = rank_by_exemplars(catalogue, stored, asked, items, broken)
    if not len(ranking):
        ranking.remarks.append(_why_empty(names))
    return ranking


def _digest_of(target: Target) -> str:
    """Return what tells one reference from another: the file's digest, and which part of it."""
    address = target.address
    if address is None or (address.frame is None and address.part is None):
        return target.digest or ""
    return f"{target.digest}|{address.part or ''}|{'' if address.frame is None else address.frame}"


def _reference_named(ranked: Sequence[Ranked], reference: Target) -> list[Ranked]:
    """Say where the reference itself and its copies stand, which are like it by being it."""
    itself = {item.id for item in reference.items}
    here = os.path.abspath(reference.address.path) if reference.address else ""  # noqa: PTH100
    reasons = {True: "the reference itself", False: "same content as the reference"}
    return [
        replace(entry, reason=reasons[str(entry.item.path) == here])
        if entry.item.id in itself
        else entry
        for entry in ranked
    ]


def _why_empty(names: Sequence[str | Path] | None) -> str:
    if names is None:
        return "nothing to rank: the library holds no pictures that are present (see q status)"
    told = ", ".join(str(name) for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return f"nothing to rank: no pictures at or below {told}"
