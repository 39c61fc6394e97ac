"""`q forget`: takes pictures out of the library."""

from typing import Annotated

import typer

from .options import Common, unfold
from .output import print_document, remark
from .session import opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("forget")(unfold(forget))


def forget(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders or globs, there or vanished."),
    ],
    *,
    common: Common,
) -> None:
    """Take pictures out of the library and give back the space.

    The files themselves are never touched.
    """
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        remark(text, common)

    with opened(common) as library:
        gone = library.forget(paths, on_remark=say)
    document = {
        "command": "forget", "version": 1, "forgotten": gone, "paths": list(paths),
        "results": [{"path": path} for path in paths], "remarks": told,
    }  # fmt: skip
    if not print_document(document, "results", common):
        print(f"{gone} forgotten; their files were not touched")
