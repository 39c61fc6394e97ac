"""The table of encoders: a new one is a file here or in networks/, and a line below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from ..errors import EncoderError, SeeingError, closest
from .encoder import Encoder, EncoderOptions


class Row(NamedTuple):
    """One line of the table."""

    maker: str
    """"module:function" in this package; called as function(name, options) -> Encoder."""
    about: str
    example: str


ENCODERS: dict[str, Row] = {
    "builtin": Row(
        "embed.builtin:make", "looks and shapes, galaxies to tiles; no download", "builtin"
    ),
    "polar": Row("embed.builtin:make", "one bright thing on empty ground, however turned", "polar"),
    "scattering": Row("embed.builtin:make", "texture: tiles, photos", "scattering"),
    "colour": Row("embed.builtin:make", "a colour histogram", "colour"),
    "thumbnail": Row("embed.thumbnail:make", "16 x 16 pixels; for comparison only", "thumbnail"),
    "timm": Row("networks.timm_encoder:make", "any network of timm", "timm:mobilenetv2_100"),
    "torchvision": Row(
        "networks.torchvision_encoder:make", "any classifier of torchvision", "torchvision:vgg16"
    ),
    "clip": Row(
        "networks.clip_encoder:make", "meaning; reads text too (open_clip)", "clip:ViT-B-32/openai"
    ),
}
DEFAULT = "builtin"


@dataclass(frozen=True, slots=True)
class Known:
    """An encoder that can be named, for `q encoders`."""

    name: str
    about: str
    example: str


def known_encoders() -> list[Known]:
    """Return the table, then what strangers add through entry points."""
    strangers = entry_points(group="seeing.encoders")
    return [
        *(Known(name, row.about, row.example) for name, row in ENCODERS.items()),
        *(Known(p.name, f"from {p.value.partition(':')[0]}", p.name) for p in strangers),
    ]


def maker_of(
    kind: Literal["encoder", "scorer"],
    name: str,
    makers: Mapping[str, str],
    *,
    error: type[SeeingError],
) -> Callable[..., Any]:
    """Return what makes the encoder or scorer of a name.

    makers: "folder.module:function" by name; besides, strangers add theirs through entry points
    of the group `seeing.encoders` or `seeing.scorers`. Raises `error` for an unknown name.
    """
    if name in makers:
        module, _, function = makers[name].partition(":")
        make: Callable[..., Any] = getattr(import_module(f"..{module}", __package__), function)
        return make
    strangers = {point.name: point for point in entry_points(group=f"seeing.{kind}s")}
    if name not in strangers:
        known = [*makers, *strangers]
        hint = closest(name, known) or f"; known are {', '.join(known)}"
        raise error(f"no {kind} is called {name}{hint}")
    return cast("Callable[..., Any]", strangers[name].load())


def make_encoder(name: str, options: EncoderOptions | None = None) -> Encoder:
    """Make the encoder that a user names "builtin", "timm:NAME", "clip:ARCHITECTURE/TAG", ...

    Raises EncoderError for an unknown name, or weights that can't be had.
    """
    makers = {family: row.maker for family, row in ENCODERS.items()}
    family, _, rest = name.partition(":")
    make = maker_of("encoder", family, makers, error=EncoderError)
    example = ENCODERS[family].example if family in ENCODERS else family
    if ":" in example and not rest:
        raise EncoderError(f"{name} names no network; name one as in {example}")
    encoder: Encoder = make(name, options or EncoderOptions())
    return encoder


def remake_encoder(
    name: str, identity: str, card: dict[str, Any], options: EncoderOptions | None
) -> tuple[Encoder, dict[str, Any]]:
    """Make an encoder that a library knows, and return it with the card to keep.

    Weights are read from where they were, unless options name another file. Raises EncoderError
    when that file is gone, or when what was made is not the encoder that made the vectors.
    """
    options = options or EncoderOptions()
    kept = card.get("weights_path")
    weights = options.weights or (Path(kept) if kept else None)
    if weights and not weights.is_file():
        raise EncoderError(
            f"the weights of {name} were read from {weights}, which is gone; indexed pictures "
            "still work, for new ones give the file again: --weights FILE"
        )
    made = make_encoder(
        name, replace(options, weights=weights, arithmetic=card.get("arithmetic", "fp32"))
    )
    if made.identity != identity:
        raise EncoderError(
            f"{name} here is {made.identity}, the library's vectors are of {identity}: weights, "
            "preparation or version differ. Give the same weights with --weights FILE, or make a "
            f"second set with: q index --encoder {name} --weights FILE FOLDER"
        )
    return made, made.card.as_json()
