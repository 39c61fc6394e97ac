"""Scorers of frames: each gives every frame of a video a score, higher is better.

A new one is a function here (or beside) and a line in `FRAME_SCORERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InterruptionError, UsageError, closest
from ..planet import inband
from ..planet.flags import Flags
from ..planet.reference import Registered
from ..planet.scene import mend
from ..planet.survey import Survey
from ..planet.watch import grey
from ..video.base import BATCH, Video
from .classical import MEASURES, Window
from .scorer import identify

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FrameSetting:
    """What a scorer of frames may use.

    usable: (n,) frames without a flag. picture: the reference, grey (h, w), and digest: of its
    file. registered: how it lies on the video; None without a reference.
    """

    video: Video
    survey: Survey
    flags: Flags
    digest: str | None = None
    picture: NDArray[np.float32] | None = None
    registered: Registered | None = None
    progress: Callable[[int, int], None] | None = None
    should_stop: Callable[[], bool] | None = None
    embedded: "Embedded | None" = None
    known: inband.Own | None = None
    """What `own` returns, where it was found before."""
    key: str = ""
    """What the survey is called: which files, read and measured how."""

    @property
    def own(self) -> inband.Own:
        """What the video says of its own detail."""
        return self.known or inband.own(self.survey, self.usable)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Frames without a flag; all, where every frame has one."""
        good = ~self.flags.any
        return good if good.any() else np.ones(len(good), bool)


@dataclass(frozen=True, slots=True)
class Embedded:
    """An encoder's view of a video: its identity, the reference's vector, and all frames'.

    vectors: (n, d) unit rows in the survey's order, zeros where a frame has none.
    """

    encoder: str
    reference: NDArray[np.float32]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FrameScorer:
    """Name and parameters make the identity; `compute` gives (n,) scores, NaN where none is.

    measure: what the number is, for a person. explain: the reason of a row's score, beside what is
    told of every frame; reason: what a score says by itself. details: what a ranking's JSON tells
    more. kept: whether scores are worth keeping; those of exemplars change with each label.
    """

    name: str
    measure: str
    compute: Callable[[], Values]
    parameters: dict[str, Any] = field(default_factory=dict)
    explain: Callable[[int], str] | None = None
    reason: Callable[[float], str] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    kept: bool = True

    @property
    def identity(self) -> str:
        """Name, and a digest of the parameters."""
        return identify(self.name, self.parameters)


def reference(setting: FrameSetting) -> FrameScorer:
    """Score by the wide-band cosine to a registered reference (0-0.6 of the cutoff).

    Frames are registered against the video's own mean, the reference once against the video's
    sharpened best; the mean brightness is left out. The standard is half the reference, half that
    own best, each of length 1: both are sharper than every frame, so that their low frequencies
    show lost amplitude, and what a night's air or telescope adds to every frame counts for less.
    Measured (docs/ranking.md): never more than 0.001 below the better of the two alone.
    """
    if setting.registered is None:
        raise UsageError("the scorer reference needs a picture: --reference FILE")
    shown = np.ascontiguousarray(setting.registered.coefficients).view(np.float32)
    best = setting.registered.best

    def compute() -> Values:
        own_best = setting.own.sharpened
        band = setting.survey.scene.band
        both = inband.unit(shown, band) + inband.unit(own_best, band)
        return inband.cosines(setting.survey, both)

    return FrameScorer(
        "reference", "cosine to the reference", compute,
        {"reference": setting.digest, "band": inband.WIDE_BAND, "own": 0.5,
         "turn": round(float(best.turn), 3), "scale": round(float(best.scale), 5),
         "mirrored": best.mirrored},
    )  # fmt: skip


def own(setting: FrameSetting) -> FrameScorer:
    """Score without a reference, by the video's own sharpened best (scorer `self`).

    `inband.own` tells the recipe; then the wide-band cosine, as to a reference.
    """
    return FrameScorer(
        "self", "cosine to the video's own sharpened best",
        lambda: inband.cosines(setting.survey, setting.own.sharpened),
        {"band": inband.WIDE_BAND, "best": inband.BEST_SHARE},
    )  # fmt: skip


def embedding(setting: FrameSetting) -> FrameScorer:
    """Score by the cosine of an encoder's vectors to the reference's, nothing registered.

    The idea that this program began with, for frames too. Networks are trained to see the same
    thing in a sharp and in a blurred picture: measured, it ranks far behind (docs/ranking.md).
    """
    seen = setting.embedded
    if seen is None:
        raise UsageError("the scorer embedding needs a picture: --reference FILE")

    def compute() -> Values:
        cosine = (seen.vectors @ seen.reference).astype(np.float64)
        return np.where(np.any(seen.vectors, axis=1), cosine, np.nan)

    return FrameScorer(
        "embedding", "cosine in an encoder's vectors", compute,
        {"encoder": seen.encoder, "reference": setting.digest},
    )  # fmt: skip


def band_power(setting: FrameSetting) -> FrameScorer:
    """Score by the power of detail in 0.1-0.4 of the cutoff, per squared light, less noise."""
    return FrameScorer(
        "band-power", "power of detail",
        lambda: inband.band_power(setting.survey), {"band": inband.DETAIL_BAND},
    )  # fmt: skip


def roundness(setting: FrameSetting) -> FrameScorer:
    """Score by minor over major axis of the object's mask, from its second moments.

    A gust or a jump of the mount draws the disc out; what is not round by itself (Saturn, a
    phase) is judged by how far it is from the video's median.
    """
    found = setting.survey.rows["roundness"].astype(np.float64)

    def compute() -> Values:
        typical = float(np.median(found[setting.usable]))
        return 1 - np.abs(found - typical)

    return FrameScorer("roundness", "likeness to the usual roundness", compute)


