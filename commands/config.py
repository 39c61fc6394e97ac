"""Defaults of options from `config.toml`: the library's wins over the user's."""

import os
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..db.place import find_library
from ..errors import UsageError

COMMANDS = ("index", "find-similar", "rank")
"""Whose options a line outside any table sets, as `encoder = "polar"`."""


def configured(arguments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the default of each option by command, from both files.

    A table `[find-similar]` holds options of that command, spelt as on the command line without
    dashes in front. Raises UsageError where a file can't be understood.
    """
    if any(a in ("--help", "-h", "--version") for a in arguments):
        return {}
    library = find_library(_named_library(arguments))
    base = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))  # noqa: PTH111 - no error
    defaults: dict[str, dict[str, Any]] = {}
    for file in (base / "q" / "config.toml", *([library / "config.toml"] if library else [])):
        told = _read(file)
        plain = {name: value for name, value in told.items() if not isinstance(value, dict)}
        for command in {*COMMANDS, *told} - set(plain):
            options = {**plain, **told.get(command, {})}
            defaults.setdefault(command, {}).update(
                {name.replace("-", "_"): value for name, value in options.items()}
            )
    return defaults


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
