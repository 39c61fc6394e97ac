"""The part of `q rank` that ranks the frames of videos."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY, PictureError, UsageError
from .index import stopping
from .options import Common, Listed, Making
from .output import (
    check_output,
    keep_apart,
    print_document,
    print_listing,
    progress,
    remark,
    write_csv,
    write_paths,
)
from .session import opened, options_of
from .table import print_table
from .videos import FrameWords, Reading, shown_part

if TYPE_CHECKING:
    from ..rank.exemplars import Taste
    from ..rank.frame_ranking import FrameRanking

_SHOWN = 20
"""Rows of the table that a person reads, where no number was asked for."""


def rank_videos(
    named: Sequence[str],
    words: FrameWords,
    reading: Reading,
    making: Making,
    common: Common,
    listed: Listed,
    *,
    reference: str | None,
    taste: "Taste | None",
    by: str | None,
    top: int | None,
    keep: bool,
) -> int:
    """Rank one capture, or with --best each file by itself."""
    captures = _captures(named, words, common, listed, reference)
    status = EXIT_NOTHING
    parts: list[FrameRanking] = []
    failed = 0
    with ExitStack() as open_things:
        library = open_things.enter_context(opened(common, create=True))
        for files in captures:
            with progress(common, "measuring") as tell, stopping(common) as should_stop:
                ranked = partial(
                    library.rank_frames, files, reference=reference, options=reading.options(),
                    encoder=making.encoder, making=options_of(making), keep=keep, progress=tell,
                    should_stop=should_stop, on_remark=lambda text: remark(text, common),
                )  # fmt: skip
                try:
                    ranking = ranked(by=by, exemplars=taste)
                except PictureError as problem:
                    if len(captures) == 1:
                        raise
                    remark(str(problem), common)  # the others are ranked all the same
                    failed += 1
                    continue
                open_things.callback(ranking.video.close)
                other = ranked(by=words.compare) if words.compare else None
            if words.plot:
                ranking.plot(words.plot)
                remark(f"plot: {words.plot}", common)
            if words.extremes:
                ranking.extremes(words.extremes)
                remark(f"best and worst: {words.extremes}", common)
            shown = shown_part(ranking, words, top)
            if other is not None:
                open_things.callback(other.video.close)
                _print_comparison(shown, other.top(len(shown)), common, listed)
            elif len(captures) > 1 and not _for_people(common, listed):
                parts.append(shown)
            else:
                _print(shown, common, listed, everything=top is not None or words.best is not None)
            status = EXIT_DONE if ranking.good else status
            if len(captures) > 1:
                ranking.video.close()
        if parts:
            _print_together(parts, common, listed)
    return EXIT_PARTLY if failed else status


def _captures(
    named: Sequence[str], words: FrameWords, common: Common, listed: Listed, reference: str | None
) -> list[list[str]]:
    """Return the files of each video; raises, before any work, what is wrong with the call."""
    from ..rank.frame_scorers import check_frame_scorer
    from ..show.plot import check_plot_path
    from ..show.sheet import check_sheet_path

    check_output(common, listed)
    keep_apart([*named, reference], [common.csv, listed.sheet, words.plot, words.extremes])
    if words.extremes is not None:
        check_sheet_path(words.extremes)
    if words.plot is not None:
        check_plot_path(words.plot)
    if words.compare is not None:
        check_frame_scorer(words.compare, pictured=reference is not None)
    captures = [[name] for name in named] if words.best and len(named) > 1 else [list(named)]
    if len(captures) > 1 and (listed.sheet or words.plot or words.extremes or words.compare):
        raise UsageError("--sheet, --plot, --extremes and --compare take one video at a time")
    return captures


def _for_people(common: Common, listed: Listed) -> bool:
    return not (common.json or common.jsonl or common.csv or listed.paths)


def _print_together(parts: Sequence["FrameRanking"], common: Common, listed: Listed) -> None:
    """Print the rankings of several videos as one answer: `videos` tells of each, rows of all."""
    for part in parts:
        for text in part.remarks:
            remark(f"{part.video.path.name}: {text}", common)
    rows = [part.row(entry) for part in parts for entry in part.entries]
    document = {
        "command": "rank", "version": 1, "videos": [part.head() for part in parts],
        "results": rows,
        "remarks": [f"{part.video.path.name}: {text}" for part in parts for text in part.remarks],
    }  # fmt: skip
    if listed.paths:
        if common.csv:
            write_csv(rows, common.csv)
        write_paths([e.item.bytes for part in parts for e in part.entries], nul=listed.nul)
    elif not print_document(document, "results", common):
        for part in parts:
            part.remarks = []
            _print(part, Common(quiet=common.quiet), Listed(), everything=True)


def _print(ranking: "FrameRanking", common: Common, listed: Listed, *, everything: bool) -> None:
    """Print a ranking; of a long one a person sees the first rows and how it goes on."""
    plain = not (common.json or common.jsonl or common.csv == "-" or listed.paths)
    if plain and not everything and len(ranking) > _SHOWN:
        rest = len(ranking) - _SHOWN
        if common.csv:
            write_csv(ranking.as_json()["results"], common.csv)
        for text in ranking.remarks:
            remark(text, common)
        if listed.sheet:
            ranking.sheet(listed.sheet)
            remark(f"contact sheet: {listed.sheet}", common)
        short = ranking.top(_SHOWN)
        short.remarks = []
        print_listing(short, Common(quiet=common.quiet), Listed())
        print(
            f"... and {rest} more (--top N, --csv FILE); worth stacking: the best "
            f"{ranking.advised} of {ranking.good} good frames, half-fall at "
            f"{ranking.half}"
        )
        return
    print_listing(ranking, common, listed)


def _print_comparison(
    one: "FrameRanking", other: "FrameRanking", common: Common, listed: Listed
) -> None:
    """Print two rankings side by side, with their rank correlation."""
    from ..rank.frame_sheets import draw_comparison

    for text in one.remarks:
        remark(text, common)
    agreement = one.agreement(other)
    rows = [
        {"rank": a.rank, one.scorer.name: a.item.frame, "score": a.score,
         other.scorer.name: b.item.frame, "other_score": b.score}
        for a, b in zip(one.entries, other.entries, strict=False)
    ]  # fmt: skip
    if listed.sheet:
        draw_comparison(one, other, Path(listed.sheet))
        remark(f"contact sheet: {listed.sheet}", common)
    document = {
        "command": "rank", "version": 1, **one.head(), "compared": other.scorer.identity,
        "spearman": agreement, "results": rows, "remarks": one.remarks,
    }  # fmt: skip
    if print_document(document, "results", common):
        return
    print(f"rank correlation of {one.scorer.name} and {other.scorer.name}: {agreement:.3f}")
    print_table(
        list(rows[0]) if rows else [],
        [["" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in r.values()]
         for r in rows[:_SHOWN]],
        right=[True] * 5,
    )  # fmt: skip
