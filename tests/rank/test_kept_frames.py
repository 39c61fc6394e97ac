"""What the library keeps of frames and their scores, and of videos that go or grow."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seeing.errors import PictureError, UsageError
from seeing.library import Library, open_library
from seeing.planet.watch import Watching
from seeing.rank.frame_ranking import FrameRanking
from seeing.rank.frames import FrameOptions
from seeing.samples.night import Night, simulated
from seeing.samples.processed import processed_reference

WriteSer = Callable[..., Path]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


@pytest.fixture
def film(tmp_path: Path, write_ser: WriteSer) -> Path:
    frames, _ = simulated(Night("giant", 80, seed=5, size=64))
    times = Night("giant", 80).times()
    return write_ser(tmp_path / "mars.ser", frames, times=times)


def closed(ranking: FrameRanking) -> FrameRanking:
    ranking.video.close()
    return ranking


# --- what is kept ---------------------------------------------------------------------------------


def test_frames_and_scores_are_in_the_catalogue(library: Library, film: Path) -> None:
    ranking = closed(library.rank_frames(film))
    with closing(sqlite3.connect(library.folder / "catalogue.db")) as connection:
        (items,) = connection.execute("SELECT count(*) FROM items").fetchone()
        rows = connection.execute(
            "SELECT item, score FROM ranking WHERE scorer = 'self' ORDER BY rank"
        ).fetchall()
        frames = dict(connection.execute("SELECT id, frame FROM items").fetchall())
        times = dict(connection.execute("SELECT frame, taken_at FROM items").fetchall())
    assert items == 80
    good = ranking.order[: ranking.good]
    expected = ranking.survey.rows["number"][good].tolist()
    listed = [int(row[0].rpartition("#")[2]) for row in rows]
    # the view knows scores, not flags: a flagged frame stands there by its score
    assert [number for number in listed if number in expected] == expected
    assert [row[1] for row in rows] == sorted(ranking.scores, reverse=True)
    for entry in ranking:
        assert frames[entry.item.id] == entry.item.frame
        assert times[entry.item.frame] == entry.time


def test_ranking_again_by_anything_reads_no_frame(
    tmp_path: Path, library: Library, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = closed(library.rank_frames(film))

    shown = tmp_path / "giant.png"
    Image.fromarray(processed_reference("giant", 3, frames=160, size=64)).save(shown)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a frame was read")

    monkeypatch.setattr(type(first.video), "batches", refuse)
    again = closed(library.rank_frames(film))
    assert again.order.tolist() == first.order.tolist()
    assert again.ids.tolist() == first.ids.tolist()
    for how in ({"by": "band-power"}, {"by": "roundness"}, {"by": "brightness"},
                {"reference": shown}):  # fmt: skip
        assert len(closed(library.rank_frames(film, **how))) == 80


def test_what_the_user_says_of_a_video_is_no_longer_the_same_score(
    library: Library, film: Path
) -> None:
    """Scores that were kept of one way to measure are not taken for another."""
    expected = {
        kind: closed(
            library.rank_frames(film, options=FrameOptions(watching=Watching(kind)), keep=False)
        ).scores
        for kind in (None, "surface")
    }
    for kind in (None, "surface", None):
        found = closed(library.rank_frames(film, options=FrameOptions(watching=Watching(kind))))
        np.testing.assert_allclose(found.scores, expected[kind], atol=1e-6)


def test_a_file_alone_and_in_a_capture_have_scores_of_their_own(
    tmp_path: Path, library: Library, write_ser: WriteSer
) -> None:
    frames, _ = simulated(Night("giant", 80, seed=6, size=64))
    one = write_ser(tmp_path / "part1.ser", frames[:40])
    two = write_ser(tmp_path / "part2.ser", frames[40:])
    alone = closed(library.rank_frames(one))
    both = closed(library.rank_frames([one, two]))
    assert len(both) == 80
    assert np.isfinite(both.scores).all()
    fresh = closed(library.rank_frames([one, two], keep=False))
    np.testing.assert_allclose(both.scores, fresh.scores, atol=1e-6)
    again = closed(library.rank_frames(one))
    np.testing.assert_allclose(again.scores, alone.scores, atol=1e-6)
    assert set(both.ids) >= set(alone.ids)
    with closing(sqlite3.connect(library.folder / "catalogue.db")) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (80,)


def test_a_moved_video_keeps_its_ranking_and_a_changed_one_does_not(
    tmp_path: Path, library: Library, film: Path, write_ser: WriteSer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    first = closed(library.rank_frames(film))
    moved = tmp_path / "sub" / "moved.ser"
    moved.parent.mkdir()
    film.rename(moved)
    with monkeypatch.context() as patched:
        patched.setattr(type(first.video), "batches", None)
        again = closed(library.rank_frames(moved))
    assert again.order.tolist() == first.order.tolist()
    assert str(again[0].item).endswith("moved.ser#" + str(again[0].item.frame))
    frames, _ = simulated(Night("rocky", 60, seed=7, size=64))
    write_ser(moved, frames)
    changed = closed(library.rank_frames(moved))
    assert len(changed) == 60
    assert changed.order.tolist() == closed(library.rank_frames(moved, keep=False)).order.tolist()


def test_frames_of_copied_and_cut_videos_are_the_same_content(
    tmp_path: Path, library: Library, film: Path, write_ser: WriteSer
) -> None:
    copy = tmp_path / "copy.ser"
    shutil.copy(film, copy)
    frames, _ = simulated(Night("giant", 80, seed=5, size=64))
    short = write_ser(tmp_path / "cut.ser", frames[30:50])
    for path in (film, copy, short):
        closed(library.rank_frames(path))
    with closing(sqlite3.connect(library.folder / "catalogue.db")) as connection:
        rows = connection.execute(
            "SELECT path_text, frame, content FROM items JOIN sources ON sources.id = source"
        ).fetchall()
    content = {(Path(path).name, frame): value for path, frame, value in rows}
    assert len(content) == 180
    for number in range(80):
        assert content["mars.ser", number] == content["copy.ser", number]
    for number in range(20):
        assert content["cut.ser", number] == content["mars.ser", 30 + number]
    assert len(set(content.values())) == 80


# --- files that go or grow ------------------------------------------------------------------------


def test_a_video_that_vanishes_is_told(library: Library, film: Path) -> None:
    with pytest.raises(PictureError, match=r"mars\.ser"):
        library.rank_frames(film, progress=lambda *_: film.unlink(missing_ok=True))


def test_a_video_that_grows_is_told_and_nothing_is_kept_of_it(library: Library, film: Path) -> None:
    def grow(*_: int) -> None:
        with film.open("ab") as file:
            file.write(b"more")

    with pytest.raises(PictureError, match="changed while it was read"):
        library.rank_frames(film, progress=grow)
    kept = library.folder / "frames"
    assert not kept.exists() or not list(kept.iterdir())
    assert len(closed(library.rank_frames(film))) == 80


def test_a_video_cut_short_while_read_is_told(library: Library, film: Path) -> None:
    with pytest.raises(PictureError, match=r"mars\.ser"):
        library.rank_frames(film, progress=lambda *_: os.truncate(film, 5000))


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["reference", "dot"])
def test_scorers_that_need_a_picture_say_so(library: Library, film: Path, by: str) -> None:
    with pytest.raises(UsageError, match="--reference FILE"):
        library.rank_frames(film, by=by)


def test_an_unknown_scorer_is_refused_with_the_nearest(library: Library, film: Path) -> None:
    with pytest.raises(UsageError, match="laplacian"):
        library.rank_frames(film, by="laplacean")
