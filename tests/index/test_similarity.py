"""What a cosine means in a library: percentiles of random pairs, and "close"."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.db.catalogue import Catalogue
from seeing.db.vectors import add_encoder
from seeing.index.base import IndexSpec, Vectors
from seeing.index.exact import ExactIndex
from seeing.index.similarity import Similarities, measure_similarities, similarities

DIMENSION = 12


def unit(n: int, seed: int = 0, *, dimension: int = DIMENSION, offset: float = 0.0) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((n, dimension)) + offset
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def index_of(rows: Vectors, ids: NDArray[np.int64] | None = None) -> ExactIndex:
    index = ExactIndex(IndexSpec(rows.shape[1], "test@0"))
    index.add(np.arange(len(rows)) if ids is None else ids, rows)
    return index


def pairs(rows: Vectors) -> NDArray[np.float64]:
    products = rows.astype(np.float64) @ rows.astype(np.float64).T
    return products[np.triu_indices(len(rows), 1)]


def test_percentiles_are_the_share_of_pairs_that_are_less_alike() -> None:
    rows = unit(150)  # 11,175 pairs: all are measured
    measured = measure_similarities(index_of(rows))
    every = pairs(rows)
    for similarity in (-0.6, -0.2, 0.0, 0.1, 0.35, 0.7):
        share = 100 * float((every < similarity).mean())
        # a thousand and one quantiles: within a tenth of a per cent
        assert measured.percentile(similarity) == pytest.approx(share, abs=0.1)
    assert measured.percentile(-1.0) == 0
    assert measured.percentile(1.0) == 100


def test_percentiles_never_fall() -> None:
    measured = measure_similarities(index_of(unit(60)))
    told = [measured.percentile(s) for s in np.linspace(-1, 1, 300).tolist()]
    assert told == sorted(told, key=lambda p: -1 if p is None else p)


def test_quantiles_of_a_known_distribution() -> None:
    # cosines of random directions in 3 dimensions are uniform in -1..1 (Archimedes' hat box)
    measured = measure_similarities(index_of(unit(4000, dimension=3)))
    levels = np.linspace(-1, 1, 1001)
    # 20,000 pairs: the Kolmogorov-Smirnov distance exceeds 1.63 / sqrt(20000) = 0.0115 once in 100
    # times, of the distribution function; twice that in cosines
    assert np.abs(measured.quantiles - levels).max() < 2 * 0.0115


def test_a_library_of_equal_pictures() -> None:
    measured = measure_similarities(index_of(np.repeat(unit(1), 80, axis=0)))
    assert measured.close == pytest.approx(1, abs=2e-3)
    assert measured.percentile(0.9) == 0
    assert measured.percentile(1.1) == 100


def test_close_is_the_1_percent_quantile_of_the_nearest_other() -> None:
    rows = unit(500, offset=0.4)
    products = rows.astype(np.float64) @ rows.astype(np.float64).T
    np.fill_diagonal(products, -2)
    expected = float(np.quantile(products.max(axis=1), 0.01))
    measured = measure_similarities(index_of(rows))
    assert measured.close == pytest.approx(expected, abs=2e-6)
    assert measured.close is not None
    assert measured.is_close(measured.close) is True
    assert measured.is_close(measured.close - 1e-4) is False


def test_what_is_less_alike_than_most_pairs_is_never_close() -> None:
    # a crowd and ten loners, whose nearest others lie farther than most pairs
    rows = np.concatenate([unit(90, offset=3.0), unit(10, 2)])
    measured = measure_similarities(index_of(rows))
    half = float(np.quantile(pairs(rows), 0.5))
    assert measured.close is not None
    assert measured.close < half
    assert measured.threshold == pytest.approx(half, abs=1e-3)
    assert measured.is_close(half + 0.002) is True
    assert measured.is_close(half - 0.002) is False


def test_copies_are_nearest_others_too() -> None:
    rows = unit(60)
    measured = measure_similarities(index_of(np.concatenate([rows, rows])))
    assert measured.close == pytest.approx(1, abs=2e-3)


def test_close_is_sampled_in_a_large_library() -> None:
    rows = unit(3000, offset=0.4)
    products = rows @ rows.T
    np.fill_diagonal(products, -2)
    nearest_others = products.max(axis=1)
    close = measure_similarities(index_of(rows)).close
    # a sample of 1,000: its 1 % quantile lies between the 0.3 % and the 2 % quantiles of all
    low, high = np.quantile(nearest_others, [0.003, 0.02])
    assert close is not None
    assert low < close < high


@pytest.mark.parametrize("n", [0, 1, 2, 49])
def test_nothing_is_said_about_closeness_below_50_items(n: int) -> None:
    measured = measure_similarities(index_of(unit(n)) if n else ExactIndex(IndexSpec(12, "t@0")))
    assert measured.n == n
    assert measured.close is None
    assert measured.is_close(0.99) is None
    assert (measured.percentile(0.5) is None) == (n < 2)
    assert measure_similarities(index_of(unit(50))).close is not None


@pytest.mark.parametrize("n", [120, 2500])
def test_the_order_of_rows_does_not_matter(n: int) -> None:
    rows, order = unit(n), np.random.default_rng(1).permutation(n)
    one = measure_similarities(index_of(rows))
    other = measure_similarities(index_of(rows[order], order))
    assert one.close == other.close
    # all pairs of a small library are multiplied as a matrix: its sums depend on the place
    np.testing.assert_allclose(one.quantiles, other.quantiles, atol=1e-6)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / ".q").mkdir()
    return Catalogue(tmp_path / ".q", create=True)


def test_kept_in_the_catalogue_until_the_items_change(catalogue: Catalogue) -> None:
    with catalogue:
        stored = add_encoder(catalogue, "t@0", name="t", dimension=DIMENSION, card={})
        rows = unit(80)
        first = similarities(catalogue, stored, index_of(rows))
        with catalogue.transaction() as connection:  # if it were measured again, this would be gone
            connection.execute("UPDATE similarities SET close = 0.125")
        assert similarities(catalogue, stored, index_of(rows)).close == 0.125
        more = similarities(catalogue, stored, index_of(unit(81)))
        assert (first.n, more.n) == (80, 81)
        assert more.close == measure_similarities(index_of(unit(81))).close


def test_measured_again_when_items_are_exchanged(catalogue: Catalogue) -> None:
    # as many as before, but others: what was measured of the old ones says nothing
    with catalogue:
        stored = add_encoder(catalogue, "t@0", name="t", dimension=DIMENSION, card={})
        similarities(catalogue, stored, index_of(unit(80)))
        others = index_of(unit(80, seed=1, offset=2.0), np.arange(80) + 40)
        again = similarities(catalogue, stored, others)
        assert again.close == measure_similarities(others).close


def test_a_percentile_of_hand_made_quantiles() -> None:
    usual = Similarities(100, 0.5, np.linspace(0.0, 1.0, 1001))
    assert usual.percentile(0.25) == pytest.approx(25)
    assert usual.percentile(0.0) == 0
    assert usual.percentile(-0.1) == 0
    assert usual.percentile(1.01) == 100
