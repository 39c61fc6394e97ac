"""`q label`: what people say of pictures and frames; given at once, or asked in the terminal."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY, NothingError, UsageError
from .options import Common, Listed, Making, Typed, unfold
from .output import check_output, named, print_document, remark
from .session import opened, options_of

if TYPE_CHECKING:
    from ..db.exemplars import Kind
    from ..library import Library

_ASKING = ("--count", "--second", "--practice", "--seed", "--protocol")
_MAKING = ("--encoder", "--weights", "--device", "--answers", "--keep", "--question")


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
        bool,
        typer.Option(
            "--undo",
            help="Take your last answer back; again: the one before. With items: what you said of "
            "them.",
        ),
    ] = False,
    who: Annotated[
        str | None,
        typer.Option(envvar="Q_WHO", metavar="NAME", help="Who answers; default: the user."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What a new set asks.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Classes to choose from, or more of them.")
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

    A new set holds ratings (1 to 5), keep or reject, or classes: as its first answer is, or as
    --keep or --answers say. Each answer is kept at once, and nothing is ever overwritten. Pause
    with q: the same command goes on. Pictures that are not in the library yet are indexed first.
    """
    listed = Listed(listed=source)
    check_output(common, listed, typed)
    names = None if not items and source is None else named(items, listed)
    kind: Kind | None = "keep" if keep else "classes" if answers else None
    classes = answers.split(",") if answers else []
    told: list[str] = []
    if undo and answer is not None:
        raise UsageError("--undo takes answers back: leave --label out")
    if not undo and answer is not None and names is None:
        raise UsageError("which items? q label ITEM... --set SET --label ANSWER")
    with opened(common, create=names is not None and not undo) as library:
        if undo:
            typed.only_with("new answers; --undo takes some back", *_ASKING, *_MAKING)
            line, result = _undone(library, name, who, names)
        elif answer is not None:
            typed.only_with("questions in the terminal; --label answers them", *_ASKING)
            given = library.exemplars.label(
                names or [], answer, name=name, who=who, kind=kind, question=question,
                answers=classes, on_remark=told.append,
                index=partial(library.index, encoder=making.encoder, options=options_of(making)),
            )  # fmt: skip
            line = f"{given} labelled {answer} in {name}"
            result = {"set": name, "label": answer, "labelled": given}
        else:
            from ..label.record import check_writable, person
            from ..label.sets import kept, planned_set
            from .labeller import label_interactively, needs_terminal

            needs_terminal()
            check_writable(library.catalogue)
            asked = planned_set(
                library.catalogue, name, kind=kind, question=question, answers=classes
            )
            asker = library.asker(
                asked, names, who=person(who), encoder=making.encoder, options=options_of(making)
            )
            found = asker.items(library.catalogue)
            if not found:
                raise NothingError("nothing to label: no such pictures")
            asked = kept(library.catalogue, asked)
            summary = label_interactively(
                library.catalogue, asked, found, who=person(who), chooser=None if second else asker,
                count=count,
                practice=practice, second=second, seed=seed, protocol=protocol,
            )  # fmt: skip
            told = [*asker.unreadable, *(f"{item}: {why}" for item, why in summary.unreadable)]
            line, result = str(summary), {"set": name, **summary.as_json()}
            if not (summary.answered or summary.left):
                print(line)
                return EXIT_NOTHING
    for text in told:
        remark(text, common)
    document = {"command": "label", "version": 1, "results": [result], "remarks": told}
    if not print_document(document, "results", common):
        print(line)
    return EXIT_PARTLY if told and answer is not None else EXIT_DONE


def _undone(
    library: "Library", name: str, who: str | None, names: list[str] | None
) -> tuple[str, dict[str, Any]]:
    if names is not None:
        taken = library.exemplars.take_back(names, name=name, who=who)
        line = f"{taken} taken back in {name}"
        return line, {"set": name, "undone": taken}
    event, now = library.exemplars.undo(name, who=who)
    item = event.origin.get("item")
    line = f"{item}: {event.answer or 'no label'} taken back; now {now or 'no label'}"
    return line, {"set": name, "item": item, "undone": event.answer, "label": now}
