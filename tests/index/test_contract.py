"""What every kind of index promises; a new kind is one more line in KINDS."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seeing.errors import LibraryError, ShapeError
from seeing.index.base import NO_ITEM, IndexSpec, VectorIndex, Vectors
from seeing.index.exact import ExactIndex

DIMENSION = 24
SPEC = IndexSpec(DIMENSION, "test@0")
HALF = 2.0**-11
"""float16 keeps 11 bits: each entry is off by at most this share of itself, and so, for vectors
of length 1, is an inner product (Cauchy-Schwarz)."""
SUM = 2e-6
"""float32 sums of 24 products against float64 ones of the same float16 rows."""
BIG = 2**63 - 1


class Kind(NamedTuple):
    """A kind of index: an empty one, and the same index after its changes are made durable."""

    empty: Callable[[Path], VectorIndex]
    settled: Callable[[VectorIndex, Path], VectorIndex]


def _in_memory(index: VectorIndex, _path: Path) -> VectorIndex:
    return index


def _reopened(index: VectorIndex, path: Path) -> VectorIndex:
    assert isinstance(index, ExactIndex)
    index.commit()
    index.close()
    return ExactIndex.open(SPEC, path, checksum=index.checksum)


KINDS = {
    "exact, in memory": Kind(lambda path: ExactIndex(SPEC, path), _in_memory),
    "exact, reopened": Kind(lambda path: ExactIndex(SPEC, path), _reopened),
}


class Given:
    """An index of one kind, and brute force over the same rows."""

    def __init__(self, kind: Kind, path: Path) -> None:
        self.kind = kind
        self.path = path
        self.index = kind.empty(path)

    def filled(self, ids: NDArray[np.int64], vectors: Vectors) -> VectorIndex:
        self.index.add(ids, vectors)
        return self.settle()

    def settle(self) -> VectorIndex:
        self.index = self.kind.settled(self.index, self.path)
        return self.index


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Given:
    return Given(request.param, tmp_path / "index" / "1.faiss")


def unrounded(n: int, seed: int = 0) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((n, DIMENSION))
    units: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return units


def unit(n: int, seed: int = 0) -> Vectors:
    """Return unit rows as a library keeps them: float16 already.

    FAISS rounds halves away from zero, numpy to even; what is float16 already both leave alone.
    """
    return unrounded(n, seed).astype(np.float16).astype(np.float32)


def some_ids(n: int, seed: int = 0) -> NDArray[np.int64]:
    """Return distinct ids up to 2^63 - 1, in no order."""
    random = np.random.default_rng(seed + 1000)
    return random.permutation(np.unique(random.integers(0, BIG, 2 * n)))[:n]


def true_products(queries: Vectors, rows: Vectors) -> NDArray[np.float64]:
    return queries.astype(np.float64) @ rows.astype(np.float64).T


def check(
    index: VectorIndex,
    queries: Vectors,
    ids: NDArray[np.int64],
    rows: Vectors,
    k: int,
    allow: NDArray[np.int64] | None = None,
) -> None:
    """Compare a search with brute force: the best scores, and each id's own score."""
    found, scores = index.search(queries, k, allow=allow)
    assert found.shape == scores.shape == (len(queries), k)
    assert found.dtype == np.int64
    assert scores.dtype == np.float32
    chosen = np.ones(len(ids), bool) if allow is None else np.isin(ids, allow)
    ids, rows = ids[chosen], rows[chosen]
    wanted = min(k, len(ids))
    assert (found[:, wanted:] == NO_ITEM).all()
    assert np.isneginf(scores[:, wanted:]).all()
    truth = true_products(queries, rows)
    np.testing.assert_allclose(
        scores[:, :wanted], -np.sort(-truth, axis=1)[:, :wanted], rtol=0, atol=SUM
    )
    column = {int(number): place for place, number in enumerate(ids)}
    for query in range(len(queries)):
        row = found[query, :wanted].tolist()
        assert len(set(row)) == wanted, "an id came twice"
        own = truth[query, [column[number] for number in row]]
        np.testing.assert_allclose(scores[query, :wanted], own, rtol=0, atol=SUM)


