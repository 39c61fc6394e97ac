"""Words about videos: how a file is to be read, and the part of `q rank` that ranks frames."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import UsageError

if TYPE_CHECKING:
    from ..rank.frame_ranking import FrameRanking
    from ..rank.frames import FrameOptions

_READING = "Reading videos"
_FRAMES = "Frames of videos"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user knows better than a video's file."""

    kind: Annotated[
        Literal["planet", "surface"] | None,
        typer.Option(
            "--kind",
            rich_help_panel=_READING,
            help="A planet with sky around it, or a surface (Moon, Sun); default: recognised.",
        ),
    ] = None
    bayer: Annotated[
        Literal["RGGB", "GRBG", "GBRG", "BGGR", "CMY", "none"] | None,
        typer.Option(
            "--bayer", rich_help_panel=_READING, help="Colour filters, where the file is wrong."
        ),
    ] = None
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            min=1,
            max=16,
            metavar="BITS",
            rich_help_panel=_READING,
            help="Bits a sample that mean white, where the file is wrong.",
        ),
    ] = None
    endian: Annotated[
        Literal["little", "big"] | None,
        typer.Option(
            "--endian", rich_help_panel=_READING, help="Byte order; default: the pixels decide."
        ),
    ] = None
    colours: Annotated[
        Literal["RGB", "BGR"] | None,
        typer.Option(
            "--colours", rich_help_panel=_READING, help="Order of colours, where it is wrong."
        ),
    ] = None
    cutoff: Annotated[
        float | None,
        typer.Option(
            "--cutoff",
            min=0.02,
            max=0.5,
            metavar="CYCLES",
            rich_help_panel=_READING,
            help="Cycles a pixel that the telescope still resolves; 0.375 is usual.",
        ),
    ] = None

    @classmethod
    def names(cls) -> list[str]:
        """Return the options, as they are spelt."""
        return [f"--{field.name}" for field in fields(cls)]

    def options(self) -> "FrameOptions":
        """Return them as the library takes them."""
        from ..planet.watch import Watching
        from ..rank.frames import FrameOptions
        from ..video.base import Overrides

        return FrameOptions(
            Overrides(self.bayer, self.depth, self.endian, self.colours),
            Watching(self.kind, self.cutoff),
        )


@dataclass(frozen=True, slots=True)
class FrameWords:
    """What `q rank` takes for videos beside what it takes for stills."""

    frames: Annotated[
        bool,
        typer.Option(
            "--frames",
            rich_help_panel=_FRAMES,
            help="The pictures are frames of one capture, in the order of their numbers.",
        ),
    ] = False
    best: Annotated[
        int | None,
        typer.Option(
            "--best",
            min=1,
            metavar="N",
            rich_help_panel=_FRAMES,
            help="The N best of each file, files ranked apart.",
        ),
    ] = None
    spread: Annotated[
        float | None,
        typer.Option(
            "--spread",
            min=1e-3,
            metavar="SECONDS",
            rich_help_panel=_FRAMES,
            help="Only the best frame of each so many seconds.",
        ),
    ] = None
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            min=1e-3,
            metavar="FPS",
            rich_help_panel=_FRAMES,
            help="Frames a second, where the file has no times.",
        ),
    ] = None
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            rich_help_panel=_FRAMES,
            help="Plot the score over time and sorted (PNG, SVG, PDF).",
        ),
    ] = None
    extremes: Annotated[
        Path | None,
        typer.Option(
            "--extremes",
            metavar="FILE",
            rich_help_panel=_FRAMES,
            help="Write a sheet of the ten best beside the ten worst.",
        ),
    ] = None
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="SCORER",
            rich_help_panel=_FRAMES,
            help="Show another ranking beside this one: table, sheet, rank correlation.",
        ),
    ] = None

    def asked(self) -> list[str]:
        """Return the options that were given."""
        return [
            f"--{name}"
            for name in ("frames", "best", "spread", "rate", "plot", "extremes", "compare")
            if getattr(self, name)
        ]


