"""The table of scorers: a new one is a file beside this one and a line here."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import NamedTuple

from ..errors import UsageError, closest
from .scorer import Scorer, Setting


class Row(NamedTuple):
    """One line of the table."""

    maker: str
    """"module:function" in this folder; called as function(setting) -> Scorer."""
    about: str


SCORERS: dict[str, Row] = {
    "embedding": Row("embedding:make", "cosine to a reference, in an encoder's vectors"),
}


def make_scorer(name: str, setting: Setting) -> Scorer:
    """Make a scorer by name; raises UsageError for an unknown one, or when it lacks something."""
    if name in SCORERS:
        module, _, function = SCORERS[name].maker.partition(":")
        make = getattr(import_module(f"{__package__}.{module}"), function)
    else:
        strangers = {point.name: point for point in entry_points(group="seeing.scorers")}
        if name not in strangers:
            known = [*SCORERS, *strangers]
            hint = closest(name, known) or f"; known are {', '.join(known)}"
            raise UsageError(f"no scorer is called {name}{hint}")
        make = strangers[name].load()
    scorer: Scorer = make(setting)
    return scorer
