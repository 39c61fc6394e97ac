"""`q label`: gives items an answer, or asks for answers in the terminal."""

from typing import Annotated

import typer

from ..errors import EXIT_DONE, UsageError
from .options import Common, Making, unfold
from .output import print_document, read_list
from .session import opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("label")(unfold(label))


def label(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM...",
            help="Pictures, folders, frames as mars.ser#120; to be asked about: also a video.",
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
    listed: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Read more items from a file; - is stdin."),
    ] = None,
    making: Making,
    common: Common,
) -> int:
    """Label pictures and frames. Nothing is ever overwritten: every answer stays in the history."""
    del making
    named = [*(items or []), *read_list(listed, nul=False)]
    with opened(common, create=not undo) as library:
        if undo:
            if named or answer:
                raise UsageError("--undo takes back the last answer: leave items and --label out")
            event, now = library.exemplars.undo(name, who=who)
            item = event.origin.get("item")
            result = {"set": name, "item": item, "undone": event.answer, "label": now}
            line = f"{item}: {event.answer or 'no label'} taken back; now {now or 'no label'}"
        elif answer is not None:
            if not named:
                raise UsageError("which items? q label ITEM... --set SET --label ANSWER")
            count = library.exemplars.label(named, answer, name=name, who=who, question=question)
            result = {"set": name, "label": answer, "labelled": count}
            line = f"{count} labelled {answer} in {name}"
        else:
            raise UsageError("with which answer? --label ANSWER")
    document = {"command": "label", "version": 1, "results": [result], "remarks": []}
    if not print_document(document, "results", common):
        print(line)
    return EXIT_DONE
