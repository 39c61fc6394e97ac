"""Indexing JPEGs with MobileNetV2 against the bare network on ready tensors, in one run.

Both use the same weights, arithmetic, batch (the one that is quickest for the bare network on a
CPU, 8 pictures) and threads; rounds alternate, ratios are paired.
Run: python tests/benchmarks/indexing.py [fp32|bf16] ...
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import faiss  # noqa: F401 - before torch: then each keeps its own thread settings
import numpy as np
import torch
from measuring import copies, real_data

import seeing
from seeing.embed.encoder import EncoderOptions
from seeing.embed.table import make_encoder
from seeing.networks.network import NetworkEncoder

ROUNDS = 3
SETS = {"UC Merced, 128 px": ("ucmerced", 1000), "BIQ2021, 512 px": ("photo-defects/biq2021", 1000)}


def indexing_rate(pictures: Path, options: EncoderOptions) -> float:
    """Return pictures a second of a whole `Library.index` into a new library."""
    with tempfile.TemporaryDirectory() as folder, seeing.open(folder) as library:
        # the encoder is made on the first call: indexing one picture takes that out of the time
        library.index([next(pictures.iterdir())], encoder="timm:mobilenetv2_100", options=options)
        start = time.perf_counter()
        report = library.index([pictures])
        return report.encoded / (time.perf_counter() - start)


def bare_rate(encoder: NetworkEncoder) -> float:
    """Return pictures a second of the network alone, on tensors that are ready."""
    module, (height, width) = encoder.network.module, encoder.network.fit.size
    ready = torch.rand(encoder.network.chunk, 3, height, width).to(
        next(module.parameters()).dtype, memory_format=torch.channels_last
    )
    with torch.inference_mode():
        module(ready)
        rounds = max(3, 400 // len(ready))
        start = time.perf_counter()
        for _ in range(rounds):
            module(ready)
        return rounds * len(ready) / (time.perf_counter() - start)


def main() -> None:
    """Print the table."""
    data = real_data()
    weights = next((data / "weights").glob("mobilenetv2_100*.safetensors"))
    for arithmetic in sys.argv[1:] or ("fp32", "bf16"):
        options = EncoderOptions(weights=weights, arithmetic=arithmetic)  # type: ignore[arg-type]
        encoder = make_encoder("timm:mobilenetv2_100", options)
        assert isinstance(encoder, NetworkEncoder)
        for name, (folder, count) in SETS.items():
            originals = sorted((data / "data" / folder).rglob("*.jpg"))
            with tempfile.TemporaryDirectory() as made:
                pictures = copies(originals, count, Path(made) / "pictures")
                rates = [
                    (indexing_rate(pictures, options), bare_rate(encoder)) for _ in range(ROUNDS)
                ]
            ours, bare = np.median(rates, axis=0)
            ratio = statistics.median(a / b for a, b in rates)
            print(
                f"{arithmetic}  {name:18} {ours:6.1f} pictures/s, {bare:6.1f} bare network: "
                f"{100 * ratio:.0f} % (at least 85)",
                flush=True,
            )


if __name__ == "__main__":
    main()
