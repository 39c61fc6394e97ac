"""Teaching a probe: from a user's labels to numbers in the library, with figures."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.lock import writing
from ..errors import LibraryError, UsageError, closest
from ..flow.choose import stored_encoder
from ..flow.meant import meant
from ..label.exemplars import exemplars_of
from ..train.figures import Figure, judged_order
from ..train.fit import Fitted, teach
from ..train.folds import folds
from ..train.probe import Kind
from ..train.store import StoredProbe, check_free, save
from ..video.open import is_video
from .answers import Answers, class_wanted, of_extremes, of_set, of_table
from .features import check_scores
from .frame_ranking import FrameRanking
from .frame_scorers import FrameSetting, check_frame_scorer
from .frames import FrameOptions, survey_key
from .ground import Frames, Ground, Pictures

_CALLS = ("progress", "should_stop", "on_remark")
HELD_OUT = 5
"""One stretch of frames in so many teaches nothing, and judges a probe of extremes."""


class Teaching(TypedDict, total=False):
    """What a probe is taught, and how.

    Labels come from one of: `exemplars`, a set's name (`who`: of one person); `labels`, a CSV
    file, with its `column`; `best` and `worst`, so many frames of a video `by` a scorer. kind:
    logistic, ridge, linear, ordinal; by default ridge for ratings and numbers, else logistic. on:
    what it reads: an encoder's name, "frames" (in-band vectors of one video), "scores" or
    "scores:a,b". wanted: the class that ranks. seed: of folds and what is drawn.
    progress(done, total), should_stop(), on_remark(text): as for `Library.index`.
    """

    exemplars: str
    who: str
    labels: str | Path
    column: str
    best: int
    worst: int
    by: str
    kind: Kind
    on: str
    wanted: str
    seed: int
    progress: Callable[[int, int], None] | None
    should_stop: Callable[[], bool] | None
    on_remark: Callable[[str], None] | None


class Workshop(Protocol):
    """What of a library is needed."""

    catalogue: Catalogue

    @property
    def index(self) -> Callable[..., Any]:
        """Index paths."""
        ...

    @property
    def rank_frames(self) -> Callable[..., FrameRanking]:
        """Rank frames of a video."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A probe that was taught: the stored one, and what a user should know besides."""

    stored: StoredProbe
    figures: dict[str, Figure]
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return name, features and all of its card."""
        return {"name": self.stored.name, **self.stored.card}


def train_probe(
    workshop: Workshop, name: str, items: Sequence[str | Path], how: Teaching
) -> Learned:
    """Teach a probe and keep it in the library.

    items: pictures (none: the whole library), or videos.
    """
    calls = {key: value for key, value in how.items() if key in _CALLS}
    check_teaching(how)
    catalogue = workshop.catalogue
    check_free(catalogue, name)
    if not catalogue.writable:
        raise LibraryError(f"{catalogue.folder} can't be written: a probe could not be kept")
    seed = how.get("seed", 0)
    on = how.get("on") or _usual(items)
    with ExitStack() as open_things:
        if _kind_of(on) in ("frames", "scores"):
            ground: Ground = _frames(workshop, items, on, how, open_things, calls)
        else:
            ground = _pictures(workshop, items, on, calls)
        taught, answers, remarks = _taught(catalogue, ground, how, seed)
        about = {
            "features": ground.features, "from": answers.whence, "seed": seed,
            "items": [str(item) for item in items][:20],
        }  # fmt: skip
        with writing(catalogue.folder, notify=how.get("on_remark")):
            stored = save(catalogue, name, taught, about)
    return Learned(stored, taught.figures, remarks)


def check_teaching(how: Teaching) -> None:
    """Raise, before any work, the UsageError for teaching that can't be taught."""
    extremes = "best" in how or "worst" in how
    sources = [key for key in ("exemplars", "labels") if key in how] + ["best"] * extremes
    if len(sources) != 1:
        raise UsageError(
            "labels come from one place: --exemplars SET, or --labels FILE, or "
            "--best N --worst N --by SCORER"
        )
    if "column" in how and "labels" not in how:
        raise UsageError("--column NAME is of a table of labels: --labels FILE")
    if extremes and not {"best", "worst", "by"} <= how.keys():
        raise UsageError("--best N, --worst N and --by SCORER go together")
    if extremes and (how["best"] < 1 or how["worst"] < 1):
        raise UsageError("--best and --worst must be at least 1")
    if extremes and how.get("kind", "logistic") != "logistic":
        raise UsageError("the best against the worst are two classes: --kind logistic")
    if "by" in how:
        check_frame_scorer(how["by"], pictured=False)
    kind = how.get("kind")
    if kind is not None and kind not in get_args(Kind):
        raise UsageError(f"no probe is of kind {kind}{closest(kind, get_args(Kind))}")
    if _kind_of(how.get("on", "")) == "scores":
        check_scores(how["on"])


def _kind_of(on: str) -> str:
    return on if on == "frames" else on.partition(":")[0] if on.startswith("scores") else ""


def _usual(items: Sequence[str | Path]) -> str:
    """Return what a probe reads unless said: pictures an encoder's vectors, videos their frames."""
    return "frames" if items and all(is_video(item) for item in items) else ""


# --- the ground -------------------------------------------------------------------------------


def _pictures(
    workshop: Workshop, items: Sequence[str | Path], encoder: str, calls: dict[str, Any]
) -> Pictures:
    """Return pictures, indexed first where they are not yet; of videos every frame."""
    name = encoder or None
    if items:
        videos = any(is_video(item) for item in items)
        workshop.index(items, encoder=name, every=1 if videos else None, **calls)
    stored = stored_encoder(workshop.catalogue, name)
    return Pictures(
        workshop.catalogue, stored, meant(workshop.catalogue, items)[0] if items else None
    )


