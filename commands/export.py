"""`q export`: the best frames, handed to other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING, UsageError
from .choice import Choice, rank_for
from .options import MEASURED, Common, Typed, unfold
from .output import check_table, keep_apart, print_document, progress, remark
from .session import opened
from .tasting import Tasting
from .videos import Reading

if TYPE_CHECKING:
    from ..rank.frame_ranking import FrameRanking


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(unfold(export, interrupted=MEASURED))


def export(
    videos: Annotated[
        list[str],
        typer.Argument(metavar="VIDEO...", help="A video, or the files of one capture in order."),
    ],
    *,
    ser: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A SER: pixels, header and times kept.")
    ] = None,
    siril: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A SER and a .seq beside it, with shifts and quality for Siril."
        ),
    ] = None,
    seq: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Only a .seq that selects frames of the SER itself: beside it, of its name.",
        ),
    ] = None,
    siril_version: Annotated[
        Literal["1.0", "1.4"],
        typer.Option(help="Siril 1.0 and 1.2 read other sequences than 1.4 and later."),
    ] = "1.4",
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Numbered PNG (or TIFF), depth kept.")
    ] = None,
    tif: Annotated[bool, typer.Option("--tif", help="Pictures as TIFF instead of PNG.")] = False,
    files: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Copies of the files, of a folder of pictures."),
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="Links instead of copies.")] = False,
    in_rank: Annotated[
        bool, typer.Option("--in-rank", help="Best first, instead of in the order of time.")
    ] = False,
    debayer: Annotated[
        bool, typer.Option("--debayer", help="Colours instead of the raw mosaic.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    choice: Choice,
    taste: Tasting,
    reading: Reading,
    common: Common,
    typed: Typed,
) -> int:
    """Write the best frames of a video for another program: SER, pictures, files, Siril.

    The table of the chosen frames is written by --csv FILE. The video itself is never touched.
    """
    choice.check()
    targets = [path for path in (ser, siril, seq, pictures, files) if path is not None]
    if not targets and not common.csv:
        raise UsageError(
            "export to what? --ser FILE, --siril FILE, --seq FILE, --pictures FOLDER, "
            "--files FOLDER or --csv FILE"
        )
    for needed, there, name in (
        ("--files FOLDER", [files], "--link"),
        ("--pictures FOLDER", [pictures], "--tif"),
        ("--ser, --siril or --pictures", [ser, siril, pictures], "--debayer"),
        ("--siril or --seq", [siril, seq], "--siril-version"),
    ):
        if not any(there):
            typed.only_with(needed, name)
    from ..rank.frame_stacks import chosen_of

    keep_apart([*videos, choice.reference], [*targets, common.csv])
    check_table(common.csv, "rank")
    from ..stack import export as out
    from ..stack import siril_export

    with opened(common, create=True) as library:
        ranking = rank_for(
            library, videos, choice, reading, common, exemplars=taste.asked(choice.by)
        )
        with ranking.video as video, progress(common, "exporting") as tell:
            if not ranking.good:
                remark("no frame is good enough to be exported: see q rank", common)
                return EXIT_NOTHING
            best = choice.best_of(ranking)
            if not in_rank:
                best = best.in_time()
            chosen = chosen_of(best)
            scores = best.scores[best.order]
            more: dict[str, Any] = {"force": force, "tell": tell}
            if ser is not None:
                out.export_ser(video, chosen.numbers, ser, debayer=debayer, **more)
            if siril is not None:
                siril_export.export_siril(
                    video, chosen.numbers, chosen.dy, chosen.dx, scores, siril,
                    form=siril_version, debayer=debayer, **more,
                )  # fmt: skip
            if seq is not None:
                siril_export.export_selection(
                    video, chosen.numbers, chosen.dy, chosen.dx, scores, path=seq,
                    form=siril_version, force=force,
                )  # fmt: skip
                lacking = siril_export.unseen_by_siril(video, seq)
                if lacking:
                    remark(lacking, common)
            if pictures is not None:
                out.export_pictures(
                    video, chosen.numbers, pictures, form="tif" if tif else "png",
                    debayer=debayer, **more,
                )  # fmt: skip
            if files is not None:
                out.export_files(video, chosen.numbers, files, link=link, **more)
        _print(best, targets, common)
    return EXIT_DONE


def _print(best: "FrameRanking", targets: list[Path], common: Common) -> None:
    document = {
        **best.as_json(), "command": "export", "written": [str(path) for path in targets],
    }  # fmt: skip
    if not print_document(document, "results", common):
        for path in targets:
            print(f"{len(best)} frames: {path}")
