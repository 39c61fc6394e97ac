"""Where a library lies; found as git finds its own."""

import os
from pathlib import Path

FOLDER = ".q"
FILE = "catalogue.db"
FRAMES = "frames"
"""Inside it: what is kept of the frames of videos; can be made again."""


def find_library(path: str | Path | None = None) -> Path | None:
    """Return the folder of a library as git finds its own, or None.

    A named path, else $Q_LIBRARY, else the nearest `.q` upwards from the working directory. A
    named path may be the `.q` folder or the folder that holds it; it need not exist yet.
    """
    named = path or os.environ.get("Q_LIBRARY")
    if named:
        folder = Path(os.path.abspath(named))  # noqa: PTH100 - links stay as the user wrote them
        return folder if folder.name == FOLDER or (folder / FILE).exists() else folder / FOLDER
    here = Path.cwd()
    return next((p / FOLDER for p in (here, *here.parents) if (p / FOLDER / FILE).exists()), None)


def is_library(folder: Path) -> bool:
    """Say whether there is a catalogue; an empty file, as a kill while making one leaves, is none.

    Raises nothing: where it can't be told, there is none.
    """
    try:
        return (folder / FILE).stat().st_size > 0
    except OSError:
        return False
