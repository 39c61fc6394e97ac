"""Defaults of options from `config.toml`: the library's wins over the user's."""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..db.place import find_library
from ..errors import UsageError, closest

COMMANDS = ("index", "find-similar", "rank")
"""Whose options a line outside any table sets, as `encoder = "polar"`."""


Known = Mapping[str, Mapping[str, str]]
"""The options of each command: how they are spelt, without dashes in front, and their names in
Python."""


@dataclass(slots=True)
class Configured:
    """Defaults of options, and which file each comes from."""

    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By command, then by option as Python names it."""
    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    """By (command, option)."""


def configured(arguments: Sequence[str], known: Callable[[], Known]) -> Configured:
    """Return the default of each option by command, from both files.

    A table `[find-similar]` holds options of that command, spelt as on the command line without
    dashes in front. known() is called only where there is a file. Raises UsageError where a file
    can't be understood, or names what does not exist.
    """
    found = Configured()
    if any(a in ("--help", "-h", "--version") for a in arguments):
        return found
    library = find_library(_named_library(arguments))
    base = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))  # noqa: PTH111 - no error
    for file in (base / "q" / "config.toml", *([library / "config.toml"] if library else [])):
        told = _read(file)
        if told:
            _enter(found, file, told, known())
    return found


def _enter(found: Configured, file: Path, told: dict[str, Any], known: Known) -> None:
    """Enter what one file says; raises UsageError for a command or an option there is none of."""
    plain = {name: value for name, value in told.items() if not isinstance(value, dict)}
    common = {spelt: name for command in COMMANDS for spelt, name in known[command].items()}
    for command in told.keys() - plain.keys() - known.keys():
        _refuse(file, f"no command is called {command}", command, known)
    _check(file, plain, common)
    for command in {*COMMANDS, *told} - set(plain):
        own = told.get(command, {})
        _check(file, own, known[command])
        for name, value in {**plain, **own}.items():
            option = known[command].get(name.replace("_", "-"))
            if option:
                found.defaults.setdefault(command, {})[option] = value
                found.files[command, option] = file


def _check(file: Path, options: Iterable[str], known: Iterable[str]) -> None:
    for name in options:
        if name.replace("_", "-") not in known:
            _refuse(file, f"there is no option {name}", name, known)


def _refuse(file: Path, what: str, name: str, known: Iterable[str]) -> None:
    raise UsageError(f"{file}: {what}{closest(name, known)}; mend the line or remove it")


def _named_library(arguments: Sequence[str]) -> str | None:
    for argument, following in pairwise([*arguments, ""]):
        if argument == "--library":
            return following
        if argument.startswith("--library="):
            return argument.removeprefix("--library=")
    return None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}  # also where HOME is another user's, as under sudo, or /dev/null
    except (OSError, ValueError) as problem:
        raise UsageError(f"{file}: {problem}; mend it or remove it") from problem
