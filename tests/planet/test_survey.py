"""One pass over a video: the same rows however it is read; kept, resumed, damaged, refused."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import InterruptionError, LibraryError, PictureError
from seeing.library import open_library
from seeing.media.picture import Samples
from seeing.planet import watch
from seeing.planet.inband import cosines, order_of, own_best
from seeing.planet.kept import KeptSurvey
from seeing.planet.survey import Survey
from seeing.planet.watch import Watching, survey_video
from seeing.samples.night import Night, simulated
from seeing.video.base import About, Origin, Video
from seeing.video.open import open_video

WriteSer = Callable[..., Path]
FRAMES = 300


@pytest.fixture(scope="module")
def frames() -> NDArray[Any]:
    return simulated(Night("rocky", FRAMES, seed=5, light=1800))[0]


@pytest.fixture(scope="module")
def film(
    tmp_path_factory: pytest.TempPathFactory, frames: NDArray[Any], write_ser: WriteSer
) -> Path:
    return write_ser(tmp_path_factory.mktemp("survey") / "mars.ser", frames)


def surveyed(path: Path, **how: Any) -> Survey:
    with open_video([path]) as video:
        return survey_video(video, Watching(), **how)


@pytest.fixture(scope="module")
def fresh(film: Path) -> Survey:
    return surveyed(film)


def order(survey: Survey) -> list[int]:
    every = np.ones(len(survey), bool)
    return [int(row) for row in order_of(cosines(survey, own_best(survey, every)), every)]


def assert_same(one: Survey, other: Survey) -> None:
    assert one.rows.tobytes() == other.rows.tobytes()
    assert np.array_equal(one.scale, other.scale)
    assert one.scene.side == other.scene.side
    assert one.pixels == other.pixels


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_no_bit(film: Path, fresh: Survey, threads: int) -> None:
    assert_same(surveyed(film, threads=threads), fresh)


@pytest.mark.parametrize("batch", [1, 200, pytest.param(7, marks=pytest.mark.slow)])
def test_batches_change_nothing(
    film: Path, fresh: Survey, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(watch, "BATCH", batch)
    found = surveyed(film)
    for name in fresh.rows.dtype.names or ():
        if fresh.rows[name].dtype.kind == "f":
            # matrix products add up in another order: float32
            np.testing.assert_allclose(found.rows[name], fresh.rows[name], rtol=1e-4, atol=1e-4)
        elif name == "vector":
            steps = np.abs(found.rows[name].astype(int) - fresh.rows[name])
            assert steps.max() <= 2, steps.max()
        else:
            assert np.array_equal(found.rows[name], fresh.rows[name]), name
    assert order(found) == order(fresh)


def test_a_kept_survey_is_the_fresh_one_and_reads_no_frame(
    tmp_path: Path, film: Path, fresh: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptSurvey(tmp_path, "abc")
    assert_same(surveyed(film, kept=kept), fresh)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a frame was read")

    with open_video([film]) as video:
        monkeypatch.setattr(type(video), "batches", refuse)
        again = survey_video(video, Watching(), kept=KeptSurvey(tmp_path, "abc"))
    assert_same(again, fresh)


@pytest.mark.parametrize("after", [1, 100, 256, 299])
def test_a_stopped_survey_goes_on(
    tmp_path: Path, film: Path, fresh: Survey, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    seen: list[int] = []

    def progress(done: int, total: int) -> None:
        assert total == FRAMES
        seen.append(done)

    with pytest.raises(InterruptionError, match="goes on from there"):
        surveyed(
            film, kept=KeptSurvey(tmp_path, "abc"), progress=progress,
            should_stop=lambda: bool(seen) and seen[-1] >= min(after, 256),
        )  # fmt: skip
    stopped = seen[-1]
    assert 0 < stopped < FRAMES
    monkeypatch.setattr(watch, "_learned", None)  # it is learned only once
    seen.clear()
    assert_same(surveyed(film, kept=KeptSurvey(tmp_path, "abc"), progress=progress), fresh)
    assert seen[0] > stopped


def test_it_is_too_late_to_stop_after_the_last_frame(
    tmp_path: Path, film: Path, fresh: Survey
) -> None:
    done: list[int] = []
    found = surveyed(
        film, kept=KeptSurvey(tmp_path, "abc"), progress=lambda n, _: done.append(n),
        should_stop=lambda: bool(done) and done[-1] == FRAMES,
    )  # fmt: skip
    assert_same(found, fresh)


@pytest.mark.parametrize("part", [".rows", ".npz", ".json"])
@pytest.mark.parametrize(
    ("how", "where"),
    [
        ("flip", 0.3), ("flip", 0.999), ("truncate", 0.3), ("remove", 0.0),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [
            ("flip", 0.0), ("flip", 0.55), ("truncate", 0.0), ("truncate", 0.999),
        ]),
    ],
)  # fmt: skip
def test_a_damaged_survey_is_made_again(
    tmp_path: Path, film: Path, fresh: Survey, part: str, where: float, how: str
) -> None:
    """Or is still right: a flipped bit may lie where nothing is told (in the padding of a zip)."""
    surveyed(film, kept=KeptSurvey(tmp_path, "abc"))
    file = tmp_path / "frames" / f"abc{part}"
    content = bytearray(file.read_bytes())
    at = int(where * len(content))
    if how == "flip":
        content[at] ^= 0x10
    elif how == "truncate":
        del content[at:]
    file.write_bytes(content)
    if how == "remove":
        file.unlink()
    assert_same(surveyed(film, kept=KeptSurvey(tmp_path, "abc")), fresh)
    assert_same(surveyed(film, kept=KeptSurvey(tmp_path, "abc")), fresh)


@pytest.mark.parametrize(
    "note",
    [
        {"rows": -5}, {"rows": 10**12}, {"rows": "5"}, {"rows": 5.5}, {"rows": True}, [], "x", None,
        {"rows": FRAMES, "crc32": None}, {"rows": FRAMES, "crc32": 1, "frames": FRAMES},
        {"rows": FRAMES, "crc32": "a", "frames": FRAMES}, {"rows": 7, "crc32": 0, "frames": FRAMES},
        {"rows": 0, "crc32": 0, "frames": FRAMES}, {"rows": 64, "crc32": 12, "frames": None},
    ],
)  # fmt: skip
def test_a_note_that_lies_is_not_believed(
    tmp_path: Path, film: Path, fresh: Survey, note: Any
) -> None:
    surveyed(film, kept=KeptSurvey(tmp_path, "abc"))
    (tmp_path / "frames" / "abc.json").write_text(json.dumps(note))
    assert_same(surveyed(film, kept=KeptSurvey(tmp_path, "abc")), fresh)


@pytest.mark.parametrize(
    "place",
    [2000, pytest.param(0, marks=pytest.mark.slow), pytest.param(-1, marks=pytest.mark.slow)],
)
def test_a_damaged_beginning_is_not_built_upon(
    tmp_path: Path, film: Path, fresh: Survey, place: int
) -> None:
    count: list[int] = []
    with pytest.raises(InterruptionError):
        surveyed(
            film, kept=KeptSurvey(tmp_path, "abc"), progress=lambda n, _: count.append(n),
            should_stop=lambda: len(count) == 2,
        )  # fmt: skip
    rows = tmp_path / "frames" / "abc.rows"
    content = bytearray(rows.read_bytes())
    content[place] ^= 1
    rows.write_bytes(content)
    assert_same(surveyed(film, kept=KeptSurvey(tmp_path, "abc")), fresh)


class Gappy(Video):
    """A film some of whose frames can't be decoded."""

    def __init__(self, frames: NDArray[Any], broken: set[int]) -> None:
        self.frames, self.broken, self.path = frames, broken, Path("gappy.avi")
        count, height, width = frames.shape
        self.about = About("AVI", count, height, width, 1, 8, 255)

    def batches(self, numbers: Any = None, *, size: int = 64) -> Iterator[tuple[Any, Samples]]:
        for some in self._cut(numbers, size, 1):
            good = np.array([n for n in some if n not in self.broken], np.int64)
            if len(good):
                yield good, self.frames[good][..., None]

    def origin(self, number: int) -> Origin:
        return Origin(self.path, number)