def brightness(setting: FrameSetting) -> FrameScorer:
    """Score by the light of the object: sum over its window less the background."""
    return FrameScorer(
        "brightness", "light", lambda: setting.survey.rows["flux"].astype(np.float64)
    )


def dot(setting: FrameSetting) -> FrameScorer:
    """Score by the raw product with the processed picture, pixel by pixel, nothing aligned.

    The experiment of JGallegoPerez (planet_quality_estimation): a linear model whose coefficients
    are a processed Mars. It grows with brightness and follows the drift; kept for comparison.
    The reference is stretched to the frame's size where it has another.
    """
    import cv2

    if setting.picture is None:
        raise UsageError("the scorer dot needs a picture: --reference FILE")
    picture = setting.picture

    def measure(frames: NDArray[Any], rows: NDArray[Any]) -> Values:
        del rows
        size = (frames.shape[2], frames.shape[1])
        weights = picture
        if weights.shape != frames.shape[1:]:
            weights = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        # frame by frame: the last bits of one large product depend on how many share it
        products = [float(np.vdot(frame.astype(np.float32), weights)) for frame in frames]
        return np.array(products) / weights.size

    return FrameScorer(
        "dot", "raw product with the reference",
        lambda: over_pixels(setting, measure), {"reference": setting.digest},
    )  # fmt: skip


def second_opinion(setting: FrameSetting) -> FrameScorer:
    """Score by the percentage that PIPP wrote into the names of its frames."""
    found = setting.video.about.header.get("pipp")
    if found is None:
        raise UsageError("no file here has a name with PIPP's quality (…_quality_99.89%.png)")
    values = np.array([np.nan if value is None else value for value in found], np.float64)
    return FrameScorer("pipp-name", "PIPP's own quality, per cent", lambda: values)


def _classical(name: str) -> Callable[[FrameSetting], FrameScorer]:
    def make(setting: FrameSetting) -> FrameScorer:
        def measure(frames: NDArray[Any], rows: NDArray[Any]) -> Values:
            window = None
            if setting.survey.scene.kind == "planet":
                side = setting.survey.scene.side * setting.survey.scene.shrink
                top = np.nan_to_num(np.rint(rows["y"] - (side - 1) / 2)).astype(np.int64)
                left = np.nan_to_num(np.rint(rows["x"] - (side - 1) / 2)).astype(np.int64)
                window = Window(top, left, side)
            light = np.maximum(rows["flux"], 0)
            return MEASURES[name](frames, background=rows["background"], flux=light, window=window)

        return FrameScorer(name, _CLASSICAL[name], lambda: over_pixels(setting, measure))

    return make


def over_pixels(
    setting: FrameSetting, measure: Callable[[NDArray[Any], NDArray[Any]], Values]
) -> Values:
    """Return (n,) what a measure of (frames (n, h, w), their rows of the survey) gives.

    Reads the video once more. Raises InterruptionError when the user wishes to stop.
    """
    video, survey = setting.video, setting.survey
    found = np.full(len(survey), np.nan)
    row_of = np.full(len(video), -1)
    row_of[survey.rows["number"]] = np.arange(len(survey))
    for numbers, samples in video.batches(size=BATCH):
        rows = row_of[numbers]
        known = rows >= 0
        if known.any():
            frames = np.asarray(mend(grey(samples, video)[known], survey.scene.hot))
            found[rows[known]] = measure(np.ascontiguousarray(frames), survey.rows[rows[known]])
        done = int(numbers[-1]) + 1
        if setting.progress:
            setting.progress(done, len(video))
        if done < len(video) and setting.should_stop and setting.should_stop():
            raise InterruptionError(
                f"stopped after scoring {done} of {len(video)} frames; the same command scores "
                "them anew"
            )
    return found


_CLASSICAL = {
    "pipp": "PIPP's local contrast",
    "pipp-normalised": "PIPP's local contrast per squared light",
    "laplacian": "variance of the Laplacian per squared light",
    "tenengrad": "squared gradient per squared light",
}

FRAME_SCORERS: dict[str, Callable[[FrameSetting], FrameScorer]] = {
    "reference": reference,
    "self": own,
    "embedding": embedding,
    **{name: _classical(name) for name in _CLASSICAL},
    "band-power": band_power,
    "roundness": roundness,
    "brightness": brightness,
    "dot": dot,
    "pipp-name": second_opinion,
}
_PICTURED = ("reference", "dot")


def make_frame_scorer(name: str, setting: FrameSetting) -> FrameScorer:
    """Make a scorer by name; raises UsageError for an unknown one, or when it lacks something.

    Strangers add theirs by entry points of the group `seeing.frame_scorers`: a function like those
    above.
    """
    check_frame_scorer(name, pictured=True)
    if name in FRAME_SCORERS:
        return FRAME_SCORERS[name](setting)
    made: FrameScorer = _strangers()[name].load()(setting)
    return made


def check_frame_scorer(name: str, *, pictured: bool) -> None:
    """Raise, before any work, the UsageError for an unknown scorer, or one without its picture."""
    known = [*FRAME_SCORERS, *_strangers()]
    if name.startswith("probe:"):
        return  # the library has it, or says that it has not
    if name in known:
        if name in _PICTURED and not pictured:
            raise UsageError(f"the scorer {name} needs a picture: --reference FILE")
        return
    hint = closest(name, known) or f"; there are {', '.join(known)}"
    raise UsageError(f"no scorer of frames is called {name}{hint}")


def _strangers() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="seeing.frame_scorers")}
