"""`q rank` on videos: every way to ask, and the forms of the answer."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteSer = Callable[..., Path]
Told = tuple[int, str, str]
SIDE = 64


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
