"""`q stack`: the mean of a video's best frames."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, UsageError
from .choice import Choice, rank_for
from .options import MEASURED, Common, Typed, unfold
from .output import check_table, keep_apart, print_document, progress, remark
from .session import opened
from .table import print_table
from .tasting import Tasting
from .videos import Reading

if TYPE_CHECKING:
    from ..rank.frame_stacks import Stacked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stack")(unfold(stack, interrupted=MEASURED))


def stack(
    videos: Annotated[
        list[str],
        typer.Argument(metavar="VIDEO...", help="A video, or the files of one capture in order."),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The stack as it is: .fits (32-bit), .tif or .png (16-bit).",
        ),
    ] = None,
    sharpened: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The stack sharpened.")
    ] = None,
    strength: Annotated[
        float, typer.Option(min=0, metavar="X", help="Of the sharpening; 1 is usual.")
    ] = 1.0,
    method: Annotated[
        Literal["mean", "sigma"],
        typer.Option(help="Weighted mean, or that of values within 2.5 standard deviations."),
    ] = "mean",
    weigh_by: Annotated[
        str | None,
        typer.Option(
            metavar="SCORES|CSV|SET",
            help="scores or another scorer: what a frame's is above the median; a CSV with "
            "frame and weight; or an exemplar set, whose ratings weigh.",
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="SCORER,...", help="Stack as many best by other scorers too, side by side."
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A sheet of the stacks, equally sharpened."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    choice: Choice,
    taste: Tasting,
    reading: Reading,
    common: Common,
    typed: Typed,
) -> int:
    """Average the best frames of a video, registered to a fraction of a pixel.

    Tells how much detail the stack holds, judged by two halves of it, without any truth.
    """
    choice.check()
    if not (out or sharpened or sheet):
        raise UsageError("where to? Name a file: --out stack.tif (or .fits, .png)")
    if not (sharpened or sheet):
        typed.only_with("--sharpened FILE or --sheet FILE", "--strength")
    from ..rank.frame_scorers import check_frame_scorer
    from ..show.sheet import check_sheet_path
    from ..stack.save import DEEP, check_free

    keep_apart([*videos, choice.reference], [out, sharpened, sheet, common.csv])
    check_table(common.csv, "scorer")
    if out is not None and out.suffix.lower() not in DEEP:
        raise UsageError(
            f"{out}: a stack is kept whole in {', '.join(DEEP)}; --sharpened may be JPEG"
        )
    for path in (out, sharpened):
        if path is not None:
            check_free(path, force=force)
    if sheet is not None:
        check_sheet_path(sheet)
    exemplars = taste.asked(choice.by)
    with ExitStack() as things:
        library = things.enter_context(opened(common, create=True))
        labels = weigh_by if weigh_by in set(library.exemplars) else None
        if labels and not choice.keep:
            raise UsageError("--weigh-by SET finds frames in the library: leave --no-keep out")
        if weigh_by and not labels and weigh_by != "scores" and not weigh_by.endswith(".csv"):
            check_frame_scorer(weigh_by, pictured=choice.reference is not None)
        made: list[Stacked] = []
        count = None
        for by in [None, *(name for name in (compare or "").split(",") if name)]:
            ranking = rank_for(library, videos, choice, reading, common, by=by, exemplars=exemplars)
            things.callback(ranking.video.close)
            if not ranking.good:
                remark("no frame is good enough to be stacked: see q rank", common)
                return EXIT_NOTHING
            best = choice.best_of(ranking) if count is None else ranking.top(count)
            count = len(best)
            weights = library.exemplars.weights(labels, ranking.ids) if labels else weigh_by
            with progress(common, "stacking") as tell:
                made.append(best.stack(weigh_by=weights, method=method, resolution=True, tell=tell))
            for text in made[-1].remarks:
                remark(f"{ranking.scorer.name}: {text}" if compare else text, common)
        _write(made[0], out, sharpened, strength, common, force=force)
        if sheet is not None:
            from ..rank.frame_sheets import draw_stacks

            draw_stacks(made, sheet, strength=strength)
            remark(f"sheet: {sheet}", common)
        _print(made, common)
    return EXIT_DONE


def _write(
    made: "Stacked",
    out: Path | None,
    sharpened: Path | None,
    strength: float,
    common: Common,
    *,
    force: bool,
) -> None:
    from ..stack.save import save_picture
    from ..stack.sharpen import sharpened as sharpen

    told = made.stack
    white = made.ranking.video.about.full_scale
    limit = made.resolution.seventh if made.resolution else None
    for path, picture in (
        (out, told.picture),
        (sharpened, None if sharpened is None else (
            sharpen(told.picture, strength=strength, limit=limit))),
    ):  # fmt: skip
        if path is None or picture is None:
            continue
        history = made.history
        if path == sharpened:
            history.append(f"sharpened by two unsharp masks, strength {strength:g}")
        top = white if path == out else max(white, float(picture.max()))  # overshoot is kept
        cut = save_picture(
            picture, path, white=top, force=force, history=history, begin=told.begin,
            end=told.end, cards=made.cards,
        )  # fmt: skip
        share = f", {100 * cut:.2g} % of its values cut off" if cut > 1e-6 and path == out else ""
        remark(f"written: {path}{share}", common)


_FORMS = (("effective", ".1f"), ("resolution_px", ".3f"), ("seventh", ".4f"), ("half", ".4f"))
"""How columns of the table are written: numbers below each other have as many decimals."""


def _print(made: "list[Stacked]", common: Common) -> None:
    rows: list[dict[str, Any]] = [
        {
            "scorer": one.ranking.scorer.name, "frames": one.stack.frames,
            "effective": round(one.stack.effective, 1),
            "resolution_px": round(1 / one.resolution.seventh, 3)
            if one.resolution and one.resolution.seventh > 0 else None,
            "seventh": round(one.resolution.seventh, 4) if one.resolution else None,
            "half": round(one.resolution.half, 4) if one.resolution else None,
        }
        for one in made
    ]  # fmt: skip
    document = {
        "command": "stack", "version": 1, **made[0].ranking.head(), "results": rows,
        "remarks": [*made[0].ranking.remarks, *(text for one in made for text in one.remarks)],
    }  # fmt: skip
    if print_document(document, "results", common):
        return
    print_table(
        ["by", "frames", "effective", "detail to (px)", "cycles/px at 1/7", "at 1/2"],
        [[str(row["scorer"]), str(row["frames"]),
          *("-" if row[name] is None else format(row[name], form) for name, form in _FORMS)]
         for row in rows],
        right=[False, True, True, True, True, True],
    )  # fmt: skip
