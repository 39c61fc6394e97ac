"""What `make demo` shows: galaxies drawn, indexed, and those found that look like a target.

Run: python -m seeing.samples.demo FOLDER
"""

import shlex
import subprocess
import sys
from pathlib import Path

from .galaxies import write

GALAXIES = 320
SEED = 7


def prepare(folder: Path, count: int = GALAXIES) -> Path:
    """Draw galaxies into `folder/galaxies` and one more, a barred spiral, beside them.

    Returns the path of the one beside them, `folder/target.jpg`.
    """
    write(folder / "galaxies", count, seed=SEED)
    extra = write(folder / ".target", 8, seed=SEED + 1)
    target = next(path for path in extra if "barred" in path.name)
    target.replace(folder / "target.jpg")
    for path in sorted((folder / ".target").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / ".target").rmdir()
    return folder / "target.jpg"


def main() -> None:
    """Draw, index, find, and say where the contact sheet lies."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"drawing {GALAXIES} galaxies into {folder / 'galaxies'} ...\n")
    prepare(folder)
    for command in (
        "q index galaxies --library .",
        "q find-similar target.jpg --library . -n 11 --sheet sheet.png",
        "q status --library .",
    ):
        sys.stderr.write(f"\n$ {command}\n")
        words = [sys.executable, "-m", "seeing", *shlex.split(command)[1:]]
        status = subprocess.run(words, cwd=folder, check=False).returncode
        if status:
            sys.exit(status)
    sys.stderr.write(f"\nlook at {folder / 'sheet.png'}\n")


if __name__ == "__main__":
    main()
