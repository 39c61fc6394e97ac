"""`q train`: a probe from labels to ranking and finding, in every form of answer."""

import csv
import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE, EXIT_ERROR, EXIT_NOTHING

Ask = Callable[..., Any]


@pytest.fixture
def labelled(home: Path, draw: Callable[..., Path], ask: Ask) -> Path:
    """Twenty pictures, and labels of all: of even numbers `even`, ratings 1 to 5."""
    for seed in range(5, 20):
        draw(home / "pictures" / f"{seed}.png", seed)
    assert ask("index", "pictures", "-q").status == EXIT_DONE
    rows = [f"pictures/{n}.png,{'odd' if n % 2 else 'even'},{1 + n % 5}" for n in range(20)]
    (home / "labels.csv").write_text("\n".join(["item,parity,rating", *rows]))
    return home


TEACH = ("train", "probe", "even", "--labels", "labels.csv", "--column", "parity")


def test_from_labels_to_ranking_and_finding(labelled: Path, ask: Ask) -> None:
    answer = ask(*TEACH, "--wanted", "even")
    assert answer.status == EXIT_DONE
    assert "even: logistic probe on encoder:thumbnail" in answer.out
    assert "labels: 10 even, 10 odd, wanted: even" in answer.out
    assert "always the same" in answer.out
    ranking = ask("rank", "--probe", "even", "--json").document()
    assert ranking["scorer"].startswith("probe:even@")
    assert len(ranking["results"]) == 20
    assert ranking["results"][0]["reason"].startswith("even ")
    again = ask("rank", "--by", "probe:even", "--json").document()
    assert again["results"] == ranking["results"]
    found = ask("find-similar", "--probe", "even", "-n", "20", "--json").document()
    assert found["results"][0]["item"] == ranking["results"][0]["item"]
    assert found["targets"] == [{"item": "probe:even", "weight": 1.0, "sign": 1}]
    both = ask("find-similar", "pictures/1.png", "--probe", "3:even")
    assert both.status == EXIT_DONE
    assert "q rank --from - --probe even" in both.err


def test_forms_of_the_answer(labelled: Path, ask: Ask) -> None:
    told = ask(*TEACH, "--wanted", "odd", "--json").document()
    assert told["command"] == "train probe"
    assert told["name"] == "even"
    assert told["wanted"] == "odd"
    assert told["labels"] == {"even": 10, "odd": 10}
    names = {row["figure"] for row in told["results"]}
    assert names == {"balanced_accuracy", "log_loss", "calibration_error", "roc_auc"}
    rows = list(csv.DictReader(io.StringIO(ask(*TEACH, "--wanted", "odd", "--csv", "-").out)))
    assert {row["figure"] for row in rows} == names
    listed = ask("train", "list", "--json").document()
    assert [row["name"] for row in listed["results"]] == ["even"]
    assert listed["results"][0]["model"] == "logistic"
    assert "even  logistic probe      20  odd" in ask("train", "list").out
    assert "learned   even (probe)" in ask("status").out
    assert ask("status", "--json").document()["models"] == [{"name": "even", "kind": "probe"}]


@pytest.mark.parametrize("kind", ["ridge", "linear", "ordinal"])
def test_ratings(labelled: Path, ask: Ask, kind: str) -> None:
    answer = ask("train", "probe", "stars", "--labels", "labels.csv", "--column", "rating",
                 "--kind", kind)  # fmt: skip
    assert answer.status == EXIT_DONE
    assert "labels: 1:4 2:4 3:4 4:4 5:4" in answer.out
    assert "mean absolute error" in answer.out
    assert "predicted" in ask("rank", "--probe", "stars").out


def test_what_is_removed_is_gone(labelled: Path, ask: Ask) -> None:
    assert ask("train", "list").status == EXIT_NOTHING
    ask(*TEACH, "--wanted", "even")
    assert ask("train", "remove", "even").out == "removed: even\n"
    assert ask("train", "list").status == EXIT_NOTHING
    assert list((labelled / ".q" / "models").iterdir()) == []
    with closing(sqlite3.connect(labelled / ".q" / "catalogue.db")) as connection:
        assert connection.execute("SELECT count(*) FROM models").fetchone() == (0,)


def test_a_table_may_lie_elsewhere_and_name_files_only(labelled: Path, ask: Ask) -> None:
    there = labelled / "there"
    there.mkdir()
    rows = [f"{n}.png,{'odd' if n % 2 else 'even'}" for n in range(20)]
    (there / "names.csv").write_text("\n".join(["name,parity", *rows, "gone.png,odd"]))
    answer = ask("train", "probe", "even", "pictures", "--labels", "there/names.csv",
                 "--column", "parity", "--wanted", "even")  # fmt: skip
    assert answer.status == EXIT_DONE
    assert "labels: 10 even, 10 odd" in answer.out
    assert "1 labels of there/names.csv are of other items" in answer.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (TEACH, "which answer is wanted? --wanted even or odd"),
        ((*TEACH, "--wanted", "evn"), "did you mean even"),
        (("train", "probe", "../x", "--labels", "labels.csv", "--column", "parity"), "no name"),
        (("train", "probe", "x"), "labels come from one place"),
        (("train", "remove", "x"), "no probe is called x"),
        (("rank", "--probe", "x"), "no probe is called x"),
        (("rank", "--probe", "x", "--by", "embedding"), "--probe and --by"),
        (("find-similar", "--probe", "x"), "no probe is called x"),
        (("train", "probe", "x", "no.ser", "--best", "3", "--worst", "3", "--by", "self"),
         "no.ser"),
    ],
)  # fmt: skip
def test_wrong_calls_end_with_one_line(
    labelled: Path, ask: Ask, words: tuple[str, ...], says: str
) -> None:
    answer = ask(*words)
    assert answer.status == EXIT_ERROR
    assert says in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out == ""
