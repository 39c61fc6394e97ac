"""`q label`: what people say of pictures and frames; given at once, or asked in the terminal."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, NothingError, UsageError
from .options import Common, Listed, Making, Typed, unfold
from .output import check_output, named, print_document, remark
from .session import opened

if TYPE_CHECKING:
    from ..db.exemplars import Kind
    from ..library import Library

_ASKING = ("--count", "--second", "--practice", "--seed", "--protocol")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("label")(unfold(label, interrupted="every answer that was given is kept"))


def label(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM...",
            help="Pictures, folders, frames as mars.ser#120, or a video to be asked about; "
            "without any, the library.",
        ),
    ] = None,
    *,
    name: Annotated[
        str, typer.Option("--set", metavar="SET", help="The exemplar set; made where it is new.")
    ],
    answer: Annotated[
        str | None, typer.Option("--label", metavar="ANSWER", help="Give the items this answer.")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take your last answer back; again: the one before.")
    ] = False,
    who: Annotated[
        str | None,
        typer.Option(envvar="Q_WHO", metavar="NAME", help="Who answers; default: the user."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What a new set asks.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Classes to choose from; else 1 to 5.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="A set of keep or reject.")] = False,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Ask for so many answers, this time.")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second", help="Rate those that you gave a 5 once more.")
    ] = False,
    practice: Annotated[bool, typer.Option("--practice", help="Keep nothing.")] = False,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the random order.")] = None,
    protocol: Annotated[
        Literal["kitty", "iterm2", "sixel", "blocks"] | None,
        typer.Option(
            envvar="Q_PROTOCOL", help="How the terminal shows pictures; default: found out."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Read more items from a file; - is stdin."),
    ] = None,
    making: Making,
    common: Common,
    typed: Typed,
) -> int:
    """Label pictures and frames: with --label at once, without it by single keys in the terminal.

    Each answer is kept at once, and nothing is ever overwritten. Pause with q: the same command
    goes on. Pictures that are not in the library yet are indexed first.
    """
    listed = Listed(listed=source)
    check_output(common, listed, typed)
    names = None if not items and source is None else named(items, listed)
    kind: Kind | None = "keep" if keep else "classes" if answers else None
    told: list[str] = []
    with opened(common, create=not undo) as library:
        if undo:
            if names or answer is not None:
                raise UsageError("--undo takes back the last answer: leave items and --label out")
            line, result = _undone(library, name, who)
        elif answer is not None:
            typed.only_with("questions in the terminal; --label answers them", *_ASKING)
            if names is None:
                raise UsageError("which items? q label ITEM... --set SET --label ANSWER")
            given = library.exemplars.label(
                names, answer, name=name, who=who, kind=kind, question=question
            )
            line = f"{given} labelled {answer} in {name}"
            result = {"set": name, "label": answer, "labelled": given}
        else:
            from ..label.record import check_writable, person
            from ..label.sets import open_set
            from .labeller import label_interactively, needs_terminal

            needs_terminal()
            check_writable(library.catalogue)
            asked = open_set(
                library.catalogue, name, kind=kind, question=question,
                answers=answers.split(",") if answers else (),
            )  # fmt: skip
            asker = library.asker(name, names, encoder=making.encoder)
            found = asker.items(library.catalogue)
            if not found:
                raise NothingError("nothing to label: no such pictures")
            summary = label_interactively(
                library.catalogue, asked, found, who=person(who), chooser=None if second else asker,
                count=count,
                practice=practice, second=second, seed=seed, protocol=protocol,
            )  # fmt: skip
            told = [f"{item}: {why}" for item, why in summary.unreadable]
            line, result = str(summary), {"set": name, **summary.as_json()}
            if not (summary.answered or summary.left):
                print(line)
                return EXIT_NOTHING
    for text in told:
        remark(text, common)
    document = {"command": "label", "version": 1, "results": [result], "remarks": told}
    if not print_document(document, "results", common):
        print(line)
    return EXIT_DONE


def _undone(library: "Library", name: str, who: str | None) -> tuple[str, dict[str, Any]]:
    event, now = library.exemplars.undo(name, who=who)
    item = event.origin.get("item")
    line = f"{item}: {event.answer or 'no label'} taken back; now {now or 'no label'}"
    return line, {"set": name, "item": item, "undone": event.answer, "label": now}
