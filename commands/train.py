"""`q train`: models learned from labels; so far probes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import EXIT_DONE, EXIT_NOTHING
from .index import stopping
from .options import Common, unfold
from .output import print_document, progress, read_list, remark
from .session import opened
from .table import print_table, printable

if TYPE_CHECKING:
    from ..db.models import StoredModel
    from ..rank.teaching import Learned

_TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
    "roc_auc": "wanted above another (AUC)",
    "calibration_error": "calibration error",
    "spearman": "Spearman",
    "r2": "R2",
    "mean_absolute_error": "mean absolute error",
    "held_out_spearman": "Spearman, held-out frames",
}
_PANEL = "Labels, from one of"


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Learn from labels: probes, small linear models that rank and find.",
        no_args_is_help=True,
    )
    group.callback()(_group)
    group.command("probe")(unfold(probe))
    group.command("list")(unfold(list_models))
    group.command("remove")(unfold(remove))
    app.add_typer(group, name="train")


def _group() -> None:
    """Learn from labels: probes, small linear models that rank and find."""


def probe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it will be called.")],
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM...", help="Pictures or folders, or videos; without any, the library."
        ),
    ] = None,
    *,
    exemplars: Annotated[
        str | None,
        typer.Option(metavar="SET", rich_help_panel=_PANEL, help="An exemplar set: q label."),
    ] = None,
    who: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=_PANEL, help="Only what this person said."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            rich_help_panel=_PANEL,
            help="A table with a column item, path, file, frame or name, and one of labels.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_PANEL,
            help="Its column of labels; default: answer, label, rating or class.",
        ),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            rich_help_panel=_PANEL,
            help="The N best frames of a video by a scorer (--by), against the worst.",
        ),
    ] = None,
    worst: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_PANEL, help="The N worst of them."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="SCORER", rich_help_panel=_PANEL, help="As in q rank: self, pipp..."),
    ] = None,
    kind: Annotated[
        Literal["logistic", "ridge", "linear", "ordinal"] | None,
        typer.Option(help="Default: ridge for ratings and numbers, logistic for classes."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER|frames|scores",
            help="What it reads. Pictures: an encoder's vectors. Videos: frames, registered, for "
            "that video only; or scores:a,b, named scores of frames, for other videos too (scores: "
            "the usual six); each file is then a video by itself.",
        ),
    ] = None,
    wanted: Annotated[
        str | None, typer.Option(metavar="ANSWER", help="The class that ranks highest.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of all that is drawn.")] = 0,
    listed: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="Read more paths from a file; - is standard input."
        ),
    ] = None,
    common: Common,
) -> None:
    """Learn a probe from labels, and say how well it does on labels that it was not taught.

    A probe is a few numbers: a weight for each entry of a vector. How strongly they are held back
    is chosen by cross-validation; crops of one file, shots of one burst and neighbouring frames
    are never parted. A label of 0, skip or none teaches nothing. A probe of the same name is
    replaced. Use it with q rank --probe NAME and q find-similar --probe NAME.
    """
    told = {
        "exemplars": exemplars, "who": who, "labels": labels, "column": column, "best": best,
        "worst": worst, "by": by, "kind": kind, "on": on, "wanted": wanted, "seed": seed,
    }  # fmt: skip
    paths = [*(items or []), *read_list(listed, nul=False)]
    with (
        opened(common, create=bool(paths)) as library,
        progress(common, "measuring") as tell,
        stopping(common) as should_stop,
    ):
        calls = {"progress": tell, "should_stop": should_stop}
        how: Any = {key: value for key, value in told.items() if value is not None} | calls
        learned = library.train_probe(
            name, paths or None, on_remark=lambda text: remark(text, common), **how
        )
    for text in learned.remarks:
        remark(text, common)
    document = {
        "command": "train probe", "version": 1, **learned.as_json(),
        "results": [{"figure": key, **one.as_json()} for key, one in learned.figures.items()],
        "remarks": learned.remarks,
    }  # fmt: skip
    if not print_document(document, "results", common):
        _print(learned)


def _print(learned: "Learned") -> None:
    from ..train.store import reads

    card = learned.stored.card
    told = card["labels"].items()
    if any(answer[:1].isdigit() for answer, _ in told):  # ratings: "3 4" might be three or four
        counts = " ".join(f"{answer}:{n}" for answer, n in told)
    else:
        counts = ", ".join(f"{n} {answer}" for answer, n in told)
    size = f", on {card['components']} principal components" if card["components"] else ""
    wanted = f", wanted: {card['wanted']}" if card["wanted"] else ""
    print(printable(f"{learned.stored.name}: {card['kind']} probe on {reads(card)}"))
    print(printable(f"labels: {counts}{wanted}"))
    print(f"regularisation {card['strength']:g} a label{size}, chosen by held-out groups")
    if not learned.figures:
        print("too few groups of labels to judge it: label items of other files, or other times")
        return
    print_table(
        ["on labels that it was not taught", "95 %", "always the same"],
        [
            [f"{_TITLES[name]} {figure.value:.3f}",
             "" if figure.low is None else f"{figure.low:.3f} to {figure.high:.3f}",
             "" if figure.guess is None else f"{figure.guess:.3f}"]
            for name, figure in learned.figures.items()
        ],
        right=[False, True, True],
    )  # fmt: skip


def list_models(*, common: Common) -> int:
    """List what was learned. Ends with 1 when there is nothing."""
    with opened(common) as library:
        found = list(library.probes)
    document = {
        "command": "train list", "version": 1, "remarks": [],
        "results": [{"name": m.name, "kind": m.kind, "made_at": m.created_at, **_about(m)}
                    for m in found],
    }  # fmt: skip
    if not print_document(document, "results", common):
        if found:
            _print_models(found)
        else:
            remark("no probes yet; teach one: q train probe NAME --exemplars SET", common)
    return EXIT_DONE if found else EXIT_NOTHING


def _about(model: "StoredModel") -> dict[str, Any]:
    card = dict(model.card)
    return {"model": card.pop("kind"), **card}


def _print_models(found: "Sequence[StoredModel]") -> None:
    from ..train.store import reads

    rows = []
    for model in found:
        card = model.card
        figures = card["figures"]
        first = next(iter(figures), None)
        told = f"{_TITLES[first]} {figures[first]['value']:.3f}" if first else "not judged"
        rows.append(
            [model.name, f"{card['kind']} {model.kind}", str(sum(card["labels"].values())),
             card["wanted"] or "", told, reads(card)]
        )  # fmt: skip
    print_table(
        ["name", "kind", "labels", "wanted", "held out", "reads"], rows,
        right=[False, False, True, False, False, False],
    )  # fmt: skip


def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The probe.")], *, common: Common
) -> None:
    """Take a probe out of the library; labels and pictures stay."""
    with opened(common) as library:
        library.probes.remove(name)
    document = {
        "command": "train remove",
        "version": 1,
        "results": [{"removed": name}],
        "remarks": [],
    }
    if not print_document(document, "results", common):
        print(f"removed: {printable(name)}")
