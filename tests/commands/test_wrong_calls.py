"""Wrong calls: one line that says what is wrong, status 2, and nothing is made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE, EXIT_ERROR

Ask = Callable[..., Any]
Run = Callable[..., Any]

# what typer says is told from "Invalid value" on: the words behind it change with its versions
WRONG: list[tuple[str, str]] = [
    ("fnd-similar x.png", "No such command 'fnd-similar' (did you mean find-similar?)"),
    ("find-similar --limit 3 x.png", "No such option: --limit"),
    ("find-similar -n 0 pictures/0.png", "-n must be at least 1, not 0"),
    ("find-similar -n -3 pictures/0.png", "-n must be at least 1, not -3"),
    ("find-similar -n many pictures/0.png", "Invalid value for '-n': a whole number is wanted"),
    ("find pictures/0.png", "No such command 'find' (did you mean find-similar?)"),
    ("index pictures --encoder timm:", "timm: names no network; name one as in timm:mobilenetv2"),
    ("find-similar", "nothing to look for: name a TARGET, --unlike, --text or --probe"),
    ("find-similar nowhere.png", "no such picture: nowhere.png"),
    ("find-similar pictures", "pictures: "),
    ("find-similar README.txt", "README.txt: "),
    ("find-similar pictures/0.png --encoder polr", "this library has no vectors of polr"),
    ("find-similar pictures/0.png --where width>", "--where 'width>': "),
    ("find-similar pictures/0.png --where breadth>3", "no such column: breadth"),
    ('find-similar pictures/0.png --where "widht">3', 'no such column: "widht" (did you mean '),
    ('find-similar pictures/0.png --where kind="PNG"', "text stands in 'quotes'"),
    ("find-similar pictures/0.png --min-similarity nan", "must be a number, not nan"),
    ("find-similar pictures/0.png --where 1);DROP", "its parentheses do not match"),
    ("find-similar --text star", "thumbnail does not read text"),
    ("find-similar --from nowhere.txt", "can't read nowhere.txt: No such file or directory"),
    ("find-similar pictures/0.png --library nowhere", "no library in "),
    ("find-similar pictures/0.png --csv no/folder/x.csv", "can't write no/folder/x.csv"),
    ("find-similar pictures/0.png --sheet sheet.xyz", "sheet.xyz"),
    ("index", "nothing to index: name a PATH, or --prune"),
    ("index nowhere", "no such file or folder: nowhere"),
    ("index pictures nowhere/*.png", "nothing matches nowhere/*.png"),
    ("index pictures --encoder polr", "no encoder is called polr (did you mean polar?)"),
    ("index pictures --batch 0", "Invalid value for '--batch': "),
    ("index pictures --arithmetic fp8", "Invalid value for '--arithmetic'"),
    ("index pictures --weights nowhere.bin --encoder thumbnail", "thumbnail"),
    ("rank pictures", "what is best? Name a picture that shows it: --reference FILE"),
    ("rank --reference nowhere.png", "no such picture: nowhere.png"),
    ("rank --by beauty --reference pictures/0.png", "no scorer is called beauty"),
    ("rank --top 0 --reference pictures/0.png", "Invalid value for '--top': "),
    ("status --library nowhere", "no library in "),
    ("status extra", "unexpected extra argument"),
    ("doctor --library nowhere", "no library in "),
    ("encoders --default polar", "this library has no vectors of polar"),
    ("forget", "Missing argument 'PATH...'"),
    ("forget nowhere", "the library knows nothing at nowhere"),
]


@pytest.mark.parametrize(("call", "said"), WRONG, ids=[call for call, _ in WRONG])
def test_a_wrong_call_is_answered_in_one_line(home: Path, ask: Ask, call: str, said: str) -> None:
    (home / "README.txt").write_text("no picture")
    before = library_files(home)
    answer = ask(*call.split())
    assert answer.status == EXIT_ERROR
    assert answer.out == ""
    assert answer.err.startswith("q: ")
    assert answer.err.count("\n") == 1, answer.err
    assert said in answer.err
    assert library_files(home) == before, "nothing was made"
    assert not (home / "nowhere").exists()


def library_files(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home)) for path in home.rglob("*")
        if not path.name.startswith("catalogue.db-")
    )  # fmt: skip


def test_exact_words(home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("find-similar", "nowhere.png").err == "q: no such picture: nowhere.png\n"
    assert ask("find-similar", "-n", "0", "x").err == "q: -n must be at least 1, not 0\n"
    monkeypatch.chdir("/")
    assert ask("status").err == "q: no library here or above; make one with: q index FOLDER\n"


@pytest.mark.parametrize(
    "options",
    [
        "--json --paths", "--jsonl --paths", "--json --jsonl", "--csv - --json", "--csv - --paths",
        "--csv - --jsonl",
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["find-similar pictures/0.png", "rank --reference x.png"])
def test_one_answer_on_one_output(home: Path, ask: Ask, command: str, options: str) -> None:
    answer = ask(*command.split(), *options.split())
    assert answer.status == EXIT_ERROR
    assert answer.out == ""
    assert "exclude each other" in answer.err


def test_debug_shows_the_traceback(home: Path, q: Run) -> None:
    answer = q("find-similar", "nowhere.png", "--debug", cwd=home)
    assert answer.status != EXIT_DONE
    assert "Traceback" in answer.err
    assert "UsageError: no such picture: nowhere.png" in answer.err
