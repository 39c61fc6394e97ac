"""Run a network over batches of prepared pictures: device, arithmetic, memory."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from .encoder import Arithmetic, Card, EncoderOptions, Vectors, identify, normalise
from .fit import Fit

if TYPE_CHECKING:
    import torch

    from ..media.picture import Picture

BATCH = 32
"""Pictures at once: larger batches gained nothing on 2 cores."""

Features = Callable[["torch.Tensor"], "torch.Tensor"]


class Network:
    """A network ready to run: prepared pictures in, unit vectors out.

    features: from (n, 3, height, width) to (n, dimension), in the module's type and on its device.
    """

    def __init__(
        self,
        module: "torch.nn.Module",
        features: Features,
        fit: Fit,
        *,
        device: str | None = None,
        arithmetic: Literal["fp32", "bf16", "auto"] = "fp32",
    ) -> None:
        import torch

        self.module = module.eval().requires_grad_(False)
        self.fit = fit
        self.device = choose_device(device)
        self.batch = BATCH
        self._features = features
        self.module.to(device=self.device, memory_format=torch.channels_last)
        self.arithmetic: Arithmetic = "fp32"
        self._type = torch.float32
        if arithmetic == "bf16" or (arithmetic == "auto" and self._gains()):
            self._use_bf16()
        self.dimension = int(self._run([np.zeros((*fit.size, 3), np.uint8)]).shape[1])

    def _use_bf16(self) -> None:
        import torch

        self.arithmetic = "bf16"
        self._type = torch.bfloat16
        self.module.to(torch.bfloat16)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Return (n, dimension) float32 unit rows of what `fit` made of n pictures.

        Where memory runs out the batch is halved, and stays so.
        """
        rows: list[NDArray[np.float32]] = []
        at = 0
        while at < len(prepared):
            some = prepared[at : at + self.batch]
            try:
                rows.append(self._run(some))
            except (RuntimeError, MemoryError) as problem:  # torch.OutOfMemoryError is the former
                if not _out_of_memory(problem) or self.batch == 1:
                    raise
                self.batch //= 2
                self._forget()
                continue
            at += len(some)
        if not rows:
            return np.zeros((0, self.dimension), np.float32)
        return normalise(np.concatenate(rows))

    def _run(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(_stacked(prepared)).to(self.device)
            # (n, h, w, 3) in memory, seen as (n, 3, h, w): that is channels_last, without a copy.
            pixels = pixels.permute(0, 3, 1, 2).to(torch.float32)
            mean = torch.tensor(self.fit.mean, device=self.device).view(1, 3, 1, 1)
            sd = torch.tensor(self.fit.sd, device=self.device).view(1, 3, 1, 1)
            pixels = (pixels / 255 - mean) / sd
            vectors: NDArray[np.float32] = (
                self._features(pixels.to(self._type)).to("cpu", torch.float32).numpy()
            )
        return vectors

    def _forget(self) -> None:
        """Give the memory of the failed batch back to the device."""
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _gains(self) -> bool:
        """Return whether bf16 is at least a tenth faster in a short trial of both."""
        import copy

        import torch

        batch = [np.zeros((*self.fit.size, 3), np.uint8)] * 4
        seconds = {}
        module = self.module
        for kind in (torch.float32, torch.bfloat16):
            self.module, self._type = copy.deepcopy(module).to(kind), kind
            self._run(batch)
            begun = time.perf_counter()
            self._run(batch)
            seconds[kind] = time.perf_counter() - begun
        self.module, self._type = module, torch.float32
        return seconds[torch.bfloat16] < 0.9 * seconds[torch.float32]


class NetworkEncoder:
    """An encoder that is a network: see `seeing.embed.encoder.Encoder`."""

    def __init__(self, name: str, network: Network, card: Card) -> None:
        self.name = name
        self.card = card
        self.identity = identify(
            name,
            weights=card.weights_digest,
            preparation=card.preparation,
            arithmetic=card.arithmetic,
        )
        self.network = network
        self.dimension = network.dimension
        self.device = network.device
        self.batch = network.batch
        self.reads_at: int | None = max(network.fit.resize_to)

    def prepare(self, picture: "Picture") -> NDArray[Any]:
        """Return (height, width, 3) as the network likes it, 0..255, uint8 or float32."""
        return self.network.fit(picture)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Return (n, dimension) float32 rows of length 1, in the order given."""
        return self.network.encode(prepared)


def choose_device(name: str | None) -> str:
    """Return the device to run on: the one named, else cuda, mps or cpu, the first that is here.

    Raises EncoderError when the name is unknown or the device is not here.
    """
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    present = [f"cuda:{number}" for number in range(cuda)]
    present += ["mps"] * torch.backends.mps.is_available() + ["cpu"]
    if name is None:
        return "cuda" if cuda else present[0]
    if name in present or (name == "cuda" and cuda):
        return name
    raise EncoderError(f"no device {name} here; there is {', '.join(present)}")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries say while they load off the user's screen; errors are still raised."""
    loggers = [logging.getLogger(name) for name in ("timm", "huggingface_hub", "open_clip", "root")]
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


def make_network_encoder(
    name: str,
    module: "torch.nn.Module",
    fit: Fit,
    *,
    options: EncoderOptions,
    about: str,
    licence: str,
    download_mb: int = 0,
    features: Features | None = None,
) -> NetworkEncoder:
    """Return an encoder of a module whose weights are loaded."""
    from .weights import digest_of

    digest = digest_of(module)
    network = Network(
        module,
        features or module,
        fit,
        device=options.device,
        arithmetic=options.arithmetic,
    )
    card = Card(
        about=about,
        licence=licence,
        preparation=fit.as_json(),
        arithmetic=network.arithmetic,
        weights_path=str(options.weights.absolute()) if options.weights else None,
        weights_digest=digest,
        download_mb=download_mb,
    )
    return NetworkEncoder(name, network, card)


def _stacked(prepared: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Stack pictures of 8 bits and deeper ones; float32 when any of them is."""
    if all(one.dtype == np.uint8 for one in prepared):
        return np.stack(prepared)
    return np.stack([one.astype(np.float32) for one in prepared])


def _out_of_memory(problem: BaseException) -> bool:
    import torch

    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    told = str(problem).lower()
    return any(words in told for words in ("not enough memory", "can't allocate", "out of memory"))
