"""`q label`: what people say of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, NothingError, UsageError
from .index import stopping
from .options import Common, Listed, unfold
from .output import named, print_document, progress, remark
from .session import opened

if TYPE_CHECKING:
    from ..db.items import Item
    from ..library import Library


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("label")(unfold(label))


def label(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM...",
            help="Pictures or folders, or a video; without any, the library.",
        ),
    ] = None,
    *,
    name: Annotated[
        str, typer.Option("--set", metavar="NAME", help="The exemplar set; made where it is new.")
    ],
    question: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What a new set asks.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Answers to choose from; else 1 to 5.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="A set of keep or reject.")] = False,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Ask for so many answers, this time.")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second", help="Rate those that you gave a 5 once more.")
    ] = False,
    practice: Annotated[bool, typer.Option("--practice", help="Keep nothing.")] = False,
    who: Annotated[
        str | None,
        typer.Option(metavar="NAME", envvar="Q_WHO", help="Who answers; default: the user."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the random order.")] = None,
    protocol: Annotated[
        Literal["kitty", "iterm2", "sixel", "blocks"] | None,
        typer.Option(
            envvar="Q_PROTOCOL", help="How the terminal shows pictures; default: found out."
        ),
    ] = None,
    listed: Listed,
    common: Common,
) -> int:
    """Answer a question about pictures, one key each, in a terminal.

    Each answer is kept at once; nothing is ever overwritten. Pause with q: the same command goes
    on. Pictures that are not in the library yet are indexed first.
    """
    from ..label.record import person
    from ..label.sets import open_set
    from .labeller import label_interactively

    names = None if not items and listed.listed is None else named(items, listed)
    with opened(common, create=True) as library:
        found = _items(library, names, common)
        if not found:
            raise NothingError("nothing to label: the library holds no such pictures")
        asked = open_set(
            library.catalogue, name, kind="keep" if keep else None, question=question,
            answers=answers.split(",") if answers else (),
        )  # fmt: skip
        summary = label_interactively(
            library.catalogue, asked, found, who=person(who), count=count, practice=practice,
            second=second, seed=seed, protocol=protocol,
        )  # fmt: skip
    for item, why in summary.unreadable:
        remark(f"{item}: {why}", common)
    document = {"command": "label", "version": 1, "set": name, "results": [summary.as_json()]}
    if not print_document(document, "results", common):
        print(summary)
    return EXIT_DONE if summary.answered or summary.left else EXIT_NOTHING


def _items(library: "Library", names: Sequence[str] | None, common: Common) -> "list[Item]":
    """Return the items that names mean, indexed first; of videos every frame."""
    from ..db.items import items_at, items_below
    from ..media.find import find
    from ..video.open import is_video

    if names is None:
        return library.items()
    videos = [name for name in names if is_video(name)]
    if videos and len(videos) < len(names):
        raise UsageError("label videos and pictures apart")
    with progress(common, "reading") as tell, stopping(common) as should_stop:
        if videos:
            ranking = library.rank_frames(
                videos, progress=tell, should_stop=should_stop,
                on_remark=lambda text: remark(text, common),
            )  # fmt: skip
            ranking.video.close()
            # the entries of a ranking do not know their contents
            return items_below(library.catalogue, [Path(name) for name in videos])
        if library.catalogue.writable:
            library.index(names, progress=tell, should_stop=should_stop)
    search = find(names)
    below = items_below(library.catalogue, [Path(path) for path in search.walked.paths])
    return below + [i for at in search.addresses for i in items_at(library.catalogue, at)]
