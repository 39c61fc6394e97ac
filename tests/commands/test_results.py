"""Forms of results: JSON, JSON lines, CSV and paths say the same as the table."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE

Draw = Callable[..., Path]
Ask = Callable[..., Any]


# --- JSON -----------------------------------------------------------------------------------------


DOCUMENTED: dict[tuple[str, ...], set[str]] = {
    ("find-similar", "pictures/0.png"): {"encoder", "targets", "close_from", "results"},
    ("rank", "--reference", "pictures/0.png"): {"scorer", "encoder", "reference", "results"},
    ("index", "pictures"): {
        "library", "dry_run", "new", "changed", "moved", "copied", "vanished", "returned",
        "unchanged", "encoded", "failed", "failed_before", "seconds", "stopped", "pruned",
    },
    ("status",): {
        "library", "items", "sources", "copies", "kinds", "unreadable", "vanished", "encoders",
        "scores", "runs", "catalogue_megabytes", "frames_megabytes", "models",
    },
    ("encoders",): {"library", "known"},
    ("doctor",): {"findings"},
}  # fmt: skip
ALWAYS = {"command", "version", "remarks"}


@pytest.mark.parametrize("call", DOCUMENTED, ids=[call[0] for call in DOCUMENTED])
def test_json_has_the_documented_keys_and_is_alone(
    home: Path, ask: Ask, call: tuple[str, ...]
) -> None:
    told = ask(*call, "--json").document()
    assert set(told) == ALWAYS | DOCUMENTED[call]
    assert told["command"] == call[0]
    assert told["version"] == 1
    assert isinstance(told["remarks"], list)


def test_json_of_results(home: Path, ask: Ask) -> None:
    told = ask("find-similar", "pictures/0.png", "-n", "2", "--json").document()
    assert told["targets"] == [{"item": "pictures/0.png", "weight": 1.0, "sign": 1}]
    assert [list(row) for row in told["results"]] == [
        ["rank", "item", "frame", "similarity", "percentile", "close", "width", "height", "labels"]
    ] * 2
    assert told["close_from"] is None
    for row in told["results"]:
        assert Path(row["item"]).is_file()
        assert row["frame"] is None
        assert row["close"] is None
        assert row["height"] == 24


def test_json_of_a_name_that_is_no_text(home: Path, ask: Ask, draw: Draw) -> None:
    import base64

    draw(Path("caf\udce9.png"), 9)
    ask("index", ".")
    rows = ask("find-similar", "pictures/0.png", "--json").document()["results"]
    row = next(row for row in rows if "item_bytes" in row)
    assert row["item"] == "caf\N{REPLACEMENT CHARACTER}.png"
    assert base64.b64decode(row["item_bytes"]) == b"caf\xe9.png"


def test_jsonl_is_an_object_a_line(home: Path, ask: Ask) -> None:
    answer = ask("find-similar", "pictures/0.png", "--jsonl")
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert rows == ask("find-similar", "pictures/0.png", "--json").document()["results"]
    assert len(ask("encoders", "--jsonl").out.splitlines()) >= 5


# --- CSV ------------------------------------------------------------------------------------------


def test_csv_to_a_file_and_to_standard_output(home: Path, ask: Ask) -> None:
    expected = ask("rank", "--reference", "pictures/0.png", "--json").document()["results"]
    answer = ask("rank", "--reference", "pictures/0.png", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [row["item"] for row in rows] == [row["item"] for row in expected]
    assert [float(row["score"]) for row in rows] == [row["score"] for row in expected]
    table = ask("rank", "--reference", "pictures/0.png", "--csv", "out.csv")
    assert (home / "out.csv").read_text() == answer.out
    assert table.out.startswith("rank"), "beside the table, not instead of it"
    assert ask("status", "--csv", "-").status == EXIT_DONE


@pytest.mark.parametrize("way", ["--paths", "--json", "--jsonl", ""])
def test_csv_to_a_file_goes_with_any_answer(home: Path, ask: Ask, way: str) -> None:
    answer = ask("find-similar", "pictures/0.png", "-n", "3", "--csv", "t.csv", *way.split())
    assert answer.status == EXIT_DONE
    assert answer.out
    assert len(list(csv.DictReader((home / "t.csv").read_text().splitlines()))) == 3


# --- paths ----------------------------------------------------------------------------------------


def test_paths_round_trip_with_strange_names(
    home: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = ["new\nline.png", " blank .png", "-n.png", "caf\udce9.png", "quo'te\".png", "a#1.png",
               "b[2].png", "*.png", "2:x.png", "\N{SNOWMAN}.png"]  # fmt: skip
    for seed, name in enumerate(strange):
        draw(home / "strange" / name, 50 + seed)
    ask("index", "strange")
    out = ask("find-similar", "pictures/0.png", "--paths", "-0", "-n", "100").out
    given = out.split("\0")
    assert given.pop() == ""
    assert {path.removeprefix("strange/") for path in given} > set(strange)
    assert all(os.path.lexists(path) for path in given)

    class Piped:
        buffer = io.BytesIO(os.fsencode(out))

    monkeypatch.setattr(sys, "stdin", Piped)
    answer = ask("rank", "--from", "-", "-0", "--reference", "pictures/0.png", "--paths", "-0")
    assert sorted(answer.out.split("\0")) == sorted(out.split("\0"))
    listed = home / "list.txt"
    listed.write_text("pictures/1.png\n\npictures/2.png\n")
    assert ask("index", "--from", str(listed)).out == "2 unchanged\n"


def test_paths_one_a_line(home: Path, ask: Ask) -> None:
    lines = ask("find-similar", "pictures/0.png", "--paths").out.splitlines()
    assert sorted(lines) == [f"pictures/{n}.png" for n in range(1, 5)]


def test_top_of_a_ranking(home: Path, ask: Ask) -> None:
    answer = ask("rank", "--reference", "pictures/3.png", "--top", "1", "--paths")
    assert answer == (EXIT_DONE, "pictures/3.png\n", "")
