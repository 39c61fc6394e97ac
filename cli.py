"""The command `q`: reads arguments, calls one function, prints. No arithmetic here."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from .commands.config import Configured, configured
from .commands.output import open_closed_streams, remark
from .commands.wrong import told
from .errors import EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED, SeeingError

COMMANDS = {
    "index": "index", "find-similar": "find_similar", "rank": "rank", "status": "status",
    "encoders": "status", "doctor": "status", "forget": "forget", "simulate": "simulate",
    "stack": "stack", "export": "export", "evaluate": "evaluate", "label": "label",
    "exemplars": "exemplars", "train": "train",
}  # fmt: skip
"""Each command, and the module in `commands/` that registers it."""

# typer may carry a click of its own: this is the base of all that is wrong with a call in either
_CallError: type[Exception] = typer.BadParameter.__mro__[2]


def _print_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"seeing {version('seeing')}")
        raise typer.Exit


def application(command: str | None = None) -> typer.Typer:
    """Return `q` with all its commands, or with the module of one.

    A call needs one of them: the signatures of all take as long to read as a search.
    """
    made = typer.Typer(
        name="q",
        help="Find pictures by example, and say which are best.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    named = COMMANDS.get(command or "")
    for module in [named] if named else dict.fromkeys(COMMANDS.values()):
        import_module(f".commands.{module}", __package__).register(made)
    made.callback()(_about)
    return made


def __getattr__(name: str) -> typer.Typer:
    if name == "app":
        return application()
    raise AttributeError(name)


def _about(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Find pictures by example, and say which are best."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; one line on standard error for an error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    config = Configured()
    try:
        config = configured(given, _options)
        # completion asks for words with none of its own
        app = application(None if "_Q_COMPLETE" in os.environ else next(iter(given), None))
        result = app(given, standalone_mode=False, prog_name="q", default_map=config.defaults)
        sys.stdout.flush()
    except SystemExit as problem:
        # click turns a closed pipe into status 1, which here means that nothing was found
        if isinstance(problem.__context__, BrokenPipeError):
            return _explain(problem.__context__, config)
        raise
    except (SeeingError, _CallError, BrokenPipeError, KeyboardInterrupt, typer.Abort) as problem:
        if "--debug" in given and not isinstance(problem, BrokenPipeError):
            raise
        return _explain(problem, config)
    except OSError as problem:  # nothing of ours foresaw it: a full disk at the end of a pipe
        if "--debug" in given:
            raise
        return _explain(problem, config)
    return result if isinstance(result, int) else EXIT_DONE


def _options() -> dict[str, dict[str, str]]:
    """Return the options of each command: how they are spelt, and as Python names them."""
    commands = typer.main.get_command(application()).commands  # type: ignore[attr-defined]
    return {
        name: {spelt.lstrip("-"): str(p.name) for p in command.params for spelt in p.opts}
        for name, command in commands.items()
    }


def _explain(problem: BaseException, config: Configured) -> int:
    """Say in one line what was wrong; return the exit status."""
    if isinstance(problem, OSError):
        # keep the interpreter from trying once more, at its end, to write what is left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(problem, BrokenPipeError):  # the reader has gone: end quietly
            return EXIT_DONE
        remark(f"{problem.filename or 'the results can not be written'}: {problem.strerror}")
        return EXIT_ERROR
    if isinstance(problem, KeyboardInterrupt | typer.Abort):
        remark("interrupted")  # before the command began: there is nothing to keep
        return EXIT_INTERRUPTED
    if isinstance(problem, SeeingError):
        remark(str(problem))
        return problem.exit_code
    said = told(problem, config.files)
    if said:
        remark(said)
    return EXIT_ERROR


def main() -> None:
    """Run `q` with the process's arguments."""
    open_closed_streams()
    sys.exit(run())
