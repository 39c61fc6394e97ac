"""Ranking pictures as a user asks for it: indexed first, by a reference, exemplars or a probe."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.vectors import StoredEncoder
from ..embed.encoder import Encoder
from ..flow.choose import choice, stored_encoder
from ..flow.refresh import Report
from .exemplars import Taste
from .probes import encoder_for
from .ranking import Ranking
from .stills import rank_stills, rank_stills_by


def rank_pictures(
    catalogue: Catalogue,
    names: Sequence[str | Path] | None,
    index: Callable[..., Report],
    encoder_of: Callable[[StoredEncoder], Encoder],
    *,
    by: str,
    reference: str | Path | None,
    exemplars: Taste | str | None,
    encoder: str | None,
    keep: bool,
) -> Ranking:
    """Rank what some names mean (None: all); see `Library.rank_pictures`.

    index(names, encoder=...): has them in the library. encoder_of: makes a stored encoder.
    """
    encoder = encoder_for(catalogue, by, encoder)
    remarks: list[str] = []
    failed = 0
    if names is not None:
        report = index(names, encoder=encoder)
        remarks += [*(f"{path}: {why}" for path, why in report.failed), *report.remarks]
        failed = len(report.failed)
    stored = stored_encoder(catalogue, encoder)
    if exemplars is not None:
        ranking = rank_stills_by(catalogue, stored, exemplars, names=names)
    else:
        ranking = rank_stills(
            catalogue, stored, lambda: encoder_of(stored), by,
            reference=reference, names=names, keep=keep,
        )  # fmt: skip
    ranking.remarks[:0] = [*choice(catalogue, encoder), *remarks]
    ranking.failed = failed
    return ranking