def _frames(
    workshop: Workshop,
    items: Sequence[str | Path],
    on: str,
    how: Teaching,
    open_things: ExitStack,
    calls: dict[str, Any],
) -> Frames:
    """Return frames: of one capture, or for named scores of each file by itself."""
    if not items:
        raise UsageError(f"--on {on} reads videos: name one")
    captures = [list(items)] if _kind_of(on) == "frames" else [[item] for item in items]
    rankings = []
    for files in captures:
        ranking = workshop.rank_frames(files, by=how.get("by", "self"), **calls)
        open_things.callback(ranking.video.close)
        rankings.append(ranking)
    return Frames(workshop.catalogue, rankings, on, [_setting(one) for one in rankings])


def _setting(ranking: FrameRanking) -> FrameSetting:
    key = survey_key(ranking.digests, FrameOptions())
    return FrameSetting(ranking.video, ranking.survey, ranking.flags, key=key)


# --- teaching ---------------------------------------------------------------------------------


def _taught(
    catalogue: Catalogue, ground: Ground, how: Teaching, seed: int
) -> tuple[Fitted, Answers, list[str]]:
    if "best" in how:
        if not isinstance(ground, Frames) or len(ground.rankings) != 1:
            raise UsageError("--best and --worst are of the frames of one video: name it")
        return _by_extremes(ground, how, seed)
    if "exemplars" in how:
        answers = of_set(
            catalogue, ground, how["exemplars"], how.get("kind"), how.get("who"), how.get("wanted")
        )
    else:
        answers = of_table(ground, Path(how["labels"]), how.get("column"), how.get("kind"))
    remarks = list(answers.remarks)
    if not len(answers.rows):
        raise UsageError(
            f"no label is of these items{_hint(catalogue, how)}. Name those that they are of: "
            "q train probe NAME ITEM..."
        )
    wanted = class_wanted(answers, how.get("wanted"))
    taught, lacking = _learned(ground, answers, wanted, seed)
    if lacking:
        remarks.append(f"{lacking} labelled items have no vector: run q index")
    remarks += _without_labels(ground, answers)
    return taught, answers, remarks


def _hint(catalogue: Catalogue, how: Teaching) -> str:
    from ..db.exemplars import set_named

    if "exemplars" not in how:
        return ""
    found = exemplars_of(catalogue, set_named(catalogue, how["exemplars"]))
    return f": the set {how['exemplars']} has {len(found.entries)}"


def _learned(ground: Ground, answers: Answers, wanted: str | None, seed: int) -> tuple[Fitted, int]:
    """Return what was learned, and of how many labelled items there is nothing to read."""
    vectors = ground.vectors(answers.rows)
    known = np.flatnonzero(np.isfinite(vectors).all(1))
    if not len(known):
        raise UsageError(
            "none of the labelled items has a vector: q index them; of frames name the video: "
            "q train probe NAME VIDEO"
        )
    taught = teach(
        vectors[known], [answers.labels[at] for at in known.tolist()],
        ground.groups(answers.rows[known]), kind=answers.kind, weights=answers.weights[known],
        unlabelled=ground.unlabelled(seed), wanted=wanted, seed=seed,
    )  # fmt: skip
    return taught, len(answers.rows) - len(known)


def _by_extremes(ground: Frames, how: Teaching, seed: int) -> tuple[Fitted, Answers, list[str]]:
    """Teach the best against the worst frames by a scorer; judge on stretches that taught nothing.

    The experiment of JGallegoPerez (planet_quality_estimation), done right: there the model was
    judged on frames that it had been taught. The figure `held_out_spearman` says how far probe and
    scorer agree on all frames of the stretches held out.
    """
    ranking = ground.rankings[0]
    every = np.arange(len(ranking.survey))
    groups = ground.groups(every)
    parts = next(folds(groups, count=HELD_OUT, seed=seed), None)
    if parts is None:
        raise UsageError(f"{len(every)} frames are too few: none could be held out")
    allowed = np.zeros(len(every), bool)
    allowed[parts[0]] = True
    usable = ~ranking.flags.any
    answers = of_extremes(ranking.scores, usable, allowed, how["best"], how["worst"], how["by"])
    taught, _ = _learned(ground, answers, class_wanted(answers, how.get("wanted")), seed)
    rows = np.flatnonzero(~allowed & usable & np.isfinite(ranking.scores))
    remarks = [f"{len(rows)} frames were held out: they taught nothing"]
    if len(rows) > 2:
        said = taught.probe.scores(ground.vectors(rows))
        figure = judged_order(said, _signed(taught, ranking.scores[rows]), groups[rows], seed=seed)
        taught = replace(taught, figures=taught.figures | {"held_out_spearman": figure})
    return taught, answers, remarks


def _signed(taught: Fitted, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a scorer's scores, turned round where the worst are wanted."""
    return scores if taught.probe.wanted == "best" else -scores


def _without_labels(ground: Ground, answers: Answers) -> list[str]:
    """Say how far a video's own ranking agrees with ratings: what labels have to beat."""
    if not isinstance(ground, Frames) or answers.kind == "logistic":
        return []
    own = np.concatenate([ranking.scores for ranking in ground.rankings])[answers.rows]
    known = np.isfinite(own)
    if known.sum() < 3:
        return []
    figure = judged_order(
        own[known], np.array(answers.labels, np.float64)[known],
        ground.groups(answers.rows[known]),
    )  # fmt: skip
    scorer = ground.rankings[0].scorer.name
    return [f"{scorer}, without any label, agrees with these ratings to {figure} (Spearman)"]
