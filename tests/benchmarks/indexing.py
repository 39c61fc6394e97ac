"""Indexing JPEGs with MobileNetV2 against the bare network on ready tensors, in one run.

All use the same weights, arithmetic and threads; rounds alternate, ratios are paired. Compared with
the network two ways: inside this process, where freed memory is kept and batch norms are folded
(`seeing.networks`), at the same batch; and as timm makes it, in a process of its own with the C
library's usual memory, at its best batch.
Run: python tests/benchmarks/indexing.py [fp32|bf16] ...
"""

import statistics
import subprocess
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


PLAIN = """
import sys, time
import safetensors.torch, torch
from seeing.networks.torch_ready import ensure_torchvision
ensure_torchvision()
import timm
network = timm.create_model("mobilenetv2_100", num_classes=0)
weights = safetensors.torch.load_file(sys.argv[1])
network.load_state_dict({k: v for k, v in weights.items() if not k.startswith("classifier")})
kind = torch.bfloat16 if sys.argv[2] == "bf16" else torch.float32
network.eval().to(kind, memory_format=torch.channels_last)
rates = []
with torch.inference_mode():
    for batch in (4, 8, 16, 32):
        ready = torch.rand(batch, 3, 224, 224).to(kind, memory_format=torch.channels_last)
        network(ready)
        start = time.perf_counter()
        for _ in range(240 // batch):
            network(ready)
        rates.append(240 // batch * batch / (time.perf_counter() - start))
print(max(rates))
"""


def plain_rate(weights: Path, arithmetic: str) -> float:
    """Return pictures a second of timm's own network in a process of its own, at its best batch."""
    command = [sys.executable, "-c", PLAIN, str(weights), arithmetic]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


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
                    (
                        indexing_rate(pictures, options),
                        bare_rate(encoder),
                        plain_rate(weights, arithmetic),
                    )
                    for _ in range(ROUNDS)
                ]
            ours, bare, plain = np.median(rates, axis=0)
            to_bare = statistics.median(a / b for a, b, _ in rates)
            to_plain = statistics.median(a / c for a, _, c in rates)
            print(
                f"{arithmetic}  {name:18} {ours:6.1f} pictures/s; bare network here {bare:6.1f}: "
                f"{100 * to_bare:.0f} %; timm's own {plain:6.1f}: {100 * to_plain:.0f} % "
                "(at least 85)",
                flush=True,
            )


if __name__ == "__main__":
    main()
