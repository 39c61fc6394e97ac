"""A search in 100,000 x 512 vectors against the bare FAISS call, and a hundred queries at once.

Run: python tests/benchmarks/search.py
"""

import tempfile
from pathlib import Path

import faiss
import numpy as np
from measuring import paired

from seeing.index.base import IndexSpec
from seeing.index.exact import ExactIndex

ROWS, DIMENSION, K = 100_000, 512, 12


def main() -> None:
    """Print the table."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((ROWS, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = random.permutation(ROWS).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.faiss"
        spec = IndexSpec(DIMENSION, "benchmark")
        made = ExactIndex(spec, path)
        made.add(ids, vectors)
        made.commit()
        index = ExactIndex.open(spec, path, checksum=made.checksum)
        bare = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        one, hundred = vectors[:1].copy(), vectors[:100].copy()
        a, b, ratio = paired(lambda: index.search(one, K), lambda: bare.search(one, K))
        print(
            f"one query      {1e3 * a:.2f} ms, {ratio:.3f} times the bare call ({1e3 * b:.2f} ms)"
        )
        a, b, ratio = paired(lambda: index.search(hundred, K), lambda: bare.search(hundred, K), 5)
        print(
            f"100 at once    {1e3 * a:.0f} ms as matrices, {ratio:.2f} times single scans "
            f"({1e3 * b:.0f} ms)"
        )
        some = ids[random.random(ROWS) < 0.01]
        a, b, ratio = paired(lambda: index.search(one, K, allow=some), lambda: bare.search(one, K))
        print(f"filter of 1 %  {1e3 * a:.2f} ms, {ratio:.2f} times the unfiltered bare call")


if __name__ == "__main__":
    main()
