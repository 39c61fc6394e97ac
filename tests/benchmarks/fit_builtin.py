"""Make the tables of the built-in encoder again: python tests/benchmarks/fit_builtin.py DATA OUT.

DATA is the folder with galaxies/, ucmerced/ and messier/ (see docs/encoders.md).
"""

import argparse
from pathlib import Path

from seeing.embed.fit_builtin import DRAWN, fit_tables, gather
from seeing.embed.whiten import digest_tables, save_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--leave-out", action="append", default=[], metavar="SET")
    parser.add_argument("--drawn", type=int, default=DRAWN, help="drawn pictures of each kind")
    told = parser.parse_args()
    gathered = gather(told.data, drawn=told.drawn)
    tables = fit_tables(gathered, leave_out=told.leave_out)
    counts = {name: len(one.colour) for name, one in gathered.items() if name not in told.leave_out}
    fitted_on = ", ".join(f"{name} {count}" for name, count in counts.items())
    save_tables(told.out, tables, {"fitted on": fitted_on})
    print(f"{told.out}: {digest_tables(tables)}, fitted on {fitted_on}")


if __name__ == "__main__":
    main()
