"""The part of `q rank` that ranks the frames of videos."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY, PictureError, UsageError
from .index import stopping
from .options import Common, Listed, Making, Typed
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
from .table import print_table, printable
from .videos import FrameWords, Reading, all_like, shown_part

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
    typed: Typed,
    *,
    folders: Sequence[str],
    reference: str | None,
    taste: "Taste | None",
    by: str | None,
    top: int | None,
    keep: bool,
) -> int:
    """Rank one capture; or each file by itself, with --best and of `folders`."""
    apart = len(named) > 1 and (bool(folders) or words.best is not None)
    captures = [[name] for name in named] if apart else [list(named)]
    _check(named, words, common, listed, typed, reference, by, apart=apart)
    for folder in folders if apart else []:
        remark(
            f"{folder}: each of its videos is ranked by itself; as one capture: q rank "
            f"{all_like(folder, named[0])}", common,
        )  # fmt: skip
    everything = top is not None or words.best is not None
    status = EXIT_NOTHING
    parts: list[FrameRanking] = []
    failed = 0
    with ExitStack() as open_things:
        library = open_things.enter_context(opened(common, create=True))
        for files in captures:
            say = partial(_say, files[0] if apart else "", common)
            with progress(common, "measuring") as tell, stopping(common) as should_stop:
                ranked = partial(
                    library.rank_frames, files, reference=reference, options=reading.options(),
                    encoder=making.encoder, making=options_of(making), keep=keep, progress=tell,
                    should_stop=should_stop, on_remark=say,
                )  # fmt: skip
                try:
                    ranking = ranked(by=by, exemplars=taste)
                except PictureError as problem:
                    if not apart:
                        raise
                    remark(str(problem), common)  # the others are ranked all the same
                    failed += 1
                    continue
                open_things.callback(ranking.video.close)
                if apart:
                    ranking.remarks = [f"{files[0]}: {text}" for text in ranking.remarks]
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
            elif apart:
                parts.append(shown)
            else:
                _print(shown, common, listed, everything=everything)
            status = EXIT_DONE if ranking.good else status
            if apart:
                ranking.video.close()
        if parts:
            _print_together(parts, common, listed, everything=everything)
    return EXIT_PARTLY if failed else status


def _say(name: str, common: Common, text: str) -> None:
    """Tell a remark, of which video where there are several."""
    remark(f"{name}: {text}" if name else text, common)


def _check(
    named: Sequence[str], words: FrameWords, common: Common, listed: Listed,
    typed: Typed, reference: str | None, by: str | None, *, apart: bool,
) -> None:  # fmt: skip
    """Raise, before any work, what is wrong with the call."""
    from ..rank.frame_scorers import check_frame_scorer
    from ..show.plot import check_plot_path
    from ..show.sheet import check_sheet_path

    check_output(common, listed, typed)
    if words.spread is None:
        typed.only_with("--spread SECONDS", "--rate")
    if "embedding" not in (by, words.compare):
        typed.only_with("--by embedding", "--encoder", "--weights", "--device")
    keep_apart([*named, reference], [common.csv, listed.sheet, words.plot, words.extremes])
    if words.extremes is not None:
        check_sheet_path(words.extremes)
    if words.plot is not None:
        check_plot_path(words.plot)
    if words.compare is not None:
        check_frame_scorer(words.compare, pictured=reference is not None)
    if apart and (listed.sheet or words.plot or words.extremes or words.compare):
        raise UsageError("--sheet, --plot, --extremes and --compare take one video at a time")


def _print_together(
    parts: Sequence["FrameRanking"], common: Common, listed: Listed, *, everything: bool
) -> None:
    """Print the rankings of several videos as one answer: `videos` tells of each, rows of all."""
    told = [text for part in parts for text in part.remarks]
    for text in told:
        remark(text, common)
    rows = [part.row(entry) for part in parts for entry in part.entries]
    document = {
        "command": "rank", "version": 1, "videos": [part.head() for part in parts],
        "results": rows, "remarks": told,
    }  # fmt: skip
    if listed.paths:
        if common.csv:
            write_csv(rows, common.csv)
        write_paths([e.item.bytes for part in parts for e in part.entries], nul=listed.nul)
    elif not print_document(document, "results", common):
        for place, part in enumerate(parts):
            part.remarks = []
            print("\n" * (place > 0) + f"{printable(str(part.video.path))}:")
            _print(part, Common(quiet=common.quiet), Listed(), everything=everything)


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
    told = [
        [str(a.rank), str(a.item.frame), a.written, str(b.item.frame), b.written]
        for a, b in zip(one.entries[:_SHOWN], other.entries[:_SHOWN], strict=False)
    ]
    print_table(list(rows[0]) if rows else [], told, right=[True] * 5)
