"""`q rank`: which pictures are best."""

from typing import Annotated

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY, UsageError
from .index import stopping
from .options import GOES_ON, Common, Listed, Making, Typed, unfold
from .output import check_output, keep_apart, named, print_listing, progress
from .session import opened, options_of
from .tasting import Tasting
from .videos import FrameWords, Reading, unfolded, videos_among


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rank")(unfold(rank, interrupted=GOES_ON))


def rank(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM...",
            help="Pictures or folders, or the files of a video; without any, the library.",
        ),
    ] = None,
    *,
    reference: Annotated[
        str | None, typer.Option(metavar="FILE", help="A picture of how it should look.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="SCORER",
            help="What gives the scores: embedding for pictures; for videos reference or self "
            "(the default), embedding, pipp, pipp-normalised, laplacian, tenengrad, band-power, "
            "roundness, brightness, dot, pipp-name.",
        ),
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="By a probe (q train probe)."),
    ] = None,
    taste: Tasting,
    top: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the N best.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the scores in the library.")
    ] = True,
    words: FrameWords,
    reading: Reading,
    making: Making,
    listed: Listed,
    common: Common,
    typed: Typed,
) -> int:
    """Order pictures or frames from best to worst, and say why each stands where it stands.

    Pictures that are not in the library yet are indexed first. Several video files are one
    capture; their frames are registered, flagged where something is wrong, and ranked.
    """
    names = None if not items and listed.listed is None else named(items, listed)
    if probe is not None:
        if by is not None:
            raise UsageError("--probe and --by both say what gives the scores: give one of them")
        if taste.exemplars is not None:
            raise UsageError("--probe and --exemplars both say what gives the scores: take one")
        by = f"probe:{probe}"
    films, folders = unfolded(names or [], words, by, pictured=reference is not None)
    if videos_among(films, words, by):
        from .rank_videos import rank_videos

        return rank_videos(
            films, words, reading, making, common, listed, typed, folders=folders,
            reference=reference, taste=taste.asked(by), by=by, top=top, keep=keep,
        )  # fmt: skip
    exemplars = taste.asked(by)
    by = by or "embedding"
    if by == "embedding" and reference is None and exemplars is None:
        raise UsageError(
            "what is best? Name a picture that shows it: --reference FILE; or "
            "labelled ones: --exemplars SET"
        )
    check_output(common, listed, typed)
    typed.only_with("a video", *reading.names())
    keep_apart([reference], [common.csv, listed.sheet])
    with opened(common, create=names is not None) as library:
        with progress(common, "indexing") as tell, stopping(common) as should_stop:
            ranking = library.rank_pictures(
                names,
                reference=reference, exemplars=exemplars, by=by, encoder=making.encoder,
                options=options_of(making), keep=keep, progress=tell, should_stop=should_stop,
            )  # fmt: skip
        shown = ranking if top is None else ranking.top(top)
        print_listing(shown, common, listed)
    if not len(ranking):
        return EXIT_NOTHING
    return EXIT_PARTLY if ranking.incomplete else EXIT_DONE
