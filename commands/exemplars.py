"""`q exemplars`: sets of labels, listed, shown, carried to and fro."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..db.advice import counted
from ..errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY, UsageError
from .options import Common, Listed, Making, Typed, unfold
from .output import check_output, named, print_document, remark, write_paths, write_text
from .session import opened
from .table import print_table, printable

if TYPE_CHECKING:
    from ..label.collection import Summary

Set = Annotated[str, typer.Argument(metavar="SET", help="The exemplar set.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Exemplar sets: questions, and the answers that people gave.", no_args_is_help=True
    )
    group.command("list")(unfold(list_sets))
    group.command("show")(unfold(show))
    group.command("export")(unfold(export))
    group.command("import")(unfold(import_labels))
    group.command("suggest")(unfold(suggest))
    group.command("remove")(unfold(remove))
    group.command("restore")(unfold(restore))
    app.add_typer(group, name="exemplars")


def list_sets(*, common: Common) -> int:
    """List the sets: what they ask, how many labels each has, how well people agree."""
    with opened(common) as library:
        found = library.exemplars.summaries()
    document = {
        "command": "exemplars list", "version": 1, "results": [one.as_json() for one in found],
        "remarks": [],
    }  # fmt: skip
    if print_document(document, "results", common):
        return EXIT_DONE
    if not found:
        remark("no exemplar sets yet; make one: q label --set NAME", common)
        return EXIT_NOTHING
    print_table(
        ["set", "kind", "labelled", "answers", "people", "agreement"],
        [
            [one.exemplar_set.name, one.exemplar_set.kind, str(one.labelled), _counts(one),
             str(len(one.people)), _kappa(one.oneself.kappa)]
            for one in found
        ],
        right=[False, False, True, False, True, True],
    )  # fmt: skip
    return EXIT_DONE


def show(
    exemplar_set: Set,
    *,
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Only this person's.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Everything that was said, also what was undone.")
    ] = False,
    listed: Listed,
    common: Common,
    typed: Typed,
) -> int:
    """Show the labels of a set, and how well its people agree."""
    check_output(common, listed, typed)
    with opened(common) as library:
        sets = library.exemplars
        summary = sets.summary(exemplar_set)
        labels = [] if history else sets.labels(exemplar_set, who=who)
        events = sets.history(exemplar_set) if history else []
    rows: list[dict[str, Any]] = [
        {"item": one.name, "answer": one.answer, "who": one.who, "at": one.at,
         "present": one.item is not None and one.item.state == "present"}
        for one in labels
    ]  # fmt: skip
    rows += [
        {"item": event.origin.get("item"), "answer": event.answer, "who": event.who,
         "at": event.at, "event": event.name, "origin": event.origin}
        for event in events
        if who in (None, event.who)
    ]  # fmt: skip
    told = _remarks(summary)
    if who is not None and who not in summary.people:
        told.append(f"no labels of {who} in {exemplar_set}; of {', '.join(summary.people)}")
    document = {
        "command": "exemplars show", "version": 1, **summary.as_json(), "results": rows,
        "remarks": told,
    }  # fmt: skip
    for text in told:
        remark(text, common)
    if listed.paths:
        write_paths([one.item.bytes for one in labels if one.item], nul=listed.nul)
    elif not print_document(document, "results", common):
        asked = summary.exemplar_set
        print(f"{printable(asked.question)}  {_counts(summary)}")
        print_table(
            ["item", "answer", "who", "at"],
            [[str(row["item"]), _answer(row), row["who"], row["at"][:19]] for row in rows],
            right=[False] * 4, yields=[True, False, False, False],
        )  # fmt: skip
    return EXIT_DONE if rows else EXIT_NOTHING


def _answer(row: dict[str, Any]) -> str:
    if "origin" in row and "undoes" in row["origin"]:
        return f"undone: {row['answer'] or 'no label'}"
    return "taken back" if row["answer"] is None else str(row["answer"])


def export(
    exemplar_set: Set,
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="FILE", help="A CSV; - is standard output.")
    ] = "-",
    folders: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Link the pictures here, a folder for each answer."),
    ] = None,
    common: Common,
) -> int:
    """Write a set as CSV, whole: history, people, questions. q exemplars import takes it in."""
    with opened(common) as library:
        if folders is not None:
            linked, left = library.exemplars.export_folders(exemplar_set, folders)
            if left:
                remark(f"{left} can't be linked: frames of videos, and items that are gone", common)
            document = {
                "command": "exemplars export", "version": 1, "set": exemplar_set,
                "results": [{"folder": str(folders), "linked": linked, "left_out": left}],
                "remarks": [],
            }  # fmt: skip
            if not print_document(document, "results", common):
                print(f"{linked} pictures linked into {printable(str(folders))}")
            return EXIT_DONE if linked else EXIT_NOTHING
        text = library.exemplars.export(exemplar_set)
    write_text(text, to)
    if to != "-":
        remark(f"labels of {exemplar_set}: {to}", common)
    return EXIT_DONE


def import_labels(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CSV|FOLDER",
            help="A CSV of q exemplars export, or of another program; or a folder for each class.",
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option("--set", metavar="SET", help="The set; for our own CSV its own.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column that holds the answers.")
    ] = None,
    who: Annotated[
        str | None, typer.Option(envvar="Q_WHO", metavar="NAME", help="Who answered.")
    ] = None,
    common: Common,
) -> int:
    """Take labels in. Those of our own CSV that are here already are passed over: sets merge."""
    from ..label.exchange import is_ours, read_rows

    ours = not source.is_dir() and is_ours(read_rows(source))
    if name is None and not ours:
        raise UsageError("into which set? --set NAME")
    told: list[str] = []
    with opened(common, create=True) as library:
        if ours:
            taken, said, fresh = library.exemplars.add(source, name=name)
            result = {"set": taken, "events": said, "new": fresh}
            line = f"{fresh} of {said} events were new to {taken}"
        else:
            found = library.exemplars.take_in(source, name=str(name), who=who, column=column)
            result = {
                "set": found.exemplar_set, "labelled": found.labelled,
                "unanswered": found.unanswered, "unknown": list(found.unknown),
                "contradicted": list(found.contradicted), "unreadable": list(found.unreadable),
            }  # fmt: skip
            line = f"{found.labelled} labels taken into {found.exemplar_set}"
            if found.unanswered:
                told.append(
                    f"{counted(found.unanswered, 'row')} without an answer (0, empty, skip): "
                    "passed over"
                )
            if found.unknown:
                told.append(
                    f"{len(found.unknown)} items are not in the library, as {found.unknown[0]}: "
                    "q index them first"
                )
            told += found.unreadable
            if found.contradicted:
                told.append(
                    f"{counted(len(found.contradicted), 'picture')} with several answers left out, "
                    f"as {found.contradicted[0]}"
                )
    for text in told:
        remark(text, common)
    document = {
        "command": "exemplars import", "version": 1, "results": [result], "remarks": told,
    }  # fmt: skip
    if not print_document(document, "results", common):
        print(line)
    failed = any(result.get(key) for key in ("unknown", "contradicted", "unreadable"))
    return EXIT_PARTLY if failed else EXIT_DONE


def suggest(
    exemplar_set: Set,
    items: Annotated[
        list[str] | None,
        typer.Argument(metavar="ITEM...", help="Pictures or a video; default: the library."),
    ] = None,
    *,
    n: Annotated[int, typer.Option("-n", min=1, metavar="N", help="How many.")] = 50,
    seed: Annotated[int, typer.Option(metavar="SEED", help="Another choice.")] = 0,
    making: Making,
    listed: Listed,
    common: Common,
    typed: Typed,
) -> int:
    """Suggest what to label next: unlike what was asked, uncertain, and promising items."""
    check_output(common, listed, typed)
    names = named(items, listed) if items or listed.listed else None
    with opened(common) as library:
        found = library.suggest(exemplar_set, names, n=n, encoder=making.encoder, seed=seed)
    rows = [
        {"rank": place, "item": str(item), "frame": item.frame}
        for place, item in enumerate(found, 1)
    ]
    told = [] if found else [
        f"nothing is left to ask: name other pictures, or a video, as q exemplars suggest "
        f"{exemplar_set} mars.ser"
    ]  # fmt: skip
    for text in told:
        remark(text, common)
    document = {
        "command": "exemplars suggest", "version": 1, "set": exemplar_set, "results": rows,
        "remarks": told,
    }  # fmt: skip
    if listed.paths:
        write_paths([item.bytes for item in found], nul=listed.nul)
    elif not print_document(document, "results", common):
        for item in found:
            print(printable(str(item)))
    return EXIT_DONE if found else EXIT_NOTHING


def remove(
    exemplar_set: Set,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    common: Common,
) -> int:
    """Put a set out of sight. Its labels are never deleted: q exemplars restore brings it back."""
    import sys

    with opened(common) as library:
        summary = library.exemplars.summary(exemplar_set)
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError(f"to remove {exemplar_set} without being asked: --yes")
            typer.confirm(
                f"Remove {exemplar_set} with {summary.labelled} labels?", abort=True, err=True
            )
        away = library.exemplars.remove(exemplar_set)
    document = {
        "command": "exemplars remove", "version": 1,
        "results": [{"set": exemplar_set, "kept_as": away}], "remarks": [],
    }  # fmt: skip
    if not print_document(document, "results", common):
        print(f"{exemplar_set} removed; bring it back: q exemplars restore {exemplar_set}")
    return EXIT_DONE


def restore(exemplar_set: Set, *, common: Common) -> int:
    """Bring back the set that was removed last under a name."""
    with opened(common) as library:
        name = library.exemplars.restore(exemplar_set).name
        summary = library.exemplars.summary(name)
    document = {
        "command": "exemplars restore", "version": 1, "results": [summary.as_json()],
        "remarks": [],
    }  # fmt: skip
    if not print_document(document, "results", common):
        print(f"{name} is back, with {summary.labelled} labels")
    return EXIT_DONE


def _counts(summary: "Summary") -> str:
    if summary.exemplar_set.kind == "rating":
        return " ".join(f"{answer}:{count}" for answer, count in summary.counts.items())
    return ", ".join(f"{printable(a)} {count}" for a, count in summary.counts.items())


def _kappa(kappa: float | None) -> str:
    return "" if kappa is None else f"{kappa:.2f}"


def _remarks(summary: "Summary") -> list[str]:
    found: list[str] = []
    for agreement, who in (
        (summary.oneself, "asked twice, people answer the same"),
        (summary.each_other, "people agree with each other"),
    ):
        if agreement.pairs:
            kappa = f", kappa {agreement.kappa:.2f}" if agreement.kappa is not None else ""
            found.append(f"{who} in {agreement.same:.0%} of {agreement.pairs} pairs{kappa}")
    if summary.gone:
        found.append(f"{summary.gone} labels are of items that the library does not know now")
    if summary.contradicted:
        found.append(
            f"{counted(summary.contradicted, 'item')} left out: as many answers for one class as "
            "for another"
        )
    return found
