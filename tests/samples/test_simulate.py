"""`q simulate` writes a video, its truth and a reference, or nothing at all."""

import csv
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from seeing.cli import run
from seeing.errors import EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED
from seeing.samples import record as record_module
from seeing.samples.night import Night, simulated
from seeing.samples.processed import processed_reference
from seeing.video.base import Overrides
from seeing.video.ser import open_ser


class Answer(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def small(capfd: pytest.CaptureFixture[str]) -> object:
    """small("a.ser", ...) runs `q simulate a.ser` with few small frames and returns its answer."""

    def asked(*arguments: str) -> Answer:
        capfd.readouterr()
        options = ("--object", "moon", "--frames", "20", "--size", "64")
        status = run(["simulate", *options, *arguments])
        sys.stdout.flush()
        return Answer(status, *capfd.readouterr())

    return asked


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_video_holds_the_nights_frames_and_times(small: object, home: Path) -> None:
    answer = small("a.ser", "--seed", "3", "--seeing", "4", "--light", "900", "--rate", "50")  # type: ignore[operator]
    assert answer.status == EXIT_DONE
    assert answer.err == ""
    assert answer.out.startswith("a.ser: 20 frames, median D/r0 ")
    assert files(home) == ["a.csv", "a.ser"]
    night = Night("moon", 20, 64, seed=3, seeing=4, light=900, rate=50)
    frames, truth = simulated(night)
    with open_ser(Path("a.ser"), Overrides()) as video:
        stored = np.concatenate([samples for _, samples in video.batches()])
        assert np.array_equal(stored[..., 0], frames)
        assert video.about.times is not None
        assert np.array_equal(video.about.times, night.times())
    rows = list(csv.DictReader(Path("a.csv").read_text().splitlines()))
    assert [int(row["frame"]) for row in rows] == list(range(20))
    assert np.array([float(row["fidelity"]) for row in rows]) == pytest.approx(
        truth.fidelity, abs=6e-6
    )


@pytest.mark.parametrize(
    ("options", "planes", "dtype", "pattern"),
    [
        (("--colour", "--depth", "16"), 3, np.uint16, None),
        (("--bayer", "GBRG", "--depth", "12"), 1, np.uint16, "GBRG"),
    ],
)
def test_colours_and_depths_are_in_the_file(
    small: object, options: tuple[str, ...], planes: int, dtype: type, pattern: str | None
) -> None:
    assert small("a.ser", *options).status == EXIT_DONE  # type: ignore[operator]
    with open_ser(Path("a.ser"), Overrides()) as video:
        assert (video.about.planes, video.about.pattern) == (planes, pattern)
        assert video.about.depth == int(options[-1])
        assert video.frame(0).dtype == dtype


def test_the_reference_is_that_of_an_earlier_night(small: object, home: Path) -> None:
    answer = small("a.ser", "--reference", "r.png", "--turn", "0", "--mirror", "--json")  # type: ignore[operator]
    document = json.loads(answer.out)
    assert [file["kind"] for file in document["files"]] == ["video", "truth", "reference"]
    assert document["frames"] == 20
    assert document["spoilt"] == {"sliced": 0, "cut": 0, "duplicate": 0}
    assert files(home) == ["a.csv", "a.ser", "r.png"]
    expected = processed_reference("moon", 0, size=64, turn=0, mirror=True)
    assert np.array_equal(np.asarray(Image.open("r.png")), expected)


def test_files_that_are_there_are_kept_unless_forced(small: object, home: Path) -> None:
    for name in ("a.ser", "a.csv", "r.png"):
        Path(name).write_text("mine")
        answer = small("a.ser", "--reference", "r.png")  # type: ignore[operator]
        assert answer.status == EXIT_ERROR
        assert answer.err == f"q: {name} is there already; --force replaces files\n"
        assert files(home) == [name]
        assert Path(name).read_text() == "mine"
        Path(name).unlink()
    Path("a.ser").write_text("mine")
    assert small("a.ser", "--force").status == EXIT_DONE  # type: ignore[operator]
    assert Path("a.ser").stat().st_size == 178 + 20 * 64 * 64 + 20 * 8


def test_a_picture_may_be_the_object(small: object) -> None:
    steps = np.arange(100) - 50
    disc = (np.hypot(steps[:, None], steps) < 30).astype(np.uint8) * 250
    Image.fromarray(disc).save("disc.png")
    answer = small("a.ser", "--object", "disc.png", "--json")  # type: ignore[operator]
    assert answer.status == EXIT_DONE, answer.err
    assert json.loads(answer.out)["object"] == "picture"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("a.ser", "--object", "saturn"), "neither one of giant, rocky, moon nor a file"),
        (("a.ser", "--object", "text.png"), "text.png"),
        (("a.avi",), "written as SER"),
        (("none/a.ser",), "there is no folder none"),
        (("a.ser", "--truth", "a.ser"), "two files would be"),
        (("a.ser", "--depth", "10"), "depth is 8, 12 or 16"),
        (("a.ser", "--seeing", "0"), "seeing is 0.05 to 30"),
        (("a.ser", "--seeing", "nan"), "seeing is 0.05 to 30"),
        (("a.ser", "--start", "tomorrow"), "start is a time like"),
        (("a.ser", "--bayer", "RGGB", "--colour"), "excludes colour"),
        (("a.ser", "--sliced", "20"), "more frames would be spoilt"),
        (("a.ser", "--reference", "r.png", "--scale", "0"), "scale"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_means_nothing_is_refused_in_a_line(
    small: object, home: Path, options: tuple[str, ...], words: str
) -> None:
    Path("text.png").write_text("no picture")
    answer = small(*options)  # type: ignore[operator]
    assert answer.status == EXIT_ERROR
    assert words in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out == ""
    assert files(home) == ["text.png"]


@pytest.mark.parametrize("problem", [KeyboardInterrupt, OSError])
def test_nothing_is_left_of_what_was_not_finished(
    small: object, home: Path, monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    """Ctrl-C, or a full disk, after the frames and before the truth."""

    def fail(*_: object) -> None:
        raise problem(28, "No space left on device")

    monkeypatch.setattr(record_module, "truth_rows", fail)
    answer = small("a.ser")  # type: ignore[operator]
    assert answer.status == (EXIT_INTERRUPTED if problem is KeyboardInterrupt else EXIT_ERROR)
    assert files(home) == []
    assert answer.err.count("\n") == 1
