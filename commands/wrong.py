"""What was wrong with a call, in words for a person: typer's own are for programmers."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import closest

_WORDS = (
    (r"Input should be a valid integer.*", "a whole number is wanted"),
    (r"Input should be a valid number.*", "a number is wanted"),
    (r"Input should be a valid boolean.*", "true or false is wanted"),
    (r"Input should be greater than or equal to (\S+)", r"it must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"it must be at most \1"),
    (r"Input should be ('.*)", r"it must be \1"),
    (r"Value error, ", ""),
)
_NO_COMMAND = re.compile(r"No such command '(?P<name>[^']*)'")


def told(problem: BaseException, files: dict[tuple[str, str], Path]) -> str:
    """Return one line on a wrong call.

    files: from which config.toml the default of an option comes, by (command, option).
    """
    said = str(getattr(problem, "format_message", lambda: str(problem))()).rstrip(".")
    if not said:
        return ""
    context: Any = getattr(problem, "ctx", None)
    path = getattr(context, "command_path", None) or "q"
    unknown = _NO_COMMAND.match(said)
    if unknown:
        known = getattr(getattr(context, "command", None), "commands", {})
        return f"{unknown[0]}{_nearest(unknown['name'], known)}. See: q --help"
    for pattern, words in _WORDS:
        said = re.sub(pattern, words, said)
    name = getattr(getattr(problem, "param", None), "name", None)
    file = files.get((str(getattr(context, "info_name", "")), str(name)))
    source = context.get_parameter_source(name) if file and context else None
    if file and getattr(source, "name", "") == "DEFAULT_MAP":
        return f"{file}: {said}. Mend it there"
    return f"{said}{'' if said.endswith('?') else '.'} See: {path} --help"


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean X?)" for a command that begins alike, or is spelt nearly so."""
    alike = [command for command in known if name and command.startswith(name)]
    return f" (did you mean {alike[0]}?)" if alike else closest(name, known)
