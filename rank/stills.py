"""Ranking still pictures of a library."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.items import items_below, items_by_id, present_items
from ..db.vectors import StoredEncoder
from ..embed.encoder import Encoder
from ..flow.targets import Target, picture_target
from ..index.similarity import similarities
from ..index.store import open_index
from .ranking import Ranking, rank_items
from .scorer import Reference, Setting
from .table import make_scorer


def rank_stills(
    catalogue: Catalogue,
    stored: StoredEncoder,
    make: Callable[[], Encoder],
    by: str,
    *,
    reference: str | Path | None,
    below: Sequence[str | Path],
    keep: bool,
) -> Ranking:
    """Rank the items at or below some paths (all, when there are none) by a scorer.

    `make` is called only when the reference has to be encoded.
    """
    target: Target | None = None
    shown: Reference | None = None
    remarks: list[str] = []
    if reference is not None:
        target = picture_target(catalogue, stored, make, reference)
        remarks += target.remarks
        shown = Reference(Path(target.name), target.digest or "", target.vector)
    usual = similarities(catalogue, stored, open_index(catalogue, stored, remark=remarks.append))
    setting = Setting(catalogue, stored, shown, usual)
    scorer = make_scorer(by, setting)
    if below:
        items = items_below(catalogue, [Path(path) for path in below])
    else:
        items = list(items_by_id(catalogue, present_items(catalogue)).values())
    ranked = rank_items(setting, scorer, items, keep=keep)
    address = target.address if target else None
    return Ranking(scorer.identity, ranked, address, stored.identity, remarks)