def test_search_agrees_with_brute_force(place: Given) -> None:
    ids, rows = some_ids(700), unit(700)
    check(place.filled(ids, rows), unit(7, seed=1), ids, rows, 20)


def test_scores_are_those_of_the_given_vectors_but_for_float16(place: Given) -> None:
    ids, rows, queries = some_ids(500), unrounded(500), unrounded(5, seed=1)
    _, scores = place.filled(ids, rows).search(queries, 500)
    truth = -np.sort(-true_products(queries, rows), axis=1)
    np.testing.assert_allclose(scores, truth, rtol=0, atol=HALF)


def test_self_is_nearest(place: Given) -> None:
    ids, rows = some_ids(300), unit(300)
    found, scores = place.filled(ids, rows).search(rows, 1)
    assert (found[:, 0] == ids).all()
    np.testing.assert_allclose(scores[:, 0], 1, rtol=0, atol=HALF + SUM)


@pytest.mark.parametrize("queries", [1, 100])
def test_ties_come_in_order_of_id(place: Given, queries: int) -> None:
    # 90 equal rows, spread among others, and asked for fewer: the lowest ids of them win
    ids, rows = some_ids(400), unit(400)
    alike = np.random.default_rng(5).permutation(400)[:90]
    rows[alike] = rows[0]
    index = place.filled(ids, rows)
    lowest = np.sort(ids[np.union1d(alike, [0])])
    for k in (1, 5, 60):
        found, _ = index.search(np.repeat(rows[:1], queries, axis=0), k)
        assert (found == lowest[:k]).all(), f"k={k}"


@pytest.mark.parametrize("k", [5, 6, 100])
def test_more_than_there_are(place: Given, k: int) -> None:
    ids, rows = some_ids(5), unit(5)
    check(place.filled(ids, rows), unit(3, seed=1), ids, rows, k)


@pytest.mark.parametrize("queries", [0, 1, 30])
def test_empty_index(place: Given, queries: int) -> None:
    index = place.settle()
    assert index.count() == 0
    found, scores = index.search(unit(queries), 4)
    assert found.shape == (queries, 4)
    assert (found == NO_ITEM).all()
    assert np.isneginf(scores).all()
    assert index.remove(np.array([3])) == 0
    assert index.get(np.array([], np.int64)).shape == (0, DIMENSION)
    with pytest.raises(KeyError):
        index.get(np.array([3]))


def test_no_queries_and_nothing_asked_for(place: Given) -> None:
    index = place.filled(some_ids(9), unit(9))
    assert index.search(unit(0), 3)[0].shape == (0, 3)
    assert index.search(unit(2), 0)[0].shape == (2, 0)


def test_an_id_given_again_keeps_its_last_vector(place: Given) -> None:
    ids, rows = some_ids(50), unit(50)
    place.filled(ids, rows)
    fresh = unit(10, seed=9)
    place.index.add(ids[:10], fresh)
    index = place.settle()
    rows[:10] = fresh
    assert index.count() == 50
    check(index, unit(3, seed=1), ids, rows, 50)


def test_of_an_id_twice_in_one_call_the_last_counts(place: Given) -> None:
    rows = unit(4)
    index = place.filled(np.array([7, 8, 7, 7]), rows)
    assert index.count() == 2
    expected = rows[[3, 1]]
    np.testing.assert_array_equal(index.get(np.array([7, 8])), expected)


def test_adding_again_changes_nothing(place: Given) -> None:
    ids, rows, queries = some_ids(60), unit(60), unit(4, seed=1)
    before = place.filled(ids, rows).search(queries, 60)
    for _ in range(3):
        place.index.add(ids, rows)
    index = place.settle()
    after = index.search(queries, 60)
    assert index.count() == 60
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


def test_remove(place: Given) -> None:
    ids, rows = some_ids(80), unit(80)
    place.filled(ids, rows)
    unknown = np.array([1, 2, 3])
    assert place.index.remove(np.concatenate([ids[:30], ids[:5], unknown])) == 30
    assert place.index.remove(ids[:30]) == 0
    index = place.settle()
    assert index.count() == 50
    check(index, unit(3, seed=1), ids[30:], rows[30:], 60)
    with pytest.raises(KeyError):
        index.get(ids[29:31])
    index.add(ids[:30], rows[:30])
    check(index, unit(3, seed=1), ids, rows, 80)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("queries", [1, 40])
