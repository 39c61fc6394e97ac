"""Opening the library that a command works on."""

from pathlib import Path
from typing import TYPE_CHECKING

from .options import Common, Making
from .output import remark

if TYPE_CHECKING:
    from ..embed.encoder import EncoderOptions
    from ..library import Library


def opened(common: Common, *, create: bool = False) -> "Library":
    """Return the library that the options name, else the nearest one; made only with `create`."""
    from ..library import open_library

    return open_library(common.library, create=create, on_remark=lambda text: remark(text, common))


def options_of(making: Making, arithmetic: str = "fp32") -> "EncoderOptions":
    """Return what the user said about how the encoder is made."""
    from ..embed.encoder import EncoderOptions

    weights = None if making.weights is None else Path(making.weights).absolute()
    return EncoderOptions(weights, making.device, arithmetic)  # type: ignore[arg-type]
