"""Run a network over batches of prepared pictures: device, arithmetic, memory."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..embed.encoder import Arithmetic, Card, EncoderOptions, Vectors, identify, normalise
from ..embed.prepare import STRETCH
from ..errors import EncoderError
from .fit import Fit
from .folding import folded
from .memory import keep_freed_memory
from .torch_ready import quiet
from .weights import digest_of

if TYPE_CHECKING:
    import torch

    from ..media.picture import Picture

Features = Callable[["torch.nn.Module", "torch.Tensor"], "torch.Tensor"]
"""From a module and (n, 3, height, width) to (n, dimension)."""

_CHUNK_PIXELS = {"cpu": 16 * 224 * 224, "cuda": 128 * 224 * 224, "mps": 32 * 224 * 224}
"""Pixels at once. On a CPU 16 pictures stay near the cache: MobileNetV2 on two cores does 285
pictures a second in sixteens, 250 in thirty-twos (bf16)."""
_SAME = 1e-3
"""How far an entry of a unit vector may move when batch norms are folded; else they are not."""


class Network:
    """A network ready to run: prepared pictures in, unit vectors out.

    fit: what made the prepared pictures; its mean and sd are applied here.
    features: which output of the module is the vector; the module's own when None.
    """

    def __init__(
        self,
        module: "torch.nn.Module",
        fit: Fit,
        *,
        features: Features | None = None,
        device: str | None = None,
        arithmetic: Literal["fp32", "bf16", "auto"] = "fp32",
    ) -> None:
        import torch

        self.fit = fit
        self.device = choose_device(device)
        if self.device == "cpu":
            keep_freed_memory()
        pixels = _CHUNK_PIXELS[self.device.partition(":")[0]]
        self.chunk = max(1, pixels // (fit.size[0] * fit.size[1]))
        # (pixels / 255 - mean) / sd, as one product and one sum.
        mean, sd = torch.tensor(fit.mean), torch.tensor(fit.sd)
        self._scale = (1 / (255 * sd)).to(self.device)
        self._shift = (-mean / sd).to(self.device)
        self._features = features or (lambda module, pixels: module(pixels))
        self.module = module.eval().requires_grad_(False)
        # The type stubs do not know that a module takes a memory format.
        self.module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dimension = self._fold()
        self.arithmetic = self._choose(arithmetic)
        if self.arithmetic == "bf16":
            self.module.to(torch.bfloat16)
            self._forward(_noise(fit, 1))  # a network that can't, fails here and not midway

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Return (n, dimension) float32 unit rows of what `fit` made of n pictures.

        Where memory runs out the number at once is halved, down to 1, and stays so.
        """
        rows: list[NDArray[np.float32]] = []
        at = 0
        while at < len(prepared):
            some = prepared[at : at + self.chunk]
            try:
                rows.append(self._forward(some))
            except (RuntimeError, MemoryError) as problem:  # torch.OutOfMemoryError is the former
                if not out_of_memory(problem) or self.chunk == 1:
                    raise
                self.chunk = max(1, min(self.chunk, len(some)) // 2)
            else:
                at += len(some)
                continue
            self._forget()  # here, where the failed batch is no longer held by its traceback
        if not rows:
            return np.zeros((0, self.dimension), np.float32)
        return normalise(np.concatenate(rows))

    def _forward(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Return (n, dimension) float32, of any length, of one batch."""
        import torch

        with torch.inference_mode(), _exact(self.device):
            pixels = torch.from_numpy(_stacked(prepared)).to(self.device)
            # (n, h, w, 3) in memory, seen as (n, 3, h, w): that is channels_last, without a copy.
            pixels = pixels.to(torch.float32).mul_(self._scale).add_(self._shift)
            pixels = pixels.permute(0, 3, 1, 2)
            kind = next(self.module.parameters()).dtype
            found = self._features(self.module, pixels.to(kind)).to("cpu", torch.float32)
        vectors: NDArray[np.float32] = found.numpy()
        return vectors

    def _fold(self) -> int:
        """Fold batch norms where that changes nothing; return the dimension of the vectors."""
        before = self._forward(_noise(self.fit, 1))
        if before.ndim != 2:
            raise EncoderError(f"the network gives {before.ndim - 1}-d features, not one vector")
        original = self.module
        self.module = folded(original)
        if self.module is not original:
            after = self._forward(_noise(self.fit, 1))
            if not np.abs(normalise(after) - normalise(before)).max() < _SAME:
                self.module = original
        return int(before.shape[1])

    def _choose(self, asked: Literal["fp32", "bf16", "auto"]) -> Arithmetic:
        """Return the arithmetic; for "auto" bf16 where it is a tenth faster in a short trial."""
        import torch

        if asked != "auto":
            return asked
        original = self.module
        seconds = [self._time()]
        try:
            self.module = copy.deepcopy(original).to(torch.bfloat16)
            seconds.append(self._time())
        except RuntimeError:  # not every network and device can
            return "fp32"
        finally:
            self.module = original
        return "bf16" if seconds[1] < 0.9 * seconds[0] else "fp32"

    def _time(self) -> float:
        """Return seconds for one batch, the better of two after a warming run."""
        batch = _noise(self.fit, min(self.chunk, 8))
        seconds = []
        for _ in range(3):
            begun = time.perf_counter()
            self._forward(batch)
            seconds.append(time.perf_counter() - begun)
        return min(seconds[1:])

    def _forget(self) -> None:
        """Give the memory of the failed batch back to the device."""
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


class NetworkEncoder:
    """An encoder that is a network: see `seeing.embed.encoder.Encoder`.

    called: the name in its identity, where that is not what the user writes (a folder's path).
    """

    def __init__(self, name: str, network: Network, card: Card, *, called: str = "") -> None:
        self.name = name
        self.card = card
        self.identity = identify(
            called or name,
            weights=card.weights_digest,
            preparation=card.preparation,
            arithmetic=card.arithmetic,
        )
        self.network = network
        self.dimension = network.dimension
        self.device = network.device
        self.fills_processors = network.device == "cpu"
        self.batch = max(64, network.chunk)
        self.reads_at: int | None = network.fit.reads_at

    def prepare(self, picture: "Picture") -> NDArray[Any]:
        """Return (height, width, 3) as the network likes it, 0..255: uint8 of 8 bits, or float32.

        `encode` takes both in one batch.
        """
        return self.network.fit(picture)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Return (n, dimension) float32 rows of length 1, in the order given."""
        return self.network.encode(prepared)


def prepare_network(
    module: "torch.nn.Module",
    fit: Fit,
    *,
    options: EncoderOptions,
    about: str,
    licence: str,
    download_mb: int = 0,
    features: Features | None = None,
) -> tuple[Network, Card]:
    """Make a module, whose weights are loaded, ready to run, and write its card.

    licence: of the hub's weights; of a file that the user gives nothing is known.
    """
    digest = digest_of(module)
    try:
        with quiet():
            network = Network(
                module, fit, features=features, device=options.device, arithmetic=options.arithmetic
            )
    except RuntimeError as problem:
        if out_of_memory(problem):
            raise EncoderError("the network does not fit into the device's memory") from problem
        told = str(problem).strip().partition("\n")[0]
        raise EncoderError(f"the network does not run in {options.arithmetic}: {told}") from problem
    millions = sum(parameter.numel() for parameter in module.parameters()) / 1e6
    card = Card(
        about=f"{about}; {millions:.1f} million parameters",
        licence="not known: weights from a file" if options.weights else licence,
        preparation={**fit.as_json(), "stretch": STRETCH},
        arithmetic=network.arithmetic,
        weights_path=str(options.weights.absolute()) if options.weights else None,
        weights_digest=digest,
        download_mb=0 if options.weights else (download_mb or round(millions * 4)),
    )
    return network, card


def choose_device(name: str | None) -> str:
    """Return the device to run on: the one named, else cuda, mps or cpu, the first that is here.

    Raises EncoderError when the name is unknown or the device is not here.
    """
    import torch

    present = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if present:
        present.insert(0, "cuda")
    if torch.backends.mps.is_available():
        present.append("mps")
    present.append("cpu")
    if name is None:
        return present[0]
    if name not in present:
        raise EncoderError(f"no device {name} here; there is {', '.join(present)}")
    return name


@contextmanager
def _exact(device: str) -> Iterator[None]:
    """Keep cuDNN from rounding fp32 to 10 bits (TF32) and from choosing by the clock."""
    if not device.startswith("cuda"):
        yield
        return
    from torch.backends import cudnn

    with cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def out_of_memory(problem: BaseException) -> bool:
    """Return whether an exception says that memory ran out, on whatever device."""
    import torch

    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    told = str(problem).lower()
    return any(words in told for words in ("not enough memory", "can't allocate", "out of memory"))


def _stacked(prepared: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Stack pictures of 8 bits and deeper ones; float32 when any of them is."""
    if all(one.dtype == np.uint8 for one in prepared):
        return np.stack(prepared)
    return np.stack([one.astype(np.float32) for one in prepared])


def _noise(fit: Fit, count: int) -> list[NDArray[np.uint8]]:
    """Return prepared pictures that touch every part of a network, the same on every call."""
    noise = np.random.default_rng(0).integers(0, 256, (*fit.size, 3), dtype=np.uint8)
    return [noise] * count
