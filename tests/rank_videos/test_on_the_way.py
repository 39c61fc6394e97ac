"""`q rank` on videos: pipes, interruptions, files that are there, what is kept."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.io import fits

from seeing.errors import InterruptionError
from seeing.library import open_library

WriteSer = Callable[..., Path]
Told = tuple[int, str, str]
SIDE = 64


def ranked(out: str) -> list[int]:
    return [row["frame"] for row in json.loads(out)["results"]]


def test_a_closed_pipe_ends_quietly(films: Path, tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "q"
    call = 'set -o pipefail; "$0" rank mars.ser --jsonl --library "$1" | head -1'
    done = subprocess.run(
        ["bash", "-c", call, command, tmp_path],
        cwd=films, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert done.stderr == b""
    assert json.loads(done.stdout)["rank"] == 1


def test_a_stack_in_fits_says_how_it_was_made(q: Callable[..., Told], tmp_path: Path) -> None:
    file = tmp_path / "a.fits"
    call = ("stack", "mars.ser", "--reference", "still.png", "--percent", "10", "--out", file)
    document = json.loads(q(*call, "--weigh-by", "scores", "--json")[1])
    header = fits.getheader(file)
    assert header["NCOMBINE"] == header["STACKCNT"] == document["results"][0]["frames"] == 12
    assert header["TIMESYS"] == "UTC"
    said = "\n".join(header["HISTORY"])
    assert f"scorer {document['scorer']}: cosine to the reference" in said
    assert "the best 12 of 120 good frames (10 %) chosen" in said
    assert "reference still.png: turned by" in said
    assert "weighed by scores" in said
    assert f"effective frames {document['results'][0]['effective']}" in said


@pytest.mark.parametrize("command", ["rank", "export"])
def test_a_table_that_is_no_ranking_is_not_replaced(
    q: Callable[..., Told], refused: Callable[..., str], tmp_path: Path, command: str
) -> None:
    table = tmp_path / "mars.csv"
    for text in ("frame,fidelity\n0,0.9\n", "\nfive of them are good\n", "frame\trating\n1\t5\n"):
        table.write_text(text)
        said = refused(command, "mars.ser", "--csv", table)
        assert "is no table of this kind" in said
        assert "Name another file" in said
        assert table.read_text() == text
    table.write_text("")
    q(command, "mars.ser", "--top", "2", "--csv", table)
    assert len(table.read_text().splitlines()) == 3
    q(command, "mars.ser", "--top", "5", "--csv", table)
    assert len(table.read_text().splitlines()) == 6


def test_the_truth_about_a_video_outlives_its_ranking(
    q: Callable[..., Told], refused: Callable[..., str], tmp_path: Path
) -> None:
    video = tmp_path / "night.ser"
    q("simulate", video, "--frames", "12", "--size", "64")
    truth = video.with_suffix(".csv").read_bytes()
    assert "it begins: frame,time,fidelity" in refused(
        "rank", video, "--csv", f"{tmp_path}/night.csv"
    )
    assert "scorer" not in refused(
        "stack", video, "--out", tmp_path / "a.tif", "--csv", f"{tmp_path}/night.csv"
    )
    assert video.with_suffix(".csv").read_bytes() == truth
    assert not (tmp_path / "a.tif").exists()


@pytest.mark.parametrize(
    ("call", "where", "said"),
    [
        ("rank mars.ser --sheet OUT/a.png", "rank.frame_sheets.draw_best", "goes on from there"),
        ("rank mars.ser --sheet OUT/a.png --no-keep", "rank.frame_sheets.draw_best", ""),
        ("stack mars.ser --out OUT/a.tif", "rank.frame_stacks.stack_frames", "measured is kept"),
        ("stack mars.ser --out OUT/a.tif --no-keep", "rank.frame_stacks.stack_frames", ""),
        ("export mars.ser --ser OUT/a.ser", "stack.export.export_ser", "measured is kept"),
    ],
)
def test_an_interruption_promises_what_is_true(
    q: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    call: str, where: str, said: str,
) -> None:  # fmt: skip
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"seeing.{where}", interrupt)
    _, out, err = q(*call.replace("OUT", str(tmp_path)).split(), status=130)
    last = err.splitlines()[-1]
    assert last.startswith("q: interrupted; ") if said else last == "q: interrupted"
    assert said in last
    assert ("goes on" in last) == (said == "goes on from there")
    assert out == ""


def test_a_wish_to_stop_is_heard_while_a_scorer_reads(
    q: Callable[..., Told], films: Path, tmp_path: Path
) -> None:
    """The measuring is done: of what is left nothing is kept, and that is what is said."""
    q("rank", "mars.ser")
    with (
        open_library(tmp_path / "library") as library,
        pytest.raises(InterruptionError, match=r"scoring 64 of 120 .* scores them anew"),
    ):
        library.rank_frames(films / "mars.ser", by="pipp", should_stop=lambda: True)
    assert len(ranked(q("rank", "mars.ser", "--by", "pipp", "--json")[1])) == 120


def test_nothing_of_the_user_is_written_to(
    q: Callable[..., Told], films: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in films.iterdir()}
    q("rank", "mars.ser", "--sheet", tmp_path / "a.png")
    q("rank", "part0.ser", "part1.ser", "--no-keep")
    assert {path: path.stat().st_mtime_ns for path in films.iterdir()} == before
    assert not (films / ".q").exists()


def test_status_tells_what_is_kept_and_no_keep_keeps_nothing(
    q: Callable[..., Told], tmp_path: Path
) -> None:
    q("rank", "mars.ser", "--no-keep")
    folder = tmp_path / "library" / ".q" / "frames"
    assert not folder.exists()
    q("rank", "mars.ser")
    assert len(list(folder.iterdir())) == 3
    assert "frames" in q("status")[1]
