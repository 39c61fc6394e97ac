"""`q rank` on videos: every way to ask, every wrong way, and what happens on the way."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from seeing.cli import run as run_command
from seeing.errors import InterruptionError
from seeing.library import open_library
from seeing.samples.night import Night, simulated

WriteSer = Callable[..., Path]
Told = tuple[int, str, str]
SIDE = 64


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_ser: WriteSer) -> Path:
    """Three videos of a planet, one after another, with times; one without; one of another size."""
    folder = tmp_path_factory.mktemp("films")
    night = Night("giant", 120, seed=4, size=96, drift=0.1)
    frames, times = simulated(night)[0], night.times()
    write_ser(folder / "mars.ser", frames, times=times)
    for part in range(3):
        piece = slice(40 * part, 40 * part + 40)
        write_ser(folder / f"part{part}.ser", frames[piece], times=times[piece])
    write_ser(folder / "untimed.ser", frames[:60])
    write_ser(folder / "small.ser", np.ascontiguousarray(frames[:20, 8:-8, 8:-8]))
    Image.fromarray(frames[0]).save(folder / "still.png")
    (folder / "broken.ser").write_bytes((folder / "mars.ser").read_bytes()[:500])
    return folder


@pytest.fixture
def q(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Callable[..., Told]:
    """Run a command beside the videos; (status, standard output, standard error)."""
    monkeypatch.chdir(films)
    for name in [name for name in os.environ if name.startswith("Q_")]:
        monkeypatch.delenv(name)
    library = tmp_path / "library"

    def run(*arguments: str | Path, status: int | None = 0) -> Told:
        capfd.readouterr()
        found = run_command([*map(str, arguments), "--library", str(library)])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        assert status is None or found == status, (found, out, err)
        assert "Traceback" not in err
        return found, out, err

    return run


@pytest.fixture
def refused(q: Callable[..., Told]) -> Callable[..., str]:
    def run(*arguments: str | Path) -> str:
        _, out, err = q(*arguments, status=2)
        assert out == ""
        assert len(err.splitlines()) == 1, err
        return err

    return run


def ranked(out: str) -> list[int]:
    return [row["frame"] for row in json.loads(out)["results"]]


# --- forms of the answer --------------------------------------------------------------------------


def test_a_person_sees_twenty_and_what_to_stack(q: Callable[..., Told]) -> None:
    _, out, _ = q("rank", "mars.ser")
    lines = out.splitlines()
    assert lines[0].split() == ["rank", "score", "0-100", "shift", "flags", "why", "item"]
    assert len(lines) == 22
    assert lines[1].split()[0] == "1"
    assert "mars.ser#" in lines[1]
    assert lines[-1].startswith("... and 100 more")
    assert "worth stacking: the best " in lines[-1]


def test_scores_of_a_table_stand_below_each_other_and_differ(q: Callable[..., Told]) -> None:
    for by in ("self", "pipp", "laplacian"):
        lines = q("rank", "mars.ser", "--by", by)[1].splitlines()[1:21]
        scores = [line.split()[1] for line in lines]
        assert len({len(score.partition(".")[2]) for score in scores}) == 1, scores
        assert len(set(scores)) == 20, scores


def test_every_form_tells_the_same(q: Callable[..., Told]) -> None:
    document = json.loads(q("rank", "mars.ser", "--json")[1])
    assert document["command"] == "rank"
    assert document["video"]["frames"] == 120
    assert document["scorer"].startswith("self@")
    rows = document["results"]
    assert sorted(row["frame"] for row in rows) == list(range(120))
    assert [row["rank"] for row in rows] == list(range(1, 121))
    lines = [json.loads(line) for line in q("rank", "mars.ser", "--jsonl")[1].splitlines()]
    assert lines == rows
    table = list(csv.DictReader(io.StringIO(q("rank", "mars.ser", "--csv", "-")[1])))
    assert [int(row["frame"]) for row in table] == [row["frame"] for row in rows]
    assert [row["time"] for row in table] == [row["time"] for row in rows]
    paths = q("rank", "mars.ser", "--paths")[1].splitlines()
    assert paths == [row["item"] for row in rows]
    assert rows[0]["time"].startswith("2026-03-20T21:00:0")
    assert all(0 <= row["percent"] <= 100 for row in rows if row["percent"] is not None)


def test_top_cuts_every_form(q: Callable[..., Told]) -> None:
    assert len(q("rank", "mars.ser", "--top", "7")[1].splitlines()) == 8
    assert len(ranked(q("rank", "mars.ser", "--top", "7", "--json")[1])) == 7
    assert len(q("rank", "mars.ser", "--top", "30")[1].splitlines()) == 31
    assert len(q("rank", "mars.ser", "--top", "9999", "--paths")[1].splitlines()) == 120


def test_paths_are_addresses_that_other_commands_take(q: Callable[..., Told]) -> None:
    best = q("rank", "mars.ser", "--top", "2", "--paths")[1].splitlines()
    q("index", "-e", "thumbnail", "still.png")
    _, out, _ = q("find-similar", *best, "--paths", status=None)
    assert out.splitlines()[0].endswith("still.png")


def test_sheets_and_plots_are_pictures(q: Callable[..., Told], tmp_path: Path) -> None:
    sheet, worst, plot = tmp_path / "best.png", tmp_path / "worst.jpg", tmp_path / "plot.png"
    _, _, err = q("rank", "mars.ser", "--sheet", sheet, "--extremes", worst, "--plot", plot)
    for path in (sheet, worst, plot):
        with Image.open(path) as picture:
            assert min(picture.size) > 200
            assert np.asarray(picture.convert("L")).std() > 5
        assert str(path) in err


def test_a_comparison_shows_both_and_their_correlation(
    q: Callable[..., Told], tmp_path: Path
) -> None:
    sheet = tmp_path / "both.png"
    _, out, _ = q("rank", "mars.ser", "--compare", "laplacian", "--sheet", sheet)
    assert out.startswith("rank correlation of self and laplacian: ")
    assert sheet.stat().st_size > 10_000
    document = json.loads(q("rank", "mars.ser", "--compare", "self", "--json")[1])
    assert document["spearman"] == pytest.approx(1)
    document = json.loads(q("rank", "mars.ser", "--compare", "brightness", "--json")[1])
    assert -1 <= document["spearman"] < 0.9
    assert len(document["results"]) == 120


@pytest.mark.parametrize(
    "by",
    ["pipp", "pipp-normalised", "laplacian", "tenengrad", "band-power", "roundness", "brightness"],
)
def test_every_scorer_ranks(q: Callable[..., Told], by: str) -> None:
    document = json.loads(q("rank", "mars.ser", "--by", by, "--json")[1])
    assert document["scorer"].startswith(f"{by}@")
    assert sorted(row["frame"] for row in document["results"]) == list(range(120))


# --- parts of the video ---------------------------------------------------------------------------


def test_spread_takes_the_best_of_each_time(q: Callable[..., Told]) -> None:
    every = json.loads(q("rank", "mars.ser", "--json")[1])["results"]
    good = [row for row in every if not row["flags"]]
    spread = ranked(q("rank", "mars.ser", "--spread", "0.2", "--json")[1])
    # 120 frames at 100 a second: six times of twenty frames
    assert sorted(frame // 20 for frame in spread) == list(range(6))
    for frame in spread:
        first = next(row["frame"] for row in good if row["frame"] // 20 == frame // 20)
        assert frame == first


def test_spread_asks_for_a_rate_where_there_are_no_times(
    q: Callable[..., Told], refused: Callable[..., str]
) -> None:
    assert "--rate" in refused("rank", "untimed.ser", "--spread", "0.2")
    found = ranked(q("rank", "untimed.ser", "--spread", "1", "--rate", "20", "--json")[1])
    assert sorted(frame // 20 for frame in found) == [0, 1, 2]


def test_the_best_of_each_of_many_files(q: Callable[..., Told]) -> None:
    parts = [f"part{n}.ser" for n in range(3)]
    paths = q("rank", *parts, "--best", "1", "--paths")[1].splitlines()
    assert [path.partition("#")[0] for path in paths] == parts
    document = json.loads(q("rank", *parts, "--best", "2", "--json")[1])
    assert [video["video"]["path"] for video in document["videos"]] == parts
    assert [row["rank"] for row in document["results"]] == [1, 2] * 3
    table = q("rank", *parts, "--best", "2", "--csv", "-")[1]
    assert len(table.splitlines()) == 7
    blocks = q("rank", *parts, "--best", "1")[1].split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [f"{part}:" for part in parts]
    assert [len(block.splitlines()) for block in blocks] == [3, 3, 3]
    alone = ranked(q("rank", "part1.ser", "--best", "2", "--json")[1])
    assert alone == [row["frame"] for row in document["results"][2:4]]


def test_remarks_say_of_which_video_they_are(q: Callable[..., Told], films: Path) -> None:
    call = ("rank", "mars.ser", "untimed.ser", "--reference", "still.png", "--best", "1")
    err = q(*call)[2]
    said = [line.split(": ")[1] for line in err.splitlines() if "the reference is" in line]
    assert said == ["mars.ser", "untimed.ser"]
    assert json.loads(q(*call, "--json")[1])["remarks"] == [
        line.removeprefix("q: ") for line in err.splitlines()
    ]
    assert "mars.ser: the ref" not in q("rank", "mars.ser", "--reference", "still.png")[2]


def test_a_folder_of_videos_is_each_of_them(
    q: Callable[..., Told], refused: Callable[..., str], films: Path, tmp_path: Path
) -> None:
    nights = tmp_path / "nights"
    (nights / "later").mkdir(parents=True)
    for name in ("part0.ser", "part1.ser"):
        (nights / name).symlink_to(films / name)
    (nights / "later" / "part2.ser").symlink_to(films / "part2.ser")
    (nights / "notes.txt").write_text("fog at two")
    _, out, err = q("rank", f"{nights}/", "--json")
    document = json.loads(out)
    files = ["later/part2.ser", "part0.ser", "part1.ser"]
    assert [video["video"]["path"] for video in document["videos"]] == [
        str(nights / name) for name in files
    ]
    assert [row["rank"] for row in document["results"]] == [*range(1, 41)] * 3
    assert f"as one capture: q rank {nights}/*.ser" in err
    table = q("rank", nights, "--top", "2", "--csv", tmp_path / "a.csv")[1]
    assert [len(block.splitlines()) for block in table.split("\n\n")] == [4, 4, 4]
    assert len(q("rank", nights / "later", "--json")[1]) > 100
    assert q("rank", nights / "later", "--top", "2")[2] == ""
    assert "one video at a time" in refused("rank", nights, "--sheet", tmp_path / "a.png")
    Image.new("L", (64, 64), 9).save(nights / "other.png")
    assert f"q rank {nights}/*.ser --best 20" in refused("rank", nights)
    assert len(q("rank", nights, "--by", "self", "--best", "1", "--paths")[1].splitlines()) == 3


def test_a_broken_file_does_not_stop_the_others(q: Callable[..., Told]) -> None:
    _, out, err = q(
        "rank", "part0.ser", "broken.ser", "part1.ser", "--best", "1", "--paths", status=3
    )
    assert [line.partition("#")[0] for line in out.splitlines()] == ["part0.ser", "part1.ser"]
    assert "broken.ser" in err


def test_several_files_are_one_capture(q: Callable[..., Told]) -> None:
    document = json.loads(q("rank", "part0.ser", "part1.ser", "part2.ser", "--json")[1])
    whole = json.loads(q("rank", "mars.ser", "--json")[1])
    found = [40 * int(row["item"][4]) + row["frame"] for row in document["results"]]
    assert found == [row["frame"] for row in whole["results"]]
    assert [row["time"] for row in document["results"]] == [row["time"] for row in whole["results"]]


# --- wrong calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mars.ser", "small.ser"], "small.ser"),
        (["mars.ser", "still.png"], "apart"),
        (["mars.ser", "missing.ser"], "missing.ser: no such file"),
        (["missing.ser", "--plot", "a.png"], "missing.ser: no such file"),
        (["missing.ser", "--by", "self"], "missing.ser: no such file"),
        (["broken.ser"], "broken.ser"),
        (["mars.ser", "--by", "laplacean"], "laplacian"),
        (["mars.ser", "--compare", "laplacean"], "laplacian"),
        (["mars.ser", "--by", "reference"], "--reference FILE"),
        (["mars.ser", "--by", "dot"], "--reference FILE"),
        (["mars.ser", "--compare", "reference"], "--reference FILE"),
        (["mars.ser", "--by", "pipp-name"], "PIPP"),
        (["mars.ser", "--reference", "missing.png"], "missing.png"),
        (["mars.ser", "--reference", "broken.ser"], "broken.ser"),
        (["mars.ser", "--json", "--paths"], "--"),
        (["mars.ser", "--csv", "no folder/a.csv"], "no folder"),
        (["mars.ser", "--sheet", "a.txt"], "a.txt"),
        (["mars.ser", "--extremes", "a.txt"], "a.txt"),
        (["mars.ser", "--plot", "a.txt"], "a.txt"),
        (["mars.ser", "--plot", "no folder/a.png"], "no folder"),
        (["mars.ser", "--top", "0"], "--top"),
        (["mars.ser", "--best", "0"], "--best"),
        (["mars.ser", "--spread", "0"], "--spread"),
        (["mars.ser", "--kind", "star"], "--kind"),
        (["mars.ser", "--cutoff", "0.9"], "--cutoff"),
        (["mars.ser", "--depth", "17"], "--depth"),
        (["part0.ser", "part1.ser", "--best", "1", "--sheet", "a.png"], "one video at a time"),
        (["still.png", "--best", "1"], "--frames"),
        (["--best", "1"], "name one"),
        (["mars.ser", "--rate", "20"], "--rate does nothing without --spread"),
        (["mars.ser", "--device", "cpu"], "--device does nothing without --by embedding"),
        (["mars.ser", "-0"], "-0 does nothing without --paths or --from"),
        (["still.png", "--reference", "still.png", "--depth", "8"], "nothing without a video"),
    ],
)  # fmt: skip
def test_wrong_calls_are_one_line(
    refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in refused("rank", *arguments)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("simulate x.ser --turn 3 --mirror", "--turn and --mirror do nothing without --reference"),
        ("stack mars.ser --out x.tif --strength 2", "nothing without --sharpened FILE or --sheet"),
        ("export mars.ser --csv x.csv --link", "--link does nothing without --files"),
        ("export mars.ser --ser x.ser --tif", "--tif does nothing without --pictures"),
        ("export mars.ser --seq x.seq --debayer", "without --ser, --siril or --pictures"),
        ("export mars.ser --ser x.ser --siril-version 1.0", "without --siril or --seq"),
        (
            "evaluate ranking x.csv --truth x.csv --percent 5",
            "--percent does nothing without --vid",
        ),
        ("index still.png -0", "-0 does nothing without --from"),
        ("find-similar still.png -0", "-0 does nothing without --paths or --from"),
    ],
)
def test_options_that_change_nothing_are_told(
    refused: Callable[..., str], films: Path, call: str, said: str
) -> None:
    assert said in refused(*call.split())
    assert not list(films.glob("x.*"))


def test_a_config_file_may_say_what_means_nothing_in_a_call(
    q: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "library" / ".q").mkdir(parents=True)
    config = tmp_path / "library" / ".q" / "config.toml"
    config.write_text('[export]\nsiril-version = "1.0"\n')
    q("export", "mars.ser", "--top", "2", "--ser", tmp_path / "a.ser")
    q("export", "mars.ser", "--top", "2", "--siril", tmp_path / "b.ser")
    assert " 3\n" in (tmp_path / "b.seq").read_text().splitlines(keepends=True)[1]


def test_parts_in_the_wrong_order_are_told(q: Callable[..., Told]) -> None:
    status, _, err = q("rank", "part1.ser", "part0.ser", status=None)
    assert status == 2 or "order" in err, err


def test_a_reference_of_another_object_is_told_and_not_used(
    q: Callable[..., Told], tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (99, 99), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    _, out, err = q("rank", "mars.ser", "--reference", tmp_path / "noise.png", "--json")
    assert "does not show this object" in err
    document = json.loads(out)
    assert document["registration"]["verdict"] == "wrong"
    assert document["scorer"].startswith("self@")
    assert ranked(out) == ranked(q("rank", "mars.ser", "--json")[1])


# --- what happens on the way ----------------------------------------------------------------------


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