@pytest.mark.parametrize("broken", [{0}, {299}, {5, 100, 101, 298, 299}, set(range(64, 192))])
def test_frames_that_cannot_be_decoded_have_no_row(
    tmp_path: Path, frames: NDArray[Any], broken: set[int]
) -> None:
    expected = [n for n in range(FRAMES) if n not in broken]
    film = Gappy(frames, broken)
    first = survey_video(film, Watching(), kept=KeptSurvey(tmp_path, "abc"))
    assert first.rows["number"].tolist() == expected
    again = survey_video(film, Watching(), kept=KeptSurvey(tmp_path, "abc"))
    assert_same(again, first)
    count: list[int] = []
    shutil.rmtree(tmp_path / "frames")
    with pytest.raises(InterruptionError):
        survey_video(
            film, Watching(), kept=KeptSurvey(tmp_path, "abc"),
            progress=lambda n, _: count.append(n), should_stop=lambda: len(count) == 2,
        )  # fmt: skip
    assert_same(survey_video(film, Watching(), kept=KeptSurvey(tmp_path, "abc")), first)


@pytest.mark.parametrize("keep", [True, False])
def test_no_frame_at_all_is_told(tmp_path: Path, frames: NDArray[Any], keep: bool) -> None:
    film = Gappy(frames[:20], set(range(20)))
    with pytest.raises(PictureError, match="none of its frames can be decoded"):
        survey_video(film, Watching(), kept=KeptSurvey(tmp_path, "abc") if keep else None)