def test_a_filter_gives_all_it_can_exactly(place: Given, share: float, queries: int) -> None:
    # 26,000: enough for all ways an engine may take (gather, bitmap, everything)
    ids, rows = some_ids(26_000), unit(26_000)
    index = place.filled(ids, rows)
    allow = np.random.default_rng(3).permutation(ids)[: round(share * len(ids))]
    check(index, unit(queries, seed=1), ids, rows, 50, allow=allow)


def test_a_filter_may_name_unknown_ids_and_repeat_itself(place: Given) -> None:
    ids, rows = np.arange(10, 50), unit(40)
    index = place.filled(ids, rows)
    allow = np.array([12, 12, 3, 999, 11, 12])
    found, _ = index.search(unit(2, seed=1), 5, allow=allow)
    assert [sorted(row[:2]) for row in found.tolist()] == [[11, 12], [11, 12]]
    assert (found[:, 2:] == NO_ITEM).all()
    for nothing in (np.array([], np.int64), np.array([3, 999])):
        assert (index.search(unit(2), 5, allow=nothing)[0] == NO_ITEM).all()


def test_get_returns_rows_in_the_order_asked(place: Given) -> None:
    ids, rows = some_ids(40), unit(40)
    index = place.filled(ids, rows)
    order = np.array([5, 0, 5, 39])
    got = index.get(ids[order])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, rows[order])
    with pytest.raises(KeyError, match="123"):
        index.get(np.array([ids[0], 123]))


def test_ids_of_all_63_bits(place: Given) -> None:
    ids, rows = np.array([BIG, 0, BIG - 1, 1, 2**62, 2**32]), unit(6)
    index = place.filled(ids, rows)
    assert (index.search(rows, 1)[0][:, 0] == ids).all()
    assert (index.search(rows, 1, allow=ids[:1])[0] == BIG).all()
    assert index.remove(np.array([BIG])) == 1


@pytest.mark.parametrize("n", [1, 19, 20, 100])
def test_batches_give_the_same_as_one_by_one(place: Given, n: int) -> None:
    ids, rows, queries = some_ids(3000), unit(3000), unit(100, seed=1)
    index = place.filled(ids, rows)
    single = [index.search(query[None], 10) for query in queries[:n]]
    found, scores = index.search(queries[:n], 10)
    np.testing.assert_allclose(scores, np.concatenate([s for _, s in single]), rtol=0, atol=SUM)
    check(index, queries[:n], ids, rows, 10)
    # the order may differ only where scores are as good as equal
    differ = found != np.concatenate([f for f, _ in single])
    assert differ.mean() < 0.01


def test_wrong_shapes_are_refused_and_change_nothing(place: Given) -> None:
    ids, rows = some_ids(9), unit(9)
    index = place.filled(ids, rows)
    for wrong in (rows[:, :5], rows[0], rows[:8]):
        with pytest.raises(ShapeError):
            index.add(ids, wrong)
    for wrong in (rows[:, :5], rows[0]):
        with pytest.raises(ShapeError):
            index.search(wrong, 3)
    assert index.count() == 9
    check(index, unit(2, seed=1), ids, rows, 9)


def test_count(place: Given) -> None:
    ids, rows = some_ids(30), unit(30)
    assert place.filled(ids[:10], rows[:10]).count() == 10
    place.index.add(ids[5:30], rows[5:30])
    assert place.index.count() == 30
    assert place.settle().count() == 30


@pytest.mark.parametrize("queries", [1, 25])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40))
def test_adding_a_vector_never_lowers_the_best(queries: int, seed: int, n: int) -> None:
    rows, asked = unit(n + 1, seed), unit(queries, seed + 1)
    index = ExactIndex(SPEC)
    index.add(np.arange(n), rows[:n])
    before = index.search(asked, 1)[1]
    index.add(np.array([n]), rows[n:])
    assert (index.search(asked, 1)[1] >= before - SUM).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-12, 12))
