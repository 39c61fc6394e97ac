"""`q evaluate`: how good rankings are."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import EXIT_DONE, PictureError, UsageError
from .options import MEASURED, Common, Typed, unfold
from .output import print_document, progress, remark
from .session import opened
from .table import print_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..rank.agreement import Agreement
    from ..rank.frame_table import FrameColumn
    from ..rank.stack_quality import StackQuality

    Column = NDArray[np.float64]

_TRUTHS = ("fidelity", "score")
"""Columns that a truth is looked for in: of a simulation, and of another ranking."""


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Say how good rankings are.", no_args_is_help=True)
    group.callback()(_group)
    group.command("ranking")(unfold(ranking, interrupted=MEASURED))
    app.add_typer(group, name="evaluate")


def _group() -> None:
    """Say how good rankings are."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """A ranking beside its truth: the frames of both, or how several agree on the mean."""

    name: str
    truth: str
    frames: list[int]
    given: "Column"
    true: "Column"
    figures: "Agreement"


def ranking(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE.csv...", help="Rankings (q rank --csv), or ratings; - is stdin."
        ),
    ],
    *,
    truth: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE.csv",
            help="What is true (q simulate), another ranking, ratings. One for all rankings, or "
            "as many as these, of as many videos.",
        ),
    ],
    column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The truth's column; default: fidelity, else score."),
    ] = None,
    score: Annotated[
        str, typer.Option(metavar="NAME", help="The rankings' column; rank: the order as it is.")
    ] = "score",
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many best are compared as sets.")
    ] = 100,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Their video: the best of each ranking are stacked."),
    ] = None,
    pristine: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The object without air (q simulate --pristine): judges the stacks.",
        ),
    ] = None,
    percent: Annotated[
        float, typer.Option(min=0.001, max=100, metavar="P", help="How many are stacked.")
    ] = 10.0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it (PNG, SVG, PDF).")
    ] = None,
    common: Common,
    typed: Typed,
) -> int:
    """Say how far rankings of a video's frames agree with what is true of them.

    Spearman's and Kendall's rank correlation, NDCG of the best tenth, the share of the true best
    5 % among the chosen 5 %. Frames are matched by their numbers; a frame without a score counts
    as the worst. Intervals hold 95 %: of several videos over videos, of one over blocks of frames.
    With --video the best of each ranking are stacked, and the stacks judged.
    """
    truths = [str(file) for file in truth]
    if len(truths) not in (1, len(files)):
        raise UsageError(
            f"{len(files)} rankings and {len(truths)} truths: give one truth for all, or one each"
        )
    if not video:
        typed.only_with("--video FILE", "--pristine", "--percent")
    if video and len(truths) > 1:
        raise UsageError("--video stacks the rankings of one video: give one --truth")
    if plot:
        from ..show.plot import check_plot_path

        check_plot_path(plot)
    pairs = len(truths) > 1
    known = [_column(name, [column] if column else list(_TRUTHS)) for name in truths]
    ranked = [_column(file, [score]) for file in files]
    if video:
        _check_video(video, [*known, *ranked])
    done = [
        _compare(given, true, top, common)
        for given, true in zip(ranked, known if pairs else known * len(files), strict=True)
    ]
    if pairs:
        done.append(_together(done, top))
    stacks = _stacked(done, video, pristine, percent, common)
    rows = [
        {"ranking": o.name, "truth": o.truth, **o.figures.as_json(),
         **(stacks[o.name].as_json() if o.name in stacks else {})}
        for o in done
    ]  # fmt: skip
    document = {
        "command": "evaluate ranking", "version": 1, "score": score, "column": known[0].name,
        "results": rows, "remarks": [],
    }  # fmt: skip
    if plot:
        _draw(plot, done, score, known[0].name, common)
    if not print_document(document, "results", common):
        _print(done, stacks)
    return EXIT_DONE


def _check_video(path: Path, tables: "list[FrameColumn]") -> None:
    """Refuse, before any work, tables of another video."""
    from ..rank.frame_table import check_video
    from ..video.open import open_video

    try:
        with open_video(path) as video:
            for table in tables:
                check_video(table, video)
    except PictureError as problem:
        raise UsageError(f"{path}: {problem}") from problem


def _column(file: str, names: list[str]) -> "FrameColumn":
    """Return a column by frame, higher is better: places are turned round."""
    from ..rank.frame_table import ABOUT_FRAMES, frame_column

    found = frame_column(file, names, beside=ABOUT_FRAMES)
    if found.name != "rank":
        return found
    return replace(found, values={frame: -value for frame, value in found.values.items()})


# --- comparing and telling --------------------------------------------------------------------


def _compare(ranked: "FrameColumn", true: "FrameColumn", top: int, common: Common) -> _Compared:
    import numpy as np

    from ..rank.agreement import agreement

    file, truth = ranked.file, true.file
    frames = sorted(ranked.values.keys() & true.values.keys())
    alone = [(file, len(ranked.values) - len(frames)), (truth, len(true.values) - len(frames))]
    for name, count in alone:
        if count and frames:
            remark(f"{count} frames only in {name} are left out", common)
    if not frames:
        raise UsageError(f"{file} and {truth} have no frame in common: are they of one video?")
    scores = np.array([ranked.values[frame] for frame in frames])
    truths = np.array([true.values[frame] for frame in frames])
    try:
        figures = agreement([scores], [truths], top=top)
    except UsageError as problem:
        raise UsageError(f"{file} against {truth}: {problem}") from problem
    return _Compared(file, truth, frames, scores, truths, figures)


def _together(done: list[_Compared], top: int) -> _Compared:
    """Return how rankings of several videos agree in the mean."""
    import numpy as np

    from ..rank.agreement import agreement

    figures = agreement([one.given for one in done], [one.true for one in done], top=top)
    return _Compared(f"mean of {len(done)} videos", "", [], np.empty(0), np.empty(0), figures)


def _stacked(
    done: list[_Compared],
    video: Path | None,
    pristine: Path | None,
    percent: float,
    common: Common,
) -> "dict[str, StackQuality]":
    """Return what the stack of each ranking's best frames is worth; nothing without a video."""
    if video is None:
        return {}
    import numpy as np

    from ..planet.reference import read_reference
    from ..rank.stack_quality import stack_quality

    truth = None if pristine is None else read_reference(pristine)
    found = {}
    with opened(common, create=True) as library:
        with progress(common, "measuring") as tell:
            ranking = library.rank_frames([video], by="self", progress=tell)
        with ranking.video:
            for one in done:
                order = np.argsort(
                    -np.where(np.isnan(one.given), -np.inf, one.given), kind="stable"
                )
                count = max(2, round(percent / 100 * len(order)))
                numbers = [one.frames[place] for place in order[:count].tolist()]
                found[one.name] = stack_quality(ranking, numbers, truth)
    return found


