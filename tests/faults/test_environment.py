"""Odd surroundings: closed streams, no home, no folder, another language."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Surroundings = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def made(q: Run, pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    pictures(folder, 60)
    (folder / "é Ω.png").write_bytes((folder / "picture 7.png").read_bytes() + b"\0")
    q("index", "-e", "thumbnail", ".", cwd=folder)
    return folder


@pytest.fixture
def library(made: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test: paths are relative, so it needs no indexing."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


CALLS = [
    ("find-similar", "picture 7.png", "-n", "60"),
    ("find-similar", "picture 7.png", "--json"),
    ("find-similar", "picture 7.png", "--paths", "-0"),
    ("rank", "--reference", "picture 7.png"),
    ("status",),
    ("doctor",),
    ("encoders",),
    ("index", "."),
    ("--version",),
    ("--help",),
]


@pytest.mark.parametrize(
    "changes",
    [{"HOME": None}, {"HOME": "/dev/null"}, {"HOME": "/no/where"}, {"HOME": ""},
     {"PATH": ""}, {"TERM": "dumb"}, {"COLUMNS": "1"}, {"COLUMNS": "-5"}, {"TMPDIR": "/no/where"},
     {"XDG_CONFIG_HOME": "/dev/full"}],
)  # fmt: skip
def test_odd_variables_change_nothing(
    q: Run, library: Path, changes: dict[str, str | None]
) -> None:
    for call in CALLS[1:8:6]:
        assert q(*call, cwd=library, env=changes, status=None).returncode in (0, 1)


@pytest.mark.parametrize(
    "changes",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
     {"LC_ALL": "xx_XX.nonsense"}, {"PYTHONIOENCODING": "ascii"},
     {"PYTHONIOENCODING": "latin-1:strict"}],
)  # fmt: skip
def test_other_languages_keep_names_exact(
    q: Run, library: Path, changes: dict[str, str | None]
) -> None:
    for call in (CALLS[0], CALLS[9]):
        q(*call, cwd=library, env=changes, status=None)
    exact = q(
        "find-similar", "picture 7.png", "-n", "1", "--paths", cwd=library, env=changes, status=None
    )
    assert exact.stdout == "é Ω.png\n"
    assert "unchanged" in q("index", ".", cwd=library, env=changes).stdout
    json.loads(q("find-similar", "picture 7.png", "--json", cwd=library, env=changes).stdout)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">&- 2>&-"])
def test_closed_streams(
    library: Path, command: list[str], surroundings: Surroundings, closed: str
) -> None:
    vectors = (library / ".q" / "vectors" / "1.f16").read_bytes()
    for call in (*CALLS[1:3], ("find-similar", "no such.png"), CALLS[9]):
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {closed}', *command, *call],
            cwd=library, env=surroundings(), capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == (2 if "no such.png" in call else 0), (call, closed, done)
        assert b"Traceback" not in done.stderr
        if call[-1] == "--json" and ">&-" not in closed.replace("2>&-", ""):
            json.loads(done.stdout)  # and no remarks in between
    (library / "new.png").write_bytes((library / "picture 3.png").read_bytes() + b"\1")
    (library / "broken.png").write_bytes(b"broken")
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" index . {closed}', *command],
        cwd=library, env=surroundings(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done
    held = (library / ".q" / "vectors" / "1.f16").read_bytes()
    assert held[: len(vectors)] == vectors and len(held) == len(vectors) + 2 * 769
    doctor = subprocess.run(
        [*command, "doctor"], cwd=library, env=surroundings(), capture_output=True, check=True
    )
    assert b"wrong" not in doctor.stdout


def test_standard_error_that_is_full(q: Run, library: Path) -> None:
    with Path("/dev/full").open("w") as full:
        q("find-similar", "no such.png", cwd=library, status=2, stdout=-1, stderr=full)
        (library / "broken.png").write_bytes(b"broken")
        q("index", ".", cwd=library, status=3, stdout=-1, stderr=full)


def test_a_working_directory_that_is_gone(
    command: list[str], surroundings: Surroundings, library: Path
) -> None:
    gone = library / "gone"
    for call in [*CALLS, ("index", "-e", "thumbnail", "x"), ("forget", "x")]:
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", 'rmdir ../gone; exec "$0" "$@"', *command, *call],
            cwd=gone, env=surroundings(), capture_output=True, timeout=60, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, (call, done.stderr)
        if call[0] in ("--help", "--version"):
            assert done.returncode == 0
        elif call[0] != "encoders":
            assert done.returncode == 2, (call, done)
            assert len(done.stderr.splitlines()) == 1, done.stderr
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir ../gone; exec "$0" "$@"', *command,
         "find-similar", str(library / "picture 1.png"), "--library", str(library)],
        cwd=gone, env=surroundings(), capture_output=True, timeout=60, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2) and "Traceback" not in done.stderr, done


WRONG = [
    ("find-similar",),
    ("find-similar", "picture 1.png", "-n", "0"),
    ("find-similar", "picture 1.png", "-n", "-3"),
    ("find-similar", "picture 1.png", "-n", "x"),
    ("find-similar", "picture 1.png", "-e", "thumbnial"),
    ("find-similar", "--nonsense"),
    ("find-similar", "0:picture 1.png"),
    ("find-similar", "picture 1.png#3"),
    ("find-similar", "picture 1.png[SCI]"),
    ("find-similar", "--text", "a spiral"),
    ("find-similar", "picture 1.png", "--min-similarity", "high"),
    ("find-similar", "--from", "no such list"),
    ("find-similar", "--from", "/"),
    ("find-similar", "picture 1.png", "--sheet", "sheet.xyz"),
    ("find-similar", "picture 1.png", "--sheet", "/"),
    ("find-similar", "picture 1.png", "--csv", "/"),
    ("index",),
    ("index", ".", "-e", "no such"),
    ("index", ".", "-e", "thumbnail:x"),
    ("index", ".", "-e", ":"),
    ("index", ".", "-e", ""),
    ("index", ".", "--batch", "0"),
    ("index", ".", "--threads", "-1"),
    ("index", ".", "-e", "builtin", "--arithmetic", "fp7"),
    ("rank",),
    ("rank", "--reference", "picture 1.png", "--by", "nonsense"),
    ("rank", "--reference", "no such.png"),
    ("forget",),
    ("forget", "no such"),
    ("nonsense",),
    ("encoders", "--default", "no such"),
    ("status", "too", "many"),
]


def test_wrong_calls_are_one_line(refused: Refused, q: Run, made: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda call: refused(*call, cwd=made), WRONG))
    assert "pictures  61" in q("status", cwd=made).stdout
    q(cwd=made, status=None)
    q("status", "--library", "", cwd=made, status=None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "call",
    [
        ("index", ".", "-e", "timm:no_such"),
        ("index", ".", "-e", "timm:mobilenetv2_100", "--weights", "no such"),
        ("index", ".", "-e", "timm:mobilenetv2_100", "--weights", "."),
    ],
)
def test_wrong_weights_are_one_line(refused: Refused, made: Path, call: tuple[str, ...]) -> None:
    refused(*call, cwd=made, timeout=120)


def test_lists_that_are_no_lists(q: Run, library: Path) -> None:
    for held in (
        b"",
        b"\0\0\0",
        b"\n\n",
        b"\xff\n",
        b"no such\n",
        os.urandom(3000),
        b"a" * 100_000,
    ):
        for nul in ((), ("-0",)):
            done = q("find-similar", "--from", "-", *nul, cwd=library, status=None, input=held)
            paths = any(held.split(b"\0" if nul else b"\n"))
            assert done.returncode == (2 if paths else 1), (held[:20], done)
            assert len(done.stderr.splitlines()) == 1


def test_more_matches_than_there_can_be(q: Run, library: Path) -> None:
    for n in ("1000000000000", "9" * 30):
        found = q("find-similar", "picture 1.png", "-n", n, "--paths", cwd=library, status=None)
        assert len(found.stdout.splitlines()) == 60
