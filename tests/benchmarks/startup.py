"""How long whole commands take, as a ratio to what they cannot do without.

Run: python tests/benchmarks/startup.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Q, in_turn, real_data

BUILD = """
import torch
from seeing.networks.torch_ready import ensure_torchvision
ensure_torchvision()
import timm, safetensors.torch
network = timm.create_model("mobilenetv2_100")
network.load_state_dict(safetensors.torch.load_file({weights!r}))
"""


def main() -> None:
    """Print the table."""
    data = real_data()
    weights = str(next((data / "weights").glob("mobilenetv2_100*.safetensors")))
    galaxies = data / "data" / "galaxies" / "labelled"
    stranger = next((data / "data" / "messier").rglob("*.jpg"))
    indexed = next(galaxies.rglob("*.jpg"))
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        network = ["--encoder", "timm:mobilenetv2_100"]
        for options in ([], [*network, "--weights", weights]):
            subprocess.run(
                [Q, "index", "-q", str(galaxies), *options], cwd=here, check=True,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        told = in_turn(
            {
                "pass": [python, "-c", "pass"],
                "imports": [python, "-c", "import faiss, sqlite_utils, typer"],
                "build": [python, "-c", BUILD.format(weights=weights)],
                "help": [Q, "--help"],
                "indexed": [Q, "find-similar", str(indexed)],
                "new": [Q, "find-similar", str(stranger)],
                "network": [Q, "find-similar", str(stranger), *network],
            },
            cwd=here,
        )
    print(
        f"q --help              {told['help']:.2f} s, {told['help'] - told['pass']:+.2f} s over "
        "python -c pass (at most +0.20)"
    )
    print(
        f"indexed item          {told['indexed']:.2f} s, {told['indexed'] / told['imports']:.2f} "
        f"times importing faiss, sqlite_utils, typer ({told['imports']:.2f} s; at most 2)"
    )
    print(f"new picture, builtin  {told['new']:.2f} s (under 1)")
    print(
        f"new picture, network  {told['network']:.2f} s, {told['network'] / told['build']:.2f} "
        f"times importing and building it ({told['build']:.2f} s; at most 1.3)"
    )


if __name__ == "__main__":
    main()
