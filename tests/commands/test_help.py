"""Help: every command and every option has some, and it fits the terminal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from seeing.cli import app
from seeing.errors import EXIT_DONE

Ask = Callable[..., Any]
Run = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_there_are_the_commands_of_the_design() -> None:
    assert COMMANDS == [
        "doctor", "encoders", "evaluate", "exemplars", "export", "find-similar", "forget", "index",
        "label", "rank", "simulate", "stack", "status", "train",
    ]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_stands_in_the_documents(command: str, ask: Ask) -> None:
    for option in ("--help", "-h"):
        answer = ask(command, option)
        assert answer.status == EXIT_DONE
        assert f"Usage: q {command}" in answer.out
        assert answer.err == ""
    groups = {"evaluate": "ranking", "exemplars": "list", "train": "probe"}
    if command in groups:  # their commands take them
        answer = ask(command, groups[command], "--help")
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


def test_help_shows_no_type_beside_a_flag(ask: Ask) -> None:
    for line in ask("find-similar", "--help").out.splitlines():
        assert "<bool>" not in line or "--help" in line


@pytest.mark.parametrize("columns", [30, 40, 80, 200])
def test_help_fits_the_terminal(columns: int, tmp_path: Path, q: Run) -> None:
    answer = q("find-similar", "--help", cwd=tmp_path, COLUMNS=str(columns), TERMINAL_WIDTH="")
    assert answer.status == EXIT_DONE
    assert "Traceback" not in answer.err
    assert max(len(line) for line in answer.out.splitlines()) <= columns


def test_version(ask: Ask) -> None:
    assert re.fullmatch(r"seeing \d+\.\d+\.\d+\n", ask("--version").out)
