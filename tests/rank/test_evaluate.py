"""`q evaluate ranking` compares tables by frame, and says in one line what is wrong with them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from seeing.cli import run
from seeing.commands import evaluate
from seeing.errors import UsageError
from seeing.rank.agreement import kendall, overlap
from seeing.train.figures import spearman

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """ask("a.csv", "--truth", "t.csv") runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    evaluate.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["evaluate", "ranking", *arguments])


def refused(answer: Result) -> str:
    assert isinstance(answer.exception, UsageError), answer.output
    assert "\n" not in str(answer.exception)
    return str(answer.exception)


def table(name: str, **columns: Any) -> str:
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return name


def night(seed: int, count: int = 80) -> tuple[str, str]:
    """A truth, and a ranking of it in order of the scores, as `q rank --csv` writes it."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=count)
    scores = true + 0.5 * rng.normal(size=count)
    order = np.argsort(-scores)
    truth = table(f"t{seed}.csv", frame=range(count), fidelity=true, strehl=-true)
    ranked = table(
        f"r{seed}.csv", rank=range(1, count + 1), item=["a.ser"] * count, frame=order,
        score=scores[order],
    )  # fmt: skip
    return ranked, truth


def columns(name: str) -> dict[str, NDArray[np.float64]]:
    with Path(name).open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["frame"]))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0] if key != "item"}


def test_figures_are_those_of_frames_matched_by_number(ask: Ask) -> None:
    ranked, truth = night(1)
    given, true = columns(ranked)["score"], columns(truth)["fidelity"]
    told = json.loads(ask(ranked, "--truth", truth, "--json").stdout)
    assert (told["command"], told["version"], told["column"]) == (
        "evaluate ranking", 1, "fidelity"
    )  # fmt: skip
    [row] = told["results"]
    assert row["spearman"] == pytest.approx(spearman(given, true), abs=1e-5)
    assert row["kendall"] == pytest.approx(kendall(given, true), abs=1e-5)
    assert row["hits"] == pytest.approx(overlap(given, true, 4), abs=1e-5)
    assert row["spearman_low"] < row["spearman"] < row["spearman_high"]
    shown = ask(ranked, "--truth", truth).stdout.splitlines()
    assert shown[0].split()[:4] == ["ranking", "frames", "Spearman", "Kendall"]
    assert shown[1].startswith(f"r1.csv       80  {row['spearman']:.3f} (")


def test_other_columns_and_other_rankings_are_truths_too(ask: Ask) -> None:
    ranked, truth = night(1)

    def found(*arguments: str) -> float:
        told = json.loads(ask(*arguments, "--json").stdout)
        return float(told["results"][0]["spearman"])

    whole = found(ranked, "--truth", truth)
    assert found(ranked, "--truth", truth, "--column", "strehl") == -whole
    assert found(ranked, "--truth", truth, "--score", "rank") == whole, "rank 1 is the best"
    assert found(ranked, "--truth", ranked) == 1
    rated = table("rated.csv", frame=range(80), stars=columns(truth)["fidelity"] > 0.5)
    Path(rated).write_text(Path(rated).read_text().replace("True", "5").replace("False", "2"))
    assert 0.5 < found(ranked, "--truth", rated, "--column", "stars") < 1


def test_rankings_of_one_video_have_a_line_each(ask: Ask) -> None:
    ranked, truth = night(1)
    perfect = table("p.csv", frame=range(80), score=columns(truth)["fidelity"])
    answer = ask(ranked, perfect, "--truth", truth, "--csv", "-", "--plot", "a.svg")
    rows = list(csv.DictReader(answer.stdout.splitlines()))
    assert [row["ranking"] for row in rows] == [ranked, perfect]
    assert rows[1]["kendall"] == "1.0"
    assert "<!-- p.csv -->" in Path("a.svg").read_text()
    assert answer.stderr == "q: plot: a.svg\n"
    ask(ranked, "--truth", truth, "--plot", "b.svg")
    assert "Spearman 0." in Path("b.svg").read_text()


def test_several_videos_have_a_mean_with_its_interval(ask: Ask) -> None:
    pairs = [night(seed) for seed in (1, 2, 3)]
    truths = [word for _, truth in pairs for word in ("--truth", truth)]
    told = json.loads(ask(*[ranked for ranked, _ in pairs], *truths, "--json").stdout)
    *each, mean = told["results"]
    assert [row["truth"] for row in each] == ["t1.csv", "t2.csv", "t3.csv"]
    assert mean["ranking"] == "mean of 3 videos"
    values = [row["spearman"] for row in each]
    assert mean["spearman"] == pytest.approx(np.mean(values), abs=1e-5)
    assert min(values) <= mean["spearman_low"] <= mean["spearman_high"] <= max(values)
    assert "2 truths" in refused(ask(*["r1.csv"] * 3, "--truth", "t1.csv", "--truth", "t2.csv"))


def test_frames_without_score_or_partner(ask: Ask) -> None:
    _, truth = night(1)
    scores = [str(v) for v in columns(truth)["fidelity"]]
    scores[3:9] = ["", "nan", "", "", "", ""]
    ranked = table("r.csv", frame=range(10, 90), score=scores)
    answer = ask(ranked, "--truth", truth, "--json")
    [row] = json.loads(answer.stdout)["results"]
    assert (row["frames"], row["unscored"]) == (70, 6)
    assert answer.stderr.splitlines() == [
        "q: 10 frames only in r.csv are left out", "q: 10 frames only in t1.csv are left out"
    ]  # fmt: skip
    assert ask(ranked, "--truth", truth, "--json", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "without a line of names"),
        (b"frame,score\n", "without rows"),
        (b"frame,scor\n1,2\n", "no column score (did you mean scor?)"),
        (b"nr,score\n1,2\n", "no column frame"),
        (b"frame,score\n1,2\n1,3\n", "line 3: frame 1 is there twice"),
        (b"frame,score\n1,2\n2,good\n", "line 3: good is not a number"),
        (b"frame,score\none,2\n", "line 2: a frame's number is a whole one, not one"),
        (b"frame,score\n,2\n", "not empty"),
        (b'frame,score\n1,"2\n', "no CSV table"),
        (b"\xff\xfe\x00\x01", "no CSV table"),
        (b"frame,score\n900,1\n901,2\n902,3\n", "no frame in common"),
        (b"frame,score\n1,1\n2,2\n", "3 or more"),
        (b"frame,score\n" + b"9" * 200_000 + b",1\n", "no CSV table"),
        (b"frame,score\n" + b"9" * 5000 + b",1\n", "a whole one"),
    ],
)
def test_a_bad_table_is_told_in_one_line(ask: Ask, content: bytes, said: str) -> None:
    _, truth = night(1)
    Path("bad.csv").write_bytes(content)
    told = refused(ask("bad.csv", "--truth", truth))
    assert said in told
    assert told.startswith("bad.csv") or "bad.csv" in told
    assert len(told) < 300


def test_what_is_not_there_is_told(ask: Ask) -> None:
    ranked, truth = night(1)
    assert (
        refused(ask("no.csv", "--truth", truth)) == "can't read no.csv: No such file or directory"
    )
    assert "no column fidelty (did you mean fidelity?)" in refused(
        ask(ranked, "--truth", truth, "--column", "fidelty")
    )
    assert "rename it" in refused(ask(ranked, "--truth", truth, "--plot", "a.gif"))
    assert ask(ranked).exit_code == 2, "no truth"


def test_tables_with_a_mark_in_front_and_blanks_are_read(ask: Ask) -> None:
    """As spreadsheets write them."""
    ranked, truth = night(1)
    text = Path(ranked).read_text().replace("frame", " frame ").replace("\n", "\r\n")
    Path("s.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    one, other = (
        json.loads(ask(name, "--truth", truth, "--json").stdout)["results"][0]
        for name in ("s.csv", ranked)
    )
    assert one == other | {"ranking": "s.csv"}


# --- of which video -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights that begin at the same time, one shorter; each with its truth and ranking."""
    folder = tmp_path_factory.mktemp("nights")
    for name, frames, seed in (("mars", 24, 1), ("moon", 24, 2), ("short", 16, 1)):
        video = folder / f"{name}.ser"
        for call in (
            ["simulate", str(video), "--frames", str(frames), "--size", "64", "--seed", str(seed)],
            ["rank", str(video), "--csv", str(folder / f"{name}.rank.csv")],
        ):
            assert run([*call, "-q", "--library", str(folder)]) == 0
    later = table(str(folder / "later.csv"), frame=range(24), score=range(24),
                  time=[f"2026-03-20T22:00:{n:02}.000Z" for n in range(24)])  # fmt: skip
    assert later
    return folder


