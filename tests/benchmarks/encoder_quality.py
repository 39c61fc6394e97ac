"""Print the figures of encoders: python tests/benchmarks/encoder_quality.py DATA NAME...

DATA is the folder with galaxies/, ucmerced/, messier/, photos/ (see docs/encoders.md). A name is
whatever `q index --encoder` takes; `builtin:frozen` (and `scattering:frozen`, `colour:frozen`) has
its tables fitted anew without the set under test.
"""

import argparse
from pathlib import Path

from seeing.embed.encoder import Encoder, EncoderOptions
from seeing.embed.figures import PROTOCOL, EncoderFor, Figure, milliseconds
from seeing.embed.fit_builtin import frozen, gather
from seeing.embed.table import make_encoder


def always(encoder: Encoder) -> EncoderFor:
    def encoder_for(tested: str) -> Encoder:
        return encoder

    return encoder_for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--weights", type=Path, help="for networks: a file instead of the hub's")
    parser.add_argument("--only", action="append", choices=list(PROTOCOL), default=None)
    told = parser.parse_args()
    gathered = gather(told.data) if any(":frozen" in name for name in told.names) else {}
    one = next((told.data / "ucmerced").glob("*/*.jpg"))
    columns: list[tuple[str, float, list[Figure]]] = []
    for name in told.names:
        encoder_for: EncoderFor
        if name.endswith(":frozen"):
            encoder_for = frozen(name.partition(":")[0], gathered)
        else:
            weights = told.weights if ":" in name else None
            encoder_for = always(make_encoder(name, EncoderOptions(weights=weights)))
        figures = [f for s in told.only or PROTOCOL for f in PROTOCOL[s](encoder_for, told.data)]
        columns.append((name, milliseconds(encoder_for("photos"), one), figures))
    print("| | n | guess |", " | ".join(name for name, _, _ in columns), "|")
    print("|---|---|---|" + "---|" * len(columns))
    for row, figure in enumerate(columns[0][2]):
        values = " | ".join(f"{figures[row].value:.1f}" for _, _, figures in columns)
        print(f"| {figure.name} | {figure.count} | {figure.guess:.1f} | {values} |")
    print("| ms a picture | | |", " | ".join(f"{took:.1f}" for _, took, _ in columns), "|")


if __name__ == "__main__":
    main()
