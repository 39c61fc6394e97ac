"""What `make demo` shows: galaxies found by example, and the best frames of a night on Mars.

Run: python -m seeing.samples.demo FOLDER
"""

import shlex
import subprocess
import sys
from pathlib import Path

from .galaxies import write

GALAXIES = 320
SEED = 7
GALAXY_COMMANDS = (
    "q index galaxies --library .",
    "q find-similar target.jpg --library . -n 11 --sheet sheet.png",
)
MARS_COMMANDS = (
    # a night on Mars, and the processed picture of an earlier night: turned, of another scale
    "q simulate mars.ser --object rocky --frames 1000 --seeing 5.5 --light 1800 --seed 7 "
    "--reference processed.png --force",
    "q rank mars.ser --reference processed.png --library . --top 10 --sheet best.png "
    "--extremes extremes.png --plot ranking.png",
    "q rank mars.ser --reference processed.png --library . --csv ours.csv --quiet",
    "q rank mars.ser --by pipp --library . --csv pipp.csv --quiet",
    "q evaluate ranking ours.csv pipp.csv --truth mars.csv",
    "q stack mars.ser --reference processed.png --library . --percent 5 --compare pipp "
    "--out stack.fits --sharpened stack.png --sheet stacks.png --force",
    "q status --library .",
)
"""The truth that `q simulate` writes beside the video judges both rankings."""


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
    for command in GALAXY_COMMANDS + MARS_COMMANDS:
        sys.stderr.write(f"\n$ {command}\n")
        words = [sys.executable, "-m", "seeing", *shlex.split(command)[1:]]
        shown = None if "--csv" not in command else subprocess.DEVNULL
        status = subprocess.run(words, cwd=folder, check=False, stdout=shown).returncode
        if status:
            sys.exit(status)
    pictures = ("sheet.png", "best.png", "extremes.png", "ranking.png", "stacks.png")
    sys.stderr.write(f"\nlook at {', '.join(str(folder / name) for name in pictures)}\n")


if __name__ == "__main__":
    main()
