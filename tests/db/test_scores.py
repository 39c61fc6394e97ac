"""Scores are kept with the scorer's identity, and used again."""

from seeing.db.scores import keep_scores, kept_scores
from seeing.library import Library


def test_kept_by_identity(library: Library) -> None:
    catalogue = library.catalogue
    first, second, third = (item.id for item in library.items()[:3])
    keep_scores(
        catalogue, "sharp@1", name="sharp", parameters={"radius": 2},
        scores={first: (0.5, "half"), second: (-1.25, "")},
    )  # fmt: skip
    assert kept_scores(catalogue, "sharp@1", [first, second, third]) == {
        first: (0.5, "half"), second: (-1.25, "")
    }  # fmt: skip
    assert kept_scores(catalogue, "sharp@2", [first, second]) == {}
    keep_scores(catalogue, "sharp@1", name="sharp", parameters={}, scores={first: (0.75, "new")})
    assert kept_scores(catalogue, "sharp@1", [first]) == {first: (0.75, "new")}
    assert library.status().scores == {"sharp": 2}


def test_more_than_one_statement_takes(library: Library) -> None:
    ids = [item.id for item in library.items()]
    unknown = list(range(1, 1201))
    keep_scores(
        library.catalogue, "s@1", name="s", parameters={}, scores={i: (1.0, "") for i in ids}
    )
    assert set(kept_scores(library.catalogue, "s@1", unknown + ids)) == set(ids)


def test_they_go_with_their_items(library: Library) -> None:
    ids = [item.id for item in library.items()]
    keep_scores(
        library.catalogue, "s@1", name="s", parameters={}, scores={i: (1.0, "") for i in ids}
    )
    library.forget(library.folder.parent / "pictures" / "0.png")
    assert len(kept_scores(library.catalogue, "s@1", ids)) == 4
