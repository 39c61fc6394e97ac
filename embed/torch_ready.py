"""Make torchvision importable beside a torch that lacks its compiled operators."""

import sys
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
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)
    import torchvision  # noqa: F401

    return False
