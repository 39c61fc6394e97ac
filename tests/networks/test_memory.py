"""Batches are halved when memory runs out, and for no other reason."""

import numpy as np
import pytest
import torch
from torch import nn

from seeing.networks.fit import Fit
from seeing.networks.network import Network


class Greedy(nn.Module):
    """A network that finds memory for two pictures only, as a small device would."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)
        self.problem = problem
        self.seen: list[int] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(pixels))
        if len(pixels) > 2:
            raise self.problem
        return torch.mean(self.layer(pixels), dim=(2, 3))


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
)
def test_batches_are_halved_when_memory_runs_out(problem: Exception) -> None:
    module = Greedy(problem)
    network = Network(module, Fit((32, 32), (32, 32)), device="cpu")
    assert network.chunk > 8
    network.chunk = 16
    rng = np.random.default_rng(0)
    pictures = list(rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8))
    module.seen.clear()
    vectors = network.encode(pictures)
    assert module.seen[:4] == [16, 8, 4, 2]
    assert set(module.seen[4:]) == {2}, "stays halved"
    single = np.concatenate([network.encode([picture]) for picture in pictures])
    assert np.abs(vectors - single).max() < 1e-5


def test_other_failures_are_not_taken_for_memory() -> None:
    module = Greedy(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    network = Network(module, Fit((32, 32), (32, 32)), device="cpu")
    with pytest.raises(RuntimeError, match="mat1"):
        network.encode([np.zeros((32, 32, 3), np.uint8)] * 3)