@pytest.mark.parametrize("side", [1, 2, 4, 7])
def test_frames_too_small_to_rank_are_told(side: int) -> None:
    film = Gappy(np.zeros((9, side, 40), np.uint8), set())
    with pytest.raises(PictureError, match=f"40 x {side} pixels are too small"):
        survey_video(film, Watching())


def test_the_smallest_frames_are_ranked() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 8, 8), dtype=np.uint8)
    assert len(survey_video(Gappy(noise, set()), Watching())) == 30


# --- the command, killed and cramped --------------------------------------------------------------

_SLOW = """
import sys, time
from seeing.planet import watch
watch.BATCH, watch._KEEP_SECONDS = 8, 0.0
measure = watch.Surveyor.__call__
def slowly(self, *frames):
    time.sleep(0.03)
    return measure(self, *frames)
watch.Surveyor.__call__ = slowly
from seeing.cli import run
sys.exit(run(sys.argv[1:]))
"""
"""The command, so slow that it can be killed at any moment, and keeping all it has."""


def start(*arguments: str | Path, cwd: Path, slow: bool = False) -> subprocess.Popen[bytes]:
    begin = [sys.executable, "-c", _SLOW] if slow else [str(Path(sys.executable).parent / "q")]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("Q_")}
    return subprocess.Popen(
        [*begin, *map(str, arguments)], cwd=cwd, env=clean,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def told(*arguments: str | Path, cwd: Path, **more: Any) -> tuple[int, str, str]:
    process = start(*arguments, cwd=cwd, **more)
    out, err = process.communicate(timeout=120)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


def rows_kept(library: Path) -> int:
    try:
        return int(json.loads(next((library / "frames").glob("*.json")).read_bytes())["rows"])
    except (StopIteration, OSError, ValueError):
        return 0


def until_rows_are_kept(*call: str, cwd: Path) -> float:
    """Return how long a call takes on this machine, now, until it has kept something; kill it."""
    began = time.monotonic()
    process = start(*call, cwd=cwd, slow=True)
    while not rows_kept(cwd / "killed" / ".q") and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    return time.monotonic() - began


@pytest.mark.slow
def test_killed_at_any_moment_the_next_call_ends_alike(tmp_path: Path, film: Path) -> None:
    shutil.copy(film, tmp_path / "mars.ser")
    call = ("rank", "mars.ser", "--jsonl")
    status, expected, _ = told(*call, "--library", "undisturbed", cwd=tmp_path)
    assert status == 0
    begun = until_rows_are_kept(*call, "--library", "killed", cwd=tmp_path)
    moments = begun * np.random.default_rng(3).uniform(0.2, 2.0, 8)
    kept = []
    for moment in moments:
        process = start(*call, "--library", "killed", cwd=tmp_path, slow=True)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
        assert b"Traceback" not in err, err.decode()
        kept.append(rows_kept(tmp_path / "killed" / ".q"))
        if kept[-1] == FRAMES:
            shutil.rmtree(tmp_path / "killed")
    assert any(0 < n < FRAMES for n in kept), kept
    status, found, _ = told(*call, "--library", "killed", cwd=tmp_path)
    assert status == 0
    assert found == expected


def test_interrupted_it_says_how_to_go_on_and_does(tmp_path: Path, film: Path) -> None:
    shutil.copy(film, tmp_path / "mars.ser")
    call = ("rank", "mars.ser", "--jsonl")
    process = start(*call, cwd=tmp_path, slow=True)
    until = time.monotonic() + 60
    while not rows_kept(tmp_path / ".q") and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert out == b""
    assert "goes on from there" in err.decode()
    assert len(err.decode().splitlines()) == 2, err.decode()  # "finishing", and that it goes on
    kept = rows_kept(tmp_path / ".q")
    assert 0 < kept < FRAMES
    status, found, _ = told(*call, cwd=tmp_path)
    assert status == 0
    assert found == told(*call, "--no-keep", "--library", "other", cwd=tmp_path)[1]


def test_a_full_disk_is_told_in_one_line(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = open_library(tmp_path / "library", create=True)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limit[1]))
        with pytest.raises(LibraryError, match="--no-keep ranks without"):
            library.rank_frames(film)
        ranking = library.rank_frames(film, keep=False)
        assert len(ranking) == FRAMES
        ranking.video.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    again = library.rank_frames(film)
    assert again.order.tolist() == ranking.order.tolist()
    again.video.close()
    library.close()


def test_a_library_that_may_only_be_read_ranks(tmp_path: Path, film: Path) -> None:
    """As on a disk that is read-only: nothing is kept, and what was kept is not needed."""
    library = open_library(tmp_path / "library", create=True)
    expected = library.rank_frames(film, keep=False)
    library.catalogue.writable = False
    found = library.rank_frames(film)
    assert found.order.tolist() == expected.order.tolist()
    assert not (library.folder / "frames").exists()
    for ranking in (expected, found):
        ranking.video.close()
    library.close()
