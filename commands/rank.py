"""`q rank`: which pictures are best."""

from typing import Annotated

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY, UsageError
from .index import stopping
from .options import Common, Listed, Making, unfold
from .output import print_listing, progress, read_list
from .session import opened, options_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rank")(unfold(rank))


def rank(
    items: Annotated[
        list[str] | None,
        typer.Argument(metavar="ITEM...", help="Pictures or folders; without any, the library."),
    ] = None,
    *,
    reference: Annotated[
        str | None, typer.Option(metavar="FILE", help="A picture of how it should look.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="SCORER", help="What gives the scores.")] = "embedding",
    top: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the N best.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the scores in the library.")
    ] = True,
    making: Making,
    listed: Listed,
    common: Common,
) -> int:
    """Order pictures from best to worst, and say why each stands where it stands.

    Pictures that are not in the library yet are indexed first.
    """
    if by == "embedding" and reference is None:
        raise UsageError("what is best? Name a picture that shows it: --reference FILE")
    with opened(common, create=True) as library:
        with progress(common, "indexing") as tell, stopping(common) as should_stop:
            ranking = library.rank(
                [*(items or []), *read_list(listed.listed, nul=listed.nul)],
                reference=reference, by=by, encoder=making.encoder, options=options_of(making),
                keep=keep, progress=tell, should_stop=should_stop,
            )  # fmt: skip
        shown = ranking if top is None else ranking.top(top)
        print_listing(shown, common, listed)
    if not len(ranking):
        return EXIT_NOTHING
    return EXIT_PARTLY if any(entry.score is None for entry in ranking) else EXIT_DONE
