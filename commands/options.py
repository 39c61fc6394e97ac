"""Options that many commands share, written once: dataclasses unfolded into a command's call."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from ..errors import InterruptionError, UsageError


@dataclass(frozen=True, slots=True)
class Common:
    """What every command takes."""

    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            envvar="Q_LIBRARY",
            metavar="FOLDER",
            rich_help_panel="Common",
            help="The library: its .q folder, or the folder that holds it.",
        ),
    ] = None
    json: Annotated[
        bool, typer.Option("--json", rich_help_panel="Common", help="Print one JSON document.")
    ] = False
    jsonl: Annotated[
        bool, typer.Option("--jsonl", rich_help_panel="Common", help="Print a JSON object a line.")
    ] = False
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            rich_help_panel="Common",
            help="Write a table as CSV; - is standard output.",
        ),
    ] = None
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", rich_help_panel="Common", help="No progress, no remarks."),
    ] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", rich_help_panel="Common", help="Tell more.")
    ] = False
    debug: Annotated[
        bool,
        typer.Option("--debug", rich_help_panel="Common", help="Show a traceback on an error."),
    ] = False

    def __post_init__(self) -> None:
        """Refuse two answers on one standard output."""
        asked = [name for name, wanted in self.ways().items() if wanted]
        if len(asked) > 1:
            raise one_way_only(asked)

    def ways(self) -> dict[str, bool]:
        """Return which forms of the answer are asked for on standard output."""
        return {"--json": self.json, "--jsonl": self.jsonl, "--csv -": self.csv == "-"}


class Typed(frozenset[str]):
    """The options that were typed in a call, as they are spelt.

    Not what a config file or the environment says: that holds for many calls, and may mean nothing
    in some of them.
    """

    def only_with(self, needed: str, *names: str) -> None:
        """Raise the UsageError for options that change nothing, as what they act on is not there.

        needed: the option (or several) that they belong to.
        """
        idle = [name for name in names if name in self]
        if idle:
            verb, them = ("does", "it") if len(idle) == 1 else ("do", "them")
            raise UsageError(
                f"{' and '.join(idle)} {verb} nothing without {needed}: give that too, or leave "
                f"{them} out"
            )


def _typed(context: typer.Context) -> Typed:
    """Return what was typed in the call of a context."""
    return Typed(
        spelt
        for option in context.command.params
        for spelt in (*option.opts, *option.secondary_opts)
        if getattr(context.get_parameter_source(str(option.name)), "name", "") == "COMMANDLINE"
    )


def one_way_only(asked: Sequence[str]) -> UsageError:
    """Return the error for several forms of an answer on one standard output."""
    return UsageError(
        f"{' and '.join(asked)} exclude each other: there is one standard output. "
        "Take one of them; --csv FILE goes with any"
    )


@dataclass(frozen=True, slots=True)
class Making:
    """How an encoder is made and run."""

    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            "-e",
            envvar="Q_ENCODER",
            metavar="NAME",
            rich_help_panel="Encoder",
            help="What turns pictures into vectors: builtin, timm:NAME, clip:ARCHITECTURE/TAG, "
            "... (q encoders). Default: the library's own, builtin for a new one.",
        ),
    ] = None
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            envvar="Q_WEIGHTS",
            metavar="FILE",
            rich_help_panel="Encoder",
            help="The network's weights, instead of a download.",
        ),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            envvar="Q_DEVICE",
            metavar="NAME",
            rich_help_panel="Encoder",
            help="cpu, cuda, cuda:1, mps; default: the best one present.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Listed:
    """What every command takes that lists items."""

    paths: Annotated[
        bool, typer.Option("--paths", help="Print only paths, one a line, for a pipe.")
    ] = False
    nul: Annotated[
        bool,
        typer.Option("-0", "--null", help="Paths end with NUL, coming in (--from) and going out."),
    ] = False
    listed: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="Read more paths from a file; - is standard input."
        ),
    ] = None
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Write a contact sheet (PNG, JPEG, WebP)."),
    ] = None


def _without_type_of_flag(annotation: Any) -> None:  # noqa: ANN401
    """Keep help from showing "<bool>" beside an option that takes no value."""
    kind, *told = get_args(annotation) if get_origin(annotation) is Annotated else [None]
    for option in told:
        if kind is bool and isinstance(option, typer.models.OptionInfo) and option.metavar is None:
            option.metavar = ""


GOES_ON = "what was done is kept, the same command goes on from there"
MEASURED = "what was measured is kept, and no file is left half written"
"""What is true of a command that was interrupted; of one that keeps nothing neither is."""


def unfold(function: Callable[..., Any], *, interrupted: str = "") -> Callable[..., Any]:
    """Return a function that takes the fields of its dataclass parameters as options of its own.

    typer reads the signature; the parameter `common: Common` becomes --library, --json and so on.
    A parameter of the type `Typed` gets the options of the call. interrupted: what is told after
    Ctrl-C, of a call without --no-keep.
    """
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    folded: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    asking = [name for name, kind in hints.items() if kind is Typed]
    for name, parameter in inspect.signature(function).parameters.items():
        if name in asking:
            parameters.append(parameter.replace(annotation=typer.Context))
            continue
        if name not in folded:
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        inner = get_type_hints(folded[name], include_extras=True)
        for field in fields(folded[name]):
            default = field.default if field.default is not MISSING else inspect.Parameter.empty
            parameters.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default,
                    annotation=inner[field.name],
                )
            )  # fmt: skip

    @wraps(function)
    def called(**values: Any) -> Any:  # noqa: ANN401
        kept = interrupted if values.get("keep", True) else ""
        for name in asking:
            values[name] = _typed(values[name])
        for name, kind in folded.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
        try:
            return function(**values)
        except KeyboardInterrupt as problem:  # typer would end without a word
            raise InterruptionError(f"interrupted; {kept}" if kept else "interrupted") from problem

    for parameter in parameters:
        _without_type_of_flag(parameter.annotation)
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    called.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in keyword}
    return called
