"""Words that name an exemplar set as the judge, for the commands that rank."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError

if TYPE_CHECKING:
    from ..rank.exemplars import Taste

_PANEL = "By labelled pictures or frames"


@dataclass(frozen=True, slots=True)
class Tasting:
    """Whose labels say what is best."""

    exemplars: Annotated[
        str | None,
        typer.Option(
            "--exemplars",
            metavar="SET",
            rich_help_panel=_PANEL,
            help="Rank by nearness to what people labelled (q label).",
        ),
    ] = None
    wanted: Annotated[
        str | None,
        typer.Option(
            "--wanted",
            metavar="ANSWER",
            rich_help_panel=_PANEL,
            help="The class looked for, where the set has classes.",
        ),
    ] = None
    neighbours: Annotated[
        int | None,
        typer.Option(
            "--neighbours",
            min=1,
            metavar="K",
            rich_help_panel=_PANEL,
            help="How many nearest exemplars; default: chosen by the labels themselves.",
        ),
    ] = None
    alone: Annotated[
        bool,
        typer.Option(
            "--alone",
            rich_help_panel=_PANEL,
            help="Of frames: by the labels only, without what the frames say of themselves.",
        ),
    ] = False

    def asked(self, by: str | None) -> "Taste | None":
        """Return the taste that is asked for; raises UsageError for words without a set."""
        if self.exemplars is None:
            if self.wanted is not None or self.neighbours is not None or self.alone:
                raise UsageError("--wanted, --neighbours and --alone go with --exemplars SET")
            return None
        if by is not None:
            raise UsageError("--by and --exemplars both say what gives the scores: take one")
        from ..rank.exemplars import Taste

        return Taste(self.exemplars, self.wanted, self.neighbours, self.alone)
