"""Batch norms are folded into convolutions where that keeps the vectors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seeing.networks.fit import Fit
from seeing.networks.folding import folded
from seeing.networks.network import Network
from seeing.networks.torch_ready import ensure_torchvision

ensure_torchvision()


class Crossed(nn.Module):
    """A network whose batch norm is listed after one convolution and used after another."""

    def __init__(self) -> None:
        super().__init__()
        self.late = nn.Conv2d(8, 8, 1)
        self.norm = nn.BatchNorm2d(8)
        self.early = nn.Conv2d(3, 8, 3)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.mean(self.late(self.norm(self.early(pixels)).relu()), dim=(2, 3))


def test_folding_that_would_change_the_vectors_is_undone() -> None:
    torch.manual_seed(0)
    module = Crossed().eval()
    module.norm.running_mean = torch.randn(8)
    module.norm.running_var = 0.1 + torch.rand(8)
    assert folded(module) is not module
    network = Network(module, Fit((32, 32), (32, 32)), device="cpu")
    assert network.module is module


@pytest.mark.parametrize(
    "name", ["test_resnet", "test_efficientnet", "test_byobnet", "test_maxvit", "test_coatnet"]
)
def test_folding_keeps_the_vectors(tiny_timm: Callable[[str], Path], name: str) -> None:
    import timm
    from safetensors.torch import load_file

    module = timm.create_model(name)
    module.load_state_dict(load_file(tiny_timm(name)))
    module.reset_classifier(0)
    kept = module.eval()
    network = Network(kept, Fit((160, 160), (160, 160)), device="cpu")
    assert network.module is not kept, "nothing was folded"
    pixels = torch.rand(2, 3, 160, 160)
    with torch.inference_mode():
        one, other = kept(pixels), network.module(pixels)
    assert (one - other).abs().max() < 1e-4 * one.abs().max()


def test_mobilenet_folds_all_of_its_norms(mobilenet: Any) -> None:
    left = [m for m in mobilenet.network.module.modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == []
