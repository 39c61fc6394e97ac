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
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files or folders.")],
    *,
    common: Common,
) -> None:
    """Take pictures out of the library and give back the space.

    The files themselves are never touched.
    """
    with opened(common) as library:
        gone = library.forget(paths, on_remark=lambda text: remark(text, common))
    document = {"command": "forget", "version": 1, "forgotten": gone, "paths": list(paths)}
    if not print_document({**document, "remarks": []}, "remarks", common):
        print(f"{gone} forgotten; their files were not touched")