def videos_among(items: Sequence[str], words: FrameWords, by: str | None) -> bool:
    """Tell whether items are videos; raises UsageError when videos and pictures are mixed.

    A folder of pictures is a video when `--frames` or a scorer of frames says so, or when its
    files bear PIPP's names.
    """
    if not items:
        if words.asked():
            raise UsageError(f"{words.asked()[0]} is for videos: name one")
        return False
    from ..rank.frame_scorers import FRAME_SCORERS
    from ..video.numbered import has_pipp_names
    from ..video.open import is_video

    paths = [Path(item) for item in items]
    videos = [path for path in paths if path.is_file() and is_video(path)]
    others = [path for path in paths if path not in videos]
    gone = next((path for path in others if not (path.exists() or "#" in path.name)), None)
    if gone and (videos or words.asked() or by in FRAME_SCORERS):
        raise UsageError(f"{gone}: no such file")
    if videos and others:
        raise UsageError(
            f"{videos[0]} is a video, {others[0]} is not: rank videos and pictures apart"
        )
    frames = words.frames or (by in FRAME_SCORERS and by != "embedding")
    if others and not frames:
        frames = len(others) == 1 and others[0].is_dir() and has_pipp_names(others[0])
    if words.asked() and not (videos or frames):
        raise UsageError(f"{words.asked()[0]} is for frames of videos; say so with --frames")
    return bool(videos) or frames


def unfolded(
    items: Sequence[str], words: FrameWords, by: str | None, *, pictured: bool
) -> tuple[list[str], list[str]]:
    """Return items with the videos of a folder in place of the folder, and those folders.

    Only folders that hold nothing else, or of which frames are asked for. Raises UsageError where
    it can't be told what is meant: videos and pictures in one folder, and no picture to compare.
    """
    if not items:  # the whole library: what scores frames takes a third of a second to import
        return [], []
    from ..rank.frame_scorers import FRAME_SCORERS

    found: list[str] = []
    folders: list[str] = []
    frames = bool(words.asked()) or (by in FRAME_SCORERS and by != "embedding")
    for item in items:
        videos, pictures = _held(Path(item))
        if words.frames:  # of one capture: the folder's pictures
            videos = []
        if videos and pictures and not frames and not pictured:
            raise UsageError(
                f"{item} holds {len(videos)} videos and {pictures} pictures. Name the videos: "
                f"q rank {all_like(item, videos[0])} --best 20; or say what the pictures are "
                "compared with: --reference FILE"
            )
        if videos and (frames or not pictures):
            found += videos
            folders.append(item)
        else:
            found.append(item)
    return found, folders


def all_like(folder: str, video: str) -> str:
    """Return a pattern for a folder's videos, as a person types it."""
    return f"{folder.rstrip('/')}/*{Path(video).suffix}"


def _held(folder: Path) -> tuple[list[str], int]:
    """Return the videos in a folder and below it, and how many pictures there are."""
    from ..media.kinds import PICTURES, VIDEOS, extension
    from ..media.walk import walk
    from ..video.open import is_video

    if not folder.is_dir():
        return [], 0
    files = [Path(found.path) for found in walk([folder], extensions=PICTURES | VIDEOS)]
    videos = [file for file in files if extension(file.name) in VIDEOS and is_video(file)]
    pictures = sum(extension(file.name) in PICTURES for file in files)
    return [str(video) for video in videos], pictures


def shown_part(ranking: "FrameRanking", words: FrameWords, top: int | None) -> "FrameRanking":
    """Return the part of a ranking that --spread, --best and --top ask for."""
    if words.spread is not None:
        if ranking.video.about.times is None and words.rate is None:
            raise UsageError(
                "this video has no times: say how many frames a second it has, with --rate"
            )
        ranking = ranking.spread(words.spread, words.rate)
    if words.best is not None:
        ranking = ranking.top(min(words.best, ranking.good))
    return ranking if top is None else ranking.top(top)
