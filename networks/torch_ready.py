"""Make torchvision importable beside a torch that lacks its operators; keep libraries quiet."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_kept: list[Any] = []
"""The stand-in for torchvision's operators: a collected Library takes its operators with it."""


def ensure_torchvision() -> bool:
    """Import torchvision; True when whole, False when its compiled operators are stood in for.

    A CPU-only torch beside a torchvision linked against CUDA fails at import with "operator
    torchvision::nms does not exist", and timm and open_clip fail with it. Declaring the two box
    operators first is enough for transforms and models; calling them stays impossible, and
    nothing here does. Call this before importing timm, torchvision or open_clip.
    """
    import torch

    try:
        import torchvision
    except RuntimeError as problem:
        if "torchvision::" not in str(problem):
            raise
    else:
        return not _kept
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        library.define(  # type: ignore[no-untyped-call]
            f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
    _kept.append(library)
    import torchvision  # noqa: F401

    return False


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries say while they build a network off the screen; errors are still raised.

    open_clip logs to the root logger, which gives that one a handler: it is taken away again.
    """
    root = logging.getLogger()
    handlers = list(root.handlers)
    loggers = [logging.getLogger(name) for name in ("timm", "huggingface_hub", "open_clip", "")]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)
            root.handlers[:] = handlers