def test_scaling_a_query_does_not_change_the_order(seed: int, power: int) -> None:
    # powers of two: exact in floating point, so that the order is the same to the last place
    index = ExactIndex(SPEC)
    index.add(np.arange(60), unit(60, seed))
    query = unit(1, seed + 1)
    found, scores = index.search(query, 60)
    scaled, grown = index.search(query * np.float32(2.0**power), 60)
    np.testing.assert_array_equal(found, scaled)
    np.testing.assert_array_equal(scores * np.float32(2.0**power), grown)


def test_committed_equals_live(tmp_path: Path) -> None:
    ids, rows, queries = some_ids(900), unit(900), unit(30, seed=1)
    live = ExactIndex(SPEC, tmp_path / "1.faiss")
    live.add(ids, rows)
    live.remove(ids[100:200])
    live.commit()
    again = ExactIndex.open(SPEC, tmp_path / "1.faiss", checksum=live.checksum)
    for asked in (queries, queries[:1]):
        for a, b in zip(live.search(asked, 50), again.search(asked, 50), strict=True):
            np.testing.assert_array_equal(a, b)
    assert again.count() == live.count() == 800
    np.testing.assert_array_equal(live.get(ids[:100]), again.get(ids[:100]))
    assert [path.name for path in tmp_path.iterdir()] == ["1.faiss"], "no temporary file is left"


def test_generations_grow_and_a_reader_keeps_the_one_it_opened(tmp_path: Path) -> None:
    ids, rows = np.arange(20), unit(20)
    writer = ExactIndex(SPEC, tmp_path / "1.faiss")
    writer.add(ids[:10], rows[:10])
    first = writer.commit()
    reader = ExactIndex.open(SPEC, tmp_path / "1.faiss", checksum=writer.checksum)
    writer.add(ids[10:], rows[10:])
    assert writer.commit() > first
    assert reader.count() == 10
    assert (reader.search(rows[15:16], 10)[0] < 10).all()
    reader.add(ids[10:11], rows[10:11])  # takes the file as it is now under its own changes
    assert reader.count() >= 11


def test_a_mapped_index_can_be_changed(tmp_path: Path) -> None:
    ids, rows = np.arange(20), unit(20)
    writer = ExactIndex(SPEC, tmp_path / "1.faiss")
    writer.add(ids, rows)
    writer.commit()
    content = (tmp_path / "1.faiss").read_bytes()
    mapped = ExactIndex.open(SPEC, tmp_path / "1.faiss", checksum=writer.checksum)
    mapped.remove(ids[:5])
    mapped.add(np.array([77]), rows[:1])
    assert mapped.search(rows[:1], 1)[0][0, 0] == 77
    assert (tmp_path / "1.faiss").read_bytes() == content, "changes wait for commit"


def test_verify_notices_damage(tmp_path: Path) -> None:
    path = tmp_path / "1.faiss"
    index = ExactIndex(SPEC, path)
    assert index.verify() == ["not committed yet"]
    index.add(np.arange(50), unit(50))
    index.commit()
    assert index.verify() == []
    good = path.read_bytes()
    for place in (0, 40, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert "damaged" in index.verify()[0], f"a bit flipped at {place}"
        with pytest.raises(LibraryError, match="damaged"):
            ExactIndex.open(SPEC, path, checksum=index.checksum)
    path.write_bytes(good[:-1])
    assert "damaged" in index.verify()[0]
    path.unlink()
    assert "missing" in index.verify()[0]
    with pytest.raises(LibraryError, match="no index file"):
        ExactIndex.open(SPEC, path, checksum=index.checksum)


def test_another_dimension_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.faiss"
    index = ExactIndex(SPEC, path)
    index.add(np.arange(5), unit(5))
    index.commit()
    with pytest.raises(LibraryError, match="24, not 32"):
        ExactIndex.open(IndexSpec(32, "other@0"), path, checksum=None)


def test_an_index_without_a_file_cannot_be_committed() -> None:
    with pytest.raises(LibraryError, match="no file"):
        ExactIndex(SPEC).commit()