def _print(done: list[_Compared], stacks: "dict[str, StackQuality]") -> None:
    titles = ["ranking", "frames", "Spearman", "Kendall", "NDCG", "hits 5 %"]
    rows = []
    for one in done:
        told = one.figures
        figures = (told.spearman, told.kendall, told.ndcg, told.hits)
        rows.append([one.name, str(told.frames), *map(str, figures)])
    print_table(titles, rows, right=[False, *[True] * 5])
    if stacks:
        print()
        print_table(
            ["ranking", "stacked", "detail to (px)", "PSNR (dB)", "SSIM"],
            [
                [name, str(told.frames), f"{1 / told.seventh:.2f}" if told.seventh > 0 else "-",
                 "-" if told.psnr is None else f"{told.psnr:.2f}",
                 "-" if told.ssim is None else f"{told.ssim:.4f}"]
                for name, told in stacks.items()
            ],
            right=[False, *[True] * 4],
        )  # fmt: skip


def _draw(plot: Path, done: list[_Compared], score: str, column: str, common: Common) -> None:
    from ..show.plot import plot_agreement, plot_bars

    first = done[0]
    if len(done) == 1:
        places = [_places(values) for values in (first.given, first.true)]
        plot_agreement(
            plot, *places, names=(score, column), spearman=first.figures.spearman.value,
            title=Path(first.name).name,
        )  # fmt: skip
    else:
        bars = [
            (Path(one.name).name, told.value, told.low, told.high)
            for one in done
            for told in [one.figures.spearman]
        ]
        plot_bars(plot, bars, label=f"Spearman of {score} with {column}")
    remark(f"plot: {plot}", common)


def _places(values: "Column") -> Any:  # noqa: ANN401 - an array
    """Return places from 1, the best first; those that tie share theirs, no score comes last."""
    import numpy as np
    from scipy.stats import rankdata

    return rankdata(-np.where(np.isnan(values), -np.inf, values))
