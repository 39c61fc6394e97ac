"""`q find-similar`: what looks like a picture."""

from typing import Annotated

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING
from .options import Common, Listed, Making, Typed, unfold
from .output import check_output, expanded, keep_apart, named, print_listing
from .session import opened, options_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("find-similar")(unfold(find_similar))


def find_similar(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET...",
            help="Pictures anywhere, indexed or not; globs; 2:FILE counts twofold; "
            "m51.fits[SCI] is one picture of a file.",
        ),
    ] = None,
    *,
    n: Annotated[int, typer.Option("-n", metavar="N", help="How many matches.")] = 12,
    unlike: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Keep away from this; repeatable.")
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help="Look for this, with an encoder that reads text."),
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Along what a probe has learned; 3:NAME counts more."),
    ] = None,
    min_similarity: Annotated[
        float | None, typer.Option(metavar="COSINE", help="Leave out what is less alike.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="SQL",
            help="Only pictures for which this holds, as \"width > 500 AND kind = 'FITS'\".",
        ),
    ] = None,
    keep_borders: Annotated[
        bool, typer.Option("--keep-borders", help="Do not cut black borders off a target.")
    ] = False,
    making: Making,
    listed: Listed,
    common: Common,
    typed: Typed,
) -> int:
    """Show the pictures of the library that look most like some targets.

    Ends with 1 when nothing is found, or nothing is close.
    """
    check_output(common, listed, typed)
    keep_apart([*(targets or []), *(unlike or [])], [common.csv, listed.sheet])
    pictures = expanded(named(targets, listed, enough=bool(unlike or text or probe)))
    with opened(common) as library:
        matches = library.find_similar(
            pictures,
            unlike=expanded(unlike or []), text=text or [], probe=probe, n=n, where=where,
            min_similarity=min_similarity,
            encoder=making.encoder, options=options_of(making), keep_borders=keep_borders,
        )  # fmt: skip
        print_listing(matches, common, listed)
    return EXIT_DONE if len(matches) and matches.any_close is not False else EXIT_NOTHING
