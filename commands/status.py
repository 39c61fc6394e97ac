"""`q status`, `q encoders`, `q doctor`: what there is, what could be, what is wrong."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, LibraryError
from .options import Common, unfold
from .output import print_document
from .session import opened
from .table import print_table, printable

if TYPE_CHECKING:
    from ..db.status import Status
    from ..db.vectors import StoredEncoder

SHOWN = 20
"""How many broken or vanished files are named; --verbose names all."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status")(unfold(status))
    app.command("encoders")(unfold(encoders))
    app.command("doctor")(unfold(doctor))


def status(*, common: Common) -> None:
    """Say what is indexed, by what, and what could not be read."""
    with opened(common) as library:
        told = library.status()
    if not print_document(told.as_json(), "unreadable", common):
        _print_status(told, common)


def _print_status(told: "Status", common: Common) -> None:
    kinds = ", ".join(f"{n} {kind}" for kind, n in told.kinds.items())
    print(f"library   {printable(str(told.folder))}  ({told.catalogue_megabytes:.1f} MB catalogue)")
    print(f"pictures  {told.items}" + (f"  ({kinds})" if kinds else ""))
    if told.copies:
        print(
            f"copies    {told.copies} "
            f"{'picture has' if told.copies == 1 else 'pictures have'} the same content as another"
        )
    if told.encoders:
        print()
        print_table(
            ["encoder", "vectors", "MB", "close from", "index"],
            [
                [
                    _label(e.encoder, told),
                    str(e.vectors),
                    f"{e.megabytes:.1f}",
                    "" if e.close_from is None else f"{e.close_from:.3f}",
                    e.index,
                ]
                for e in told.encoders
            ],
            right=[False, True, True, True, False],
        )
    for name, n in told.scores.items():
        print(f"scores    {n} by {name}")
    if told.models:
        named = ", ".join(f"{name} ({kind})" for name, kind in told.models)
        print(printable(f"learned   {named}"))
    if told.frames_megabytes:
        print(f"frames    {told.frames_megabytes:.1f} MB kept, so that ranking again reads none")
    for what, lines, advice in (
        ("unreadable", [f"{path}: {why}" for path, why in told.unreadable],
         "tried again when they change"),
        ("vanished", told.vanished, "bring them back, or: q index --prune"),
    ):  # fmt: skip
        if lines:
            print(f"\n{len(lines)} {what} ({advice})")
            shown = lines if common.verbose else lines[:SHOWN]
            print("\n".join(f"  {printable(line)}" for line in shown))
            if len(shown) < len(lines):
                print(f"  and {len(lines) - len(shown)} more: q status --verbose")
    if told.last_runs:
        last = told.last_runs[0]
        print(f"\nlast run  {last.started_at}: {last.items} encoded in {last.seconds:.1f} s")


def _label(encoder: "StoredEncoder", told: "Status") -> str:
    """Return an encoder's name; its whole identity and arithmetic where the name is shared."""
    shared = sum(e.encoder.name == encoder.name for e in told.encoders) > 1
    name = f"{encoder.identity} {encoder.card.get('arithmetic', '')}" if shared else encoder.name
    return name.strip() + (" (default)" if encoder.is_default else "")


def encoders(
    *,
    default: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take this one when none is named."),
    ] = None,
    common: Common,
) -> None:
    """List what can turn pictures into vectors, and what this library has."""
    from ..embed.table import known_encoders

    try:
        with opened(common) as library:
            if default:
                library.set_default_encoder(default)
            here = library.encoders()
    except LibraryError:
        if default:
            raise
        here = []
    rows = [asdict(row) for row in known_encoders()]
    own = [
        {"name": e.name, "identity": e.identity, "default": e.is_default, "dimension": e.dimension,
         "card": e.card}
        for e in here
    ]  # fmt: skip
    document = {"command": "encoders", "version": 1, "library": own, "known": rows, "remarks": []}
    if print_document(document, "known", common):
        return
    if here:
        print("in this library")
        print_table(
            ["name", "identity", "dimension", "what it sees"],
            [
                [e.name + (" (default)" if e.is_default else ""), e.identity.rpartition("@")[2],
                 str(e.dimension), str(e.card.get("about", ""))]
                for e in here
            ],
            right=[False, False, True, False],
        )  # fmt: skip
        print()
    print("known")
    print_table(
        ["name", "for example", "what it sees"],
        [[str(row["name"]), str(row["example"]), str(row["about"])] for row in rows],
    )


def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every picture again and compare its content.")
    ] = False,
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be made again.")] = False,
    common: Common,
) -> int:
    """Look for what is wrong with a library, and say how to mend it.

    Ends with 1 when something is wrong.
    """
    with opened(common) as library:
        findings = library.doctor(deep=deep, mend=mend)
    document = {
        "command": "doctor", "version": 1, "findings": [asdict(f) for f in findings], "remarks": []
    }  # fmt: skip
    if not print_document(document, "findings", common):
        for finding in findings:
            mending = f"  -> {finding.mend}" if finding.mend else ""
            print(f"{finding.level:5}  {printable(finding.what + mending)}")
    return EXIT_NOTHING if any(f.level == "wrong" for f in findings) else EXIT_DONE
