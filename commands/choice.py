"""Words that choose frames, for the commands that do something with the best of a video."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .index import stopping
from .options import Common
from .output import progress, remark
from .videos import Reading

if TYPE_CHECKING:
    from ..library import Library
    from ..rank.exemplars import Taste
    from ..rank.frame_ranking import FrameRanking

_PANEL = "Which frames"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which frames of a video, and what says that they are the best."""

    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            rich_help_panel=_PANEL,
            help="A processed picture of the same object.",
        ),
    ] = None
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="SCORER",
            rich_help_panel=_PANEL,
            help="What gives the scores, as in q rank, or probe:NAME; default: reference where "
            "there is one, else self.",
        ),
    ] = None
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, metavar="N", rich_help_panel=_PANEL, help="The N best."),
    ] = None
    percent: Annotated[
        float | None,
        typer.Option(
            "--percent",
            min=0,
            max=100,
            metavar="P",
            rich_help_panel=_PANEL,
            help="The best P per cent of the good frames. Default: as many as q rank advises.",
        ),
    ] = None
    keep: Annotated[
        bool,
        typer.Option(
            "--keep/--no-keep",
            rich_help_panel=_PANEL,
            help="Keep measurements and scores in the library.",
        ),
    ] = True

    def check(self) -> None:
        """Raise UsageError where two numbers of frames are asked for."""
        if self.top is not None and self.percent is not None:
            raise UsageError("--top and --percent both say how many frames: give one of them")

    def best_of(self, ranking: "FrameRanking") -> "FrameRanking":
        """Return the chosen part of a ranking: never frames with a flag or without a score."""
        count = ranking.advised
        if self.top is not None:
            count = self.top
        elif self.percent is not None:
            count = max(1, round(self.percent / 100 * ranking.good))
        return ranking.top(min(count, ranking.good))


def rank_for(
    library: "Library",
    videos: Sequence[str],
    choice: Choice,
    reading: Reading,
    common: Common,
    *,
    by: str | None = None,
    exemplars: "Taste | None" = None,
) -> "FrameRanking":
    """Return the ranking that a choice asks for, with its remarks told. by: another scorer."""
    with progress(common, "measuring") as tell, stopping(common) as should_stop:
        ranking = library.rank_frames(
            list(videos), reference=choice.reference, by=by or choice.by,
            exemplars=None if by else exemplars, options=reading.options(), keep=choice.keep,
            progress=tell, should_stop=should_stop, on_remark=lambda text: remark(text, common),
        )  # fmt: skip
    if by is None:  # a second ranking of the same video has nothing new to tell
        for text in ranking.remarks:
            remark(text, common)
    return ranking
