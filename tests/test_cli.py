"""The command `q`: exact words, statuses, streams; the same in a pipe, a terminal and JSON."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from seeing.cli import app, run
from seeing.commands.table import fitted
from seeing.errors import EXIT_DONE, EXIT_ERROR, EXIT_NOTHING, EXIT_PARTLY
from seeing.library import open_library

Draw = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


class Answer(NamedTuple):
    status: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        told: dict[str, Any] = json.loads(self.out, parse_constant=refuse)
        return told


Ask = Callable[..., Answer]


@pytest.fixture
def ask(capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """ask("status", ...) runs `q status ...` here and returns status, output and errors."""

    def asked(*arguments: str | Path) -> Answer:
        capfdbinary.readouterr()
        status = run([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Answer(status, os.fsdecode(out), os.fsdecode(err))

    return asked


@pytest.fixture
def home(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: five pictures in pictures/, indexed by `thumbnail`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.startswith("Q_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    for seed in range(5):
        draw(home / "pictures" / f"{seed}.png", seed, width=30 + seed)
    monkeypatch.chdir(home)
    with open_library(create=True) as library:
        library.index("pictures", encoder="thumbnail")
    return home


def q(*arguments: str, cwd: Path, name: str = "q", **environment: str) -> Answer:
    """Run the installed command in a process of its own."""
    done = subprocess.run(
        [BIN / name, *arguments], cwd=cwd, capture_output=True, check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(cwd / "none"), **environment},
    )  # fmt: skip
    return Answer(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


# --- help -------------------------------------------------------------------------------------


def test_there_are_the_commands_of_the_design() -> None:
    assert COMMANDS == [
        "doctor", "encoders", "evaluate", "export", "find-similar", "forget", "index", "label",
        "rank", "simulate", "stack", "status",
    ]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_stands_in_the_documents(command: str, ask: Ask) -> None:
    for option in ("--help", "-h"):
        answer = ask(command, option)
        assert answer.status == EXIT_DONE
        assert f"Usage: q {command}" in answer.out
        assert answer.err == ""
    if command == "evaluate":  # a group: its commands take them
        answer = ask(command, "ranking", "--help")
    for option in ("--library", "--json", "--jsonl", "--csv", "--quiet", "--verbose", "--debug"):
        assert option in answer.out, "every command takes it"
    written = (ROOT / "README.md").read_text() + (ROOT / "docs" / "commands.md").read_text()
    assert f"q {command}" in written


def test_every_option_says_what_it_does() -> None:
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_help_names_every_command_and_no_command_shows_it(ask: Ask) -> None:
    answer = ask("--help")
    assert answer.status == EXIT_DONE
    assert all(re.search(rf"\b{command}\b", answer.out) for command in COMMANDS)
    assert "find-similar" in ask().out


@pytest.mark.parametrize("columns", [30, 40, 80, 200])
def test_help_fits_the_terminal(columns: int, tmp_path: Path) -> None:
    answer = q("find-similar", "--help", cwd=tmp_path, COLUMNS=str(columns), TERMINAL_WIDTH="")
    assert answer.status == EXIT_DONE
    assert "Traceback" not in answer.err
    assert max(len(line) for line in answer.out.splitlines()) <= columns


def test_version(ask: Ask) -> None:
    assert re.fullmatch(r"seeing \d+\.\d+\.\d+\n", ask("--version").out)


# --- wrong calls ------------------------------------------------------------------------------

# what typer says is told from "Invalid value" on: the words behind it change with its versions
WRONG: list[tuple[str, str]] = [
    ("fnd-similar x.png", "No such command 'fnd-similar' (did you mean find-similar?)"),
    ("find-similar --limit 3 x.png", "No such option: --limit"),
    ("find-similar -n 0 pictures/0.png", "-n must be at least 1, not 0"),
    ("find-similar -n -3 pictures/0.png", "-n must be at least 1, not -3"),
    ("find-similar -n many pictures/0.png", "Invalid value for '-n': a whole number is wanted"),
    ("find pictures/0.png", "No such command 'find' (did you mean find-similar?)"),
    ("index pictures --encoder timm:", "timm: names no network; name one as in timm:mobilenetv2"),
    ("find-similar", "nothing to look for: name a TARGET, --unlike or --text"),
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


def test_debug_shows_the_traceback(home: Path) -> None:
    answer = q("find-similar", "nowhere.png", "--debug", cwd=home)
    assert answer.status != EXIT_DONE
    assert "Traceback" in answer.err
    assert "UsageError: no such picture: nowhere.png" in answer.err


def test_names_with_controls_cannot_disturb_the_terminal(home: Path, ask: Ask, draw: Draw) -> None:
    evil = "a\x1b[31m\nb\udcff.png"
    draw(Path(os.fsencode(evil).decode("utf-8", "surrogateescape")), 9)
    ask("index", ".")
    assert ask("find-similar", evil).status == EXIT_DONE
    for answer in (
        ask("find-similar", "pictures/0.png"),
        ask("find-similar", f"{evil}.gone"),
        ask("status", "--verbose"),
    ):
        assert "\x1b" not in answer.out + answer.err
    assert r"\x1b[31m\nb" in ask("find-similar", "pictures/0.png").out


# --- streams and statuses ---------------------------------------------------------------------


def test_index_tells_what_it_did(home: Path, ask: Ask, draw: Draw) -> None:
    draw(home / "pictures" / "new.png", 9)
    (home / "pictures" / "0.png").unlink()
    (home / "pictures" / "1.png").rename(home / "pictures" / "moved.png")
    answer = ask("index", "pictures", "--dry-run")
    assert answer == (
        EXIT_DONE, "would be: 1 new, 1 moved, 1 vanished, 3 unchanged; 1 to encode\n", ""
    )  # fmt: skip
    answer = ask("index", "pictures")
    assert re.fullmatch(
        r"1 new, 1 moved, 1 vanished, 3 unchanged; 1 encoded in \d+\.\d s \(\d+ a second\)\n",
        answer.out,
    )
    assert ask("index", "pictures").out == "5 unchanged\n"
    assert ask("index", "pictures", "--prune").out == "1 forgotten, 5 unchanged\n"
    assert ask("index", "--prune").out == "nothing to do\n"


def test_a_new_library_tells_its_encoder_unless_quiet(
    tmp_path: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, options in (("loud", ()), ("quiet", ("--quiet",))):
        folder = draw(tmp_path / name / "a.png", 1).parent
        monkeypatch.chdir(folder)
        answer = ask("index", ".", *options)
        assert answer.out.startswith("1 new")
        assert answer.err.startswith("q: encoder builtin: ") is (name == "loud")
        assert (folder / ".q" / "catalogue.db").is_file()


def test_broken_pictures_are_named_once(home: Path, ask: Ask) -> None:
    (home / "pictures" / "bad.png").write_bytes(b"no picture")
    answer = ask("index", "pictures")
    assert answer.status == EXIT_PARTLY
    assert answer.err.startswith("q: pictures/bad.png: ")
    assert answer.err.count("\n") == 1
    again = ask("index", "pictures")
    assert again == (EXIT_DONE, "5 unchanged, 1 unreadable as before\n", "")
    told = ask("status")
    assert "1 unreadable" in told.out
    assert "pictures/bad.png" in told.out


def test_a_dry_run_makes_no_library(
    tmp_path: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "a.png", 1)
    monkeypatch.chdir(tmp_path)
    answer = ask("index", ".", "--dry-run")
    assert not (tmp_path / ".q").exists()
    assert (answer.status, answer.out) == (EXIT_DONE, "would be: 1 new; 1 to encode\n")
    assert answer.err == f"q: would make a library in {tmp_path / '.q'}\n"
    document = ask("index", ".", "--dry-run", "--json").document()
    assert document["library"] == str(tmp_path / ".q")
    assert document["remarks"] == [answer.err.removeprefix("q: ").strip()]


def test_a_dry_run_tells_what_prune_would_forget(home: Path, ask: Ask) -> None:
    (home / "pictures" / "0.png").unlink()
    ask("index", "pictures")
    (home / "pictures" / "1.png").unlink()
    told = ask("index", "pictures", "--prune", "--dry-run").out
    assert told == "would be: 1 vanished, 2 forgotten, 3 unchanged\n"
    assert ask("status", "--json").document()["sources"]["vanished"] == 1, "nothing was done"
    assert ask("index", "pictures", "--prune").out == "1 vanished, 2 forgotten, 3 unchanged\n"


def test_arithmetic_without_effect_is_told(home: Path, ask: Ask) -> None:
    told = ask("index", "pictures", "--arithmetic", "bf16").err
    assert told.startswith("q: thumbnail calculates in fp32 here, fixed when it first entered")
    for options in ([], ["--arithmetic", "fp32"], ["--arithmetic", "auto"]):
        assert ask("index", "pictures", *options).err == ""


def test_an_exclusion_that_matches_nothing_is_told(home: Path, ask: Ask) -> None:
    answer = ask("index", "pictures", "--exclude", "pictures/0.png", "--exclude", "1.png")
    assert answer.err == (
        "q: --exclude 'pictures/0.png' matched nothing: it is compared with names, and with paths "
        "below the given folder\n"
    )


@pytest.mark.parametrize("call", ["find-similar {} --encoder colour", "index {} --exclude none"])
def test_remarks_in_json_are_those_on_standard_error(home: Path, ask: Ask, call: str) -> None:
    ask("index", "pictures/0.png", "--encoder", "colour")
    answer = ask(*call.format("pictures").split(), "--json") if "index" in call else ask(
        *call.format("pictures/0.png").split(), "--json"
    )  # fmt: skip
    remarks = answer.document()["remarks"]
    assert remarks
    assert answer.err == "".join(f"q: {remark}\n" for remark in remarks)


def test_paths_that_begin_with_a_dash_are_no_options(
    home: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home / "pictures")
    draw(home / "pictures" / "-n.png", 9)
    ask("index", ".")
    listed = ask("find-similar", "0.png", "--paths").out.splitlines()
    assert "./-n.png" in listed
    assert ask("find-similar", *(["./-n.png"])).status == EXIT_DONE


def test_status_does_not_call_an_index_up_to_date_that_is_not_there(home: Path, ask: Ask) -> None:
    ask("find-similar", "pictures/0.png")
    assert "exact, up to date" in ask("status").out
    (file,) = (home / ".q" / "index").iterdir()
    file.unlink()
    assert "exact, made again at the next search" in ask("status").out


def test_changed_content_with_old_size_and_time_is_mended(home: Path, ask: Ask) -> None:
    path = home / "pictures" / "1.png"
    held = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 255
    path.write_bytes(data)
    os.utime(path, ns=(held.st_atime_ns, held.st_mtime_ns))
    assert ask("index", "pictures").out == "5 unchanged\n", "it can't be seen without reading"
    told = ask("doctor", "--deep")
    assert told.status == EXIT_NOTHING
    assert "q doctor --deep --mend, then q index pictures/1.png" in told.out
    assert "read anew by: q index pictures/1.png" in ask("doctor", "--deep", "--mend").out
    done = ask("index", "pictures/1.png").out
    assert "1 changed" in done or "1 unreadable" in done, done
    assert "pictures/1.png" not in ask("doctor", "--deep").out


def test_cut_vectors_are_told_by_a_search(home: Path, ask: Ask) -> None:
    ask("find-similar", "pictures/0.png")
    (file,) = (home / ".q" / "vectors").iterdir()
    os.truncate(file, file.stat().st_size // 2)
    told = ask("find-similar", "pictures/0.png").err
    assert "of 5 vectors of thumbnail; the search goes on from the index" in told
    assert told.count("\n") == 1


def test_finding_nothing_ends_with_1_and_says_why(home: Path, ask: Ask) -> None:
    answer = ask("find-similar", "pictures/0.png", "--where", "width > 1000")
    assert answer.status == EXIT_NOTHING
    assert answer.out == ""
    assert answer.err == "q: nothing found: none of the 5 pictures fulfils --where\n"
    assert ask("find-similar", "pictures/0.png", "--min-similarity", "2").status == EXIT_NOTHING


def test_nothing_close_ends_with_1(home: Path, ask: Ask, draw: Draw) -> None:
    for seed in range(100, 150):  # many alike: what is close, is very close
        draw(home / "alike" / f"{seed}.png", 7, width=90 + seed, height=70 + seed)
    for seed in range(5):
        (home / "pictures" / f"{seed}.png").unlink()
    ask("index", ".")
    strange = draw(home.parent / "strange.png", 1000)
    answer = ask("find-similar", strange)
    assert answer.status == EXIT_NOTHING
    assert "nothing here is close" in answer.err
    assert len(answer.out.splitlines()) == 13
    assert ask("find-similar", "alike/120.png").status == EXIT_DONE


def test_quiet_says_only_the_result(home: Path, ask: Ask) -> None:
    shutil.copy("pictures/0.png", "elsewhere.png")
    loud = ask("find-similar", "elsewhere.png")
    assert "has the same content as pictures/0.png" in loud.err
    quiet = ask("find-similar", "elsewhere.png", "-q")
    assert quiet == (loud.status, loud.out, "")


def test_forget(home: Path, ask: Ask) -> None:
    assert ask("forget", "pictures/0.png", "pictures/1.png").out == (
        "2 forgotten; their files were not touched\n"
    )
    assert len(list((home / "pictures").iterdir())) == 5
    assert ask("forget", "pictures", "--json").document() == {
        "command": "forget", "version": 1, "forgotten": 3, "paths": ["pictures"],
        "results": [{"path": "pictures"}], "remarks": []
    }  # fmt: skip


def test_doctor(home: Path, ask: Ask) -> None:
    answer = ask("doctor", "--deep")
    assert answer.status == EXIT_DONE
    assert "5 files are as they were indexed" in answer.out
    vectors = home / ".q" / "vectors" / "1.f16"
    content = vectors.read_bytes()
    vectors.write_bytes(bytes(10) + content[10:])
    answer = ask("doctor")
    assert answer.status == EXIT_NOTHING
    assert "thumbnail: 1 of 5 vectors are damaged" in answer.out
    assert ask("doctor", "--mend").status == EXIT_NOTHING
    assert ask("index", "pictures").out.startswith("5 unchanged; 1 encoded")
    assert ask("doctor").status == EXIT_DONE


def test_encoders(home: Path, ask: Ask) -> None:
    ask("index", "pictures", "--encoder", "colour")
    answer = ask("encoders")
    assert "thumbnail (default)" in answer.out
    assert "clip:ViT-B-32/openai" in answer.out
    assert ask("encoders", "--default", "colour").status == EXIT_DONE
    assert [e["name"] for e in ask("encoders", "--json").document()["library"]] == [
        "colour", "thumbnail"
    ]  # fmt: skip
    told = ask("find-similar", "pictures/0.png")
    assert told.err == "q: by the library's default encoder, colour\n"
    assert ask("find-similar", "pictures/0.png", "--encoder", "thumbnail").err == ""


# --- forms of results -------------------------------------------------------------------------

DOCUMENTED: dict[tuple[str, ...], set[str]] = {
    ("find-similar", "pictures/0.png"): {"encoder", "targets", "close_from", "results"},
    ("rank", "--reference", "pictures/0.png"): {"scorer", "encoder", "reference", "results"},
    ("index", "pictures"): {
        "library", "dry_run", "new", "changed", "moved", "copied", "vanished", "returned",
        "unchanged", "encoded", "failed", "failed_before", "seconds", "stopped", "pruned",
    },
    ("status",): {
        "library", "items", "sources", "copies", "kinds", "unreadable", "vanished", "encoders",
        "scores", "runs", "catalogue_megabytes", "frames_megabytes",
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


def test_a_sheet(home: Path, ask: Ask) -> None:
    answer = ask("find-similar", "pictures/0.png", "--sheet", "sheet.png")
    assert answer.err == "q: contact sheet: sheet.png\n"
    assert (home / "sheet.png").read_bytes().startswith(b"\x89PNG")


# --- options from elsewhere -------------------------------------------------------------------


def rows_found(ask: Ask, *options: str) -> int:
    return len(ask("find-similar", "pictures/0.png", "--paths", *options).out.splitlines())


def test_config_files_and_their_precedence(home: Path, ask: Ask) -> None:
    user = home.parent / "config" / "q" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("[find-similar]\nn = 3\n")
    assert rows_found(ask) == 3
    (home / ".q" / "config.toml").write_text("[find-similar]\nn = 2\n")
    assert rows_found(ask) == 2
    assert rows_found(ask, "-n", "1") == 1


def test_environment_between_command_line_and_config(
    home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encoder(*options: str) -> str:
        told = ask("find-similar", "pictures/0.png", "--json", *options).document()
        return str(told["encoder"]).partition("@")[0]

    for name in ("colour", "polar"):
        ask("index", "pictures", "--encoder", name)
    assert encoder() == "thumbnail"
    (home / ".q" / "config.toml").write_text('encoder = "colour"\n')
    assert encoder() == "colour"
    monkeypatch.setenv("Q_ENCODER", "polar")
    assert encoder() == "polar"
    assert encoder("--encoder", "thumbnail") == "thumbnail"


@pytest.mark.parametrize("form", ["--library {}", "--library={}", "Q_LIBRARY"])
@pytest.mark.parametrize("place", ["", ".q"])
def test_a_library_named_in_either_way_brings_its_config(
    home: Path, ask: Ask, form: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".q" / "config.toml").write_text("[find-similar]\nn = 2\n")
    target = home / "pictures" / "0.png"
    monkeypatch.chdir("/")
    if form == "Q_LIBRARY":
        monkeypatch.setenv("Q_LIBRARY", str(home / place))
        options = []
    else:
        options = form.format(home / place).split()
    assert len(ask("find-similar", target, "--paths", *options).out.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('encodr = "x"', "there is no option encodr (did you mean encoder?)"),
        ("[find-similar]\nlimit = 3", "there is no option limit"),
        ("[fnd]\nn = 3", "no command is called fnd"),
        ('[find-similar]\nn = "abc"', "Invalid value for '-n': a whole number is wanted"),
    ],
)
def test_what_a_config_has_wrong_is_named_with_the_file(
    home: Path, ask: Ask, text: str, said: str
) -> None:
    (home / ".q" / "config.toml").write_text(text)
    answer = ask("find-similar", "pictures/0.png")
    assert answer.status == EXIT_ERROR
    assert answer.err.startswith(f"q: {home / '.q' / 'config.toml'}: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_options_in_a_config_are_spelt_as_on_the_command_line(home: Path, ask: Ask) -> None:
    (home / "list.txt").write_text("pictures/0.png\n")
    (home / ".q" / "config.toml").write_text(
        '[find-similar]\nfrom = "list.txt"\nmin-similarity = -1.0\nn = 2\n'
    )
    assert len(ask("find-similar", "--paths").out.splitlines()) == 2


def test_help_shows_no_type_beside_a_flag(ask: Ask) -> None:
    for line in ask("find-similar", "--help").out.splitlines():
        assert "<bool>" not in line or "--help" in line


def test_status_tells_encoders_of_one_name_apart(home: Path, ask: Ask) -> None:
    with open_library() as library, library.catalogue.transaction() as connection:
        connection.execute(
            "INSERT INTO encoders (id, identity, name, dimension, card, file, created_at) VALUES "
            "(9, 'thumbnail@bf16', 'thumbnail', 769, '{\"arithmetic\": \"bf16\"}', '9.f16', '')"
        )
    told = ask("status").out
    assert "thumbnail@bf16 bf16" in told
    assert re.search(r"thumbnail@[0-9a-f]{12} fp32 \(default\)", told)
    said = ask("find-similar", "pictures/0.png", "-e", "thumbnail").err
    assert "is here more than once, with different" in said


def test_mending_a_library_that_cannot_be_written_says_so(
    home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeing.db.catalogue._can_write", lambda folder: False)
    answer = ask("doctor", "--mend")
    assert answer.status == EXIT_NOTHING
    assert "nothing was mended" in answer.out
    ranked = ask("rank", "pictures", "--reference", "pictures/0.png", "--no-keep")
    assert (ranked.status, len(ranked.out.splitlines())) == (EXIT_DONE, 6)


def test_a_broken_config_is_an_error_that_names_it(home: Path, ask: Ask) -> None:
    (home / ".q" / "config.toml").write_text("n = = 3\n")
    answer = ask("status")
    assert answer.status == EXIT_ERROR
    assert answer.out == ""
    assert answer.err.startswith(f"q: {home}/.q/config.toml: ")
    assert answer.err.count("\n") == 1
    assert ask("status", "--help").status == EXIT_DONE


def test_a_wrong_value_in_a_config_is_an_error(home: Path, ask: Ask) -> None:
    (home / ".q" / "config.toml").write_text('[find-similar]\nn = "many"\n')
    answer = ask("find-similar", "pictures/0.png")
    assert answer.status == EXIT_ERROR
    assert "Invalid value for '-n': " in answer.err


# --- the installed command --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["q", "seeing"])
def test_the_installed_command(name: str, tmp_path: Path, draw: Draw) -> None:
    for seed in range(3):
        draw(tmp_path / f"{seed}.png", seed)
    made = q("index", ".", "--encoder", "thumbnail", cwd=tmp_path, name=name)
    assert made.status == EXIT_DONE, made.err
    assert made.out.startswith("3 new; 3 encoded in ")
    assert made.err == ""
    found = q("find-similar", "0.png", "--paths", cwd=tmp_path, name=name)
    assert (found.status, sorted(found.out.split()), found.err) == (0, ["1.png", "2.png"], "")


def test_as_a_module(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seeing", "status", "--json"], cwd=home, capture_output=True,
        check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["items"] == 5


@pytest.mark.parametrize("options", [[], ["--json"], ["--paths"], ["--csv", "-"]])
def test_a_closed_pipe_ends_quietly(home: Path, options: list[str]) -> None:
    with subprocess.Popen(
        [BIN / "q", "find-similar", "pictures/0.png", *options], cwd=home,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        process.stdout.close()  # long before the first word comes
        assert process.stderr.read() == b""
    assert process.returncode == EXIT_DONE


def test_the_first_line_of_many(home: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; '{BIN}/q' find-similar pictures/0.png | head -n 1"],
        cwd=home, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (EXIT_DONE, b"rank", b"")


def test_no_colours_in_a_pipe_and_none_with_no_color(home: Path) -> None:
    for environment in ({}, {"NO_COLOR": "1"}):
        for call in (["find-similar", "pictures/0.png"], ["status"], ["--help"], ["nonsense"],
                     ["index", "--help"]):  # fmt: skip
            answer = q(*call, cwd=home, **environment)
            assert "\x1b" not in answer.out + answer.err, call


def on_a_terminal(arguments: list[str], cwd: Path, **environment: str) -> str:
    """Run `q` with a terminal for its output and errors; return what was shown."""
    pty = pytest.importorskip("pty")
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [BIN / "q", *arguments], cwd=cwd, stdout=secondary, stderr=secondary,
        stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color", **environment},
    ) as process:  # fmt: skip
        os.close(secondary)
        shown = b""
        while True:
            try:
                part = os.read(primary, 4096)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.wait(20) == 0
    os.close(primary)
    return shown.decode("utf-8", "replace")


COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")


def test_no_color_is_honoured_on_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for call in (["find-similar", "pictures/0.png"], ["--help"]):
        shown = on_a_terminal(call, home, NO_COLOR="1", COLUMNS="100")
        assert len(shown) > 100
        assert not COLOUR.search(shown), call


def test_a_table_on_a_narrow_terminal_loses_nothing(home: Path, draw: Draw) -> None:
    name = "a-rather-long-name-of-a-picture-that-does-not-fit.png"
    draw(home / "pictures" / name, 50)
    q("index", "pictures", cwd=home)
    shown = on_a_terminal(
        ["find-similar", "pictures/0.png"], home, NO_COLOR="1", COLUMNS="50", LINES="40"
    )
    letters = re.sub(r"\x1b\[[0-9;]*m|\s", "", shown)
    assert f"pictures/{name}" in letters


NUMBERS = re.compile(r"^ *\d+  ", re.MULTILINE)


def test_a_ranking_on_80_columns_keeps_names_and_digits(home: Path, draw: Draw) -> None:
    name = "a-long-name-of-a-picture.png"
    draw(home / "pictures" / "a-folder" / name, 50)
    q("index", "pictures", cwd=home)
    for columns in ("80", "66"):
        shown = on_a_terminal(
            ["rank", "-q", "--reference", "pictures/0.png"], home, NO_COLOR="1", COLUMNS=columns
        )
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        lines = plain.splitlines()
        assert max(map(len, lines)) <= int(columns)
        assert len(NUMBERS.findall(plain)) == 6, plain
        (row,) = [line for line in lines if "pictures/a-folder" in line]
        assert re.search(r" -?\d\.\d{4}  +\d+ ", row), "digits are whole"
        assert name in re.sub(r"\s|of random pairs", "", plain[plain.index(row) :]), plain
        assert "cosine" not in plain


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (200, [4, 6, 5, 34, 44]),
        (80, [4, 6, 5, 18, 39]),  # "why" folds first, then the name
        (68, [4, 6, 5, 18, 27]),
        (60, [4, 6, 5, 0, 39]),  # then "why" is left out
        (30, [4, 6, 5, 0, 9]),
    ],
)
def test_words_fold_before_names_and_digits_never(room: int, expected: list[int]) -> None:
    right = [True, True, True, False, False]
    yields = [False, False, False, True, False]
    assert fitted([4, 6, 5, 34, 44], right, yields, room) == expected


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


@pytest.mark.parametrize("way", ["--paths", "--json", "--jsonl", ""])
def test_csv_to_a_file_goes_with_any_answer(home: Path, ask: Ask, way: str) -> None:
    answer = ask("find-similar", "pictures/0.png", "-n", "3", "--csv", "t.csv", *way.split())
    assert answer.status == EXIT_DONE
    assert answer.out
    assert len(list(csv.DictReader((home / "t.csv").read_text().splitlines()))) == 3


def test_an_empty_list_ends_with_1(home: Path, ask: Ask) -> None:
    (home / "none.txt").write_text("")
    for call in (
        ["rank", "--reference", "pictures/0.png"], ["find-similar"], ["index"]
    ):  # fmt: skip
        answer = ask(*call, "--from", "none.txt")
        assert (answer.status, answer.out) == (EXIT_NOTHING, "")
        assert answer.err == "q: nothing to do: none.txt lists no paths\n"


@pytest.mark.parametrize("sheet", ["sheet.xyz", "sheet", "no/folder/sheet.png", "pictures"])
def test_a_sheet_that_cannot_be_is_told_before_any_work(
    home: Path, ask: Ask, draw: Draw, sheet: str
) -> None:
    draw(home / "more" / "new.png", 70)
    answer = ask("rank", "more", "--reference", "pictures/0.png", "--sheet", sheet)
    assert (answer.status, answer.out) == (EXIT_ERROR, "")
    assert answer.err.count("\n") == 1
    assert ask("status", "--json").document()["items"] == 5, "nothing was indexed"


def test_a_sheet_that_fails_does_not_take_the_answer_with_it(
    home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seeing.show import sheet

    small = sheet._FORMATS[".webp"]._replace(longest=100)
    monkeypatch.setitem(sheet._FORMATS, ".webp", small)
    answer = ask("find-similar", "pictures/0.png", "--sheet", "s.webp", "--paths")
    assert answer.status == EXIT_ERROR
    assert len(answer.out.splitlines()) == 4
    assert "holds 100 pixels" in answer.err.splitlines()[-1]


def test_newly_broken_pictures_give_a_ranking_status_3(home: Path, ask: Ask) -> None:
    (home / "pictures" / "broken.png").write_text("no picture")
    call = ["rank", "pictures", "--reference", "pictures/0.png"]
    answer = ask(*call)
    assert answer.status == EXIT_PARTLY
    assert "q: pictures/broken.png: not a picture" in answer.err
    assert "broken.png" in answer.out.splitlines()[-1]
    assert "not a picture that can be read" in answer.out.splitlines()[-1]
    assert ask(*call).status == EXIT_DONE, "as before"
