"""The table of scorers: a new one is a file beside this one and a line here."""

from typing import NamedTuple

from ..embed.table import maker_of
from ..errors import UsageError
from .scorer import Scorer, Setting


class Row(NamedTuple):
    """One line of the table."""

    maker: str
    """"folder.module:function"; called as function(setting) -> Scorer."""
    about: str


SCORERS: dict[str, Row] = {
    "embedding": Row("rank.embedding:make", "cosine to a reference, in an encoder's vectors"),
}


def make_scorer(name: str, setting: Setting) -> Scorer:
    """Make a scorer by name; raises UsageError for an unknown one, or when it lacks something."""
    if name.startswith("probe:"):
        from .probes import picture_probe

        return picture_probe(name, setting)
    makers = {known: row.maker for known, row in SCORERS.items()}
    make = maker_of("scorer", name, makers, error=UsageError)
    scorer: Scorer = make(setting)
    return scorer