@pytest.mark.parametrize(
    ("ranked", "truth", "said"),
    [
        ("moon.rank.csv", "mars.csv", "moon.rank.csv is of moon.ser, not of mars.ser"),
        ("mars.rank.csv", "moon.csv", "moon.csv is not of mars.ser: its frame 0 has other pixels"),
        ("mars.rank.csv", "short.csv", None),
        ("later.csv", "mars.csv", "was taken at 2026-03-20T22:00:00.000Z, the video's at 2026-"),
        ("mars.rank.csv", "mars.csv", None),
    ],
)
def test_tables_of_another_video_are_refused(
    ask: Ask, nights: Path, ranked: str, truth: str, said: str | None
) -> None:
    call = (str(nights / ranked), "--truth", str(nights / truth), "--video")
    if said is None:
        answer = ask(*call, str(nights / "mars.ser"), "--library", str(nights))
        assert answer.exit_code == 0, answer.output
    else:
        assert said in refused(ask(*call, str(nights / "mars.ser")))


def test_a_truth_of_a_longer_video_is_refused(ask: Ask, nights: Path) -> None:
    call = (str(nights / "mars.rank.csv"), "--truth", str(nights / "mars.csv"))
    told = refused(ask(*call, "--video", str(nights / "short.ser")))
    assert "tells of frame 23, short.ser has 16, counted from 0" in told


def test_a_video_may_lie_elsewhere(ask: Ask, nights: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "mars.ser"
    moved.parent.mkdir()
    moved.write_bytes((nights / "mars.ser").read_bytes())
    call = (str(nights / "mars.rank.csv"), "--truth", str(nights / "mars.csv"))
    assert ask(*call, "--video", str(moved)).exit_code == 0
