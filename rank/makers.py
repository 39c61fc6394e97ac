"""Which maker of a scorer a ranking of frames needs, where a name alone does not make it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.vectors import StoredEncoder
from ..embed.encoder import Encoder
from ..flow.choose import stored_encoder
from .embedded import by_embedding
from .exemplar_frames import score_frames
from .exemplars import Taste, ask
from .frames import Maker
from .probes import by_probe, is_probe


def maker_of(
    catalogue: Catalogue,
    look: Callable[..., object],
    encoder_of: Callable[[StoredEncoder], Encoder],
    *,
    by: str | None,
    reference: str | Path | None,
    exemplars: Taste | str | None,
    encoder: str | None,
) -> Maker | None:
    """Return what makes a scorer from a setting and the frames' ids; None where a name does.

    look(encoder=NAME): has an encoder see every frame. encoder_of: makes one that is stored.
    """

    def seen(name: str | None) -> StoredEncoder:
        look(encoder=name)
        return stored_encoder(catalogue, name)

    if exemplars is not None:
        return partial(score_frames, catalogue, ask(catalogue, exemplars))
    if by is not None and is_probe(by):
        return by_probe(catalogue, by, encoder, seen)
    if by == "embedding" and reference is not None:
        stored = seen(encoder)
        return by_embedding(catalogue, stored, lambda: encoder_of(stored), reference)
    return None
