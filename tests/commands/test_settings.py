"""Options from elsewhere: config files, the environment, and which of them wins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE, EXIT_ERROR

Ask = Callable[..., Any]


# --- precedence -----------------------------------------------------------------------------------


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


def test_options_in_a_config_are_spelt_as_on_the_command_line(home: Path, ask: Ask) -> None:
    (home / "list.txt").write_text("pictures/0.png\n")
    (home / ".q" / "config.toml").write_text(
        '[find-similar]\nfrom = "list.txt"\nmin-similarity = -1.0\nn = 2\n'
    )
    assert len(ask("find-similar", "--paths").out.splitlines()) == 2


# --- what is wrong in a config --------------------------------------------------------------------


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
