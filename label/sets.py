"""What exemplar sets ask, and which answers make sense: keep or reject, classes, ratings."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches

from ..db.catalogue import Catalogue, readable
from ..db.exemplars import SKIP, Kind, StoredSet, find_set, keep_set, set_named
from ..errors import UsageError

KEEP = ("keep", "reject")
RATINGS = ("1", "2", "3", "4", "5")
SECOND = tuple(f"5.{second}" for second in RATINGS)
"""A five, rated once more among the fives."""
QUESTIONS = {"keep": "Keep it?", "rating": "How good, 1 to 5?", "classes": "Which is it?"}
NOTHING = frozenset({"", "0", SKIP, "none", "null", "nan", "unrated", "unlabelled"})
"""What other programs write where nothing was answered: it never weighs anything."""
_SURE_LETTERS = 5
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


def open_set(
    catalogue: Catalogue,
    name: str,
    *,
    kind: Kind | None = None,
    question: str | None = None,
    answers: Sequence[str] = (),
) -> StoredSet:
    """Return the set of a name, or make it.

    kind: by default rating, or classes where answers are given. Raises UsageError where the set is
    there and asks something else.
    """
    planned = planned_set(catalogue, name, kind=kind, question=question, answers=answers)
    return kept(catalogue, planned)


def kept(catalogue: Catalogue, planned: StoredSet) -> StoredSet:
    """Enter what is new of a set."""
    return planned if planned == find_set(catalogue, planned.name) else keep_set(catalogue, planned)


def planned_set(
    catalogue: Catalogue,
    name: str,
    *,
    kind: Kind | None = None,
    question: str | None = None,
    answers: Sequence[str] = (),
) -> StoredSet:
    """Return the set of a name as it would be with these answers too; nothing is entered yet."""
    known = find_set(catalogue, name)
    kind = kind or ("classes" if answers else known.kind if known else "rating")
    if known is not None:
        if known.kind != kind:
            raise UsageError(
                f"the set {name} asks for {_told(known)}; take another name for {kind}"
            )
        return replace(known, answers=_checked(answers, known.answers))
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a set: letters, digits, - . _, the first a letter or digit"
        )
    if answers and kind != "classes":
        raise UsageError(f"a set of kind {kind} has its own answers; leave --answers out")
    possible = {"keep": KEEP, "rating": RATINGS, "classes": _checked(answers)}[kind]
    return StoredSet(0, name, kind, readable(question or QUESTIONS[kind]), possible, "")


def set_for(
    catalogue: Catalogue,
    name: str,
    answer: str | None,
    *,
    kind: Kind | None = None,
    question: str | None = None,
    answers: Sequence[str] = (),
) -> tuple[StoredSet, str | None]:
    """Return the set of a name, not entered yet, and an answer as it knows it.

    A new set is of the kind that the answer is of: 1 to 5 a rating, keep or reject, else a class.
    A class that a set does not have yet is added, unless it looks like a slip for one it has.
    answers: more classes; the answer is then one that the set has, by these or before.
    """
    if answer is None:
        return set_named(catalogue, name), None
    known = find_set(catalogue, name)
    text = answer.strip()
    if answers:
        known = planned_set(catalogue, name, kind=kind, question=question, answers=answers)
    elif known is None:
        if kind is None and text.isdecimal() and text not in RATINGS and text not in NOTHING:
            raise UsageError(
                f"{text} is no rating from 1 to 5; if {name} is to hold classes: --answers {text}"
            )
        kind = kind or kind_of([text])
        fresh = [text] if kind == "classes" else []
        known = planned_set(catalogue, name, kind=kind, question=question, answers=fresh)
    elif kind is not None:
        known = planned_set(catalogue, name, kind=kind)
    if known.kind == "classes" and text.lower() not in NOTHING and not answers:
        slip = next((one for one in known.answers if _is_slip(text.lower(), one.lower())), None)
        if slip is not None:
            raise UsageError(
                f"{name} asks for {_told(known)}, not {text} (did you mean {slip}?). "
                f"If it is another class: --answers {text}"
            )
        known = replace(known, answers=_checked([text], known.answers))
    fits = fitting(known, text)
    if fits is None:
        raise UsageError(f"{answer!r} is no answer; leave the item out, or q label --undo")
    return known, fits


def _is_slip(word: str, known: str) -> bool:
    """Say whether a word is a known one mistyped: one letter more, less, other, or two swapped.

    Of words below five letters, and of those with digits, nobody can tell: class2 is not class1.
    """
    short, long = sorted((word, known), key=len)
    if word == known or len(long) < _SURE_LETTERS or len(long) - len(short) > 1:
        return False
    if any(letter.isdigit() for letter in word + known):
        return False
    while short and short[0] == long[0]:
        short, long = short[1:], long[1:]
    while short and short[-1] == long[-1]:
        short, long = short[:-1], long[:-1]
    return len(long) == 1 or (len(long) == 2 and short == long[::-1])


def kind_of(answers: Collection[str]) -> Kind:
    """Return the kind of set that some answers are of."""
    words = {answer.strip().lower() for answer in answers}
    if words and words <= set(KEEP):
        return "keep"
    rating = words and all(re.fullmatch(r"-1|[1-5](\.0)?|5\.[1-5]", word) for word in words)
    return "rating" if rating else "classes"


def _checked(answers: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
    """Return known answers and more; those that differ in case alone are one."""
    found = {answer.lower(): answer for answer in known}
    for answer in (answer.strip() for answer in answers):
        if answer.lower() in NOTHING or "|" in answer or not answer.isprintable():
            raise UsageError(f"{answer!r} is no answer: a word, not {SKIP}, none or 0")
        found.setdefault(answer.lower(), answer)
    return tuple(found.values())


def fitting(exemplar_set: StoredSet, answer: str) -> str | None:
    """Return an answer as the set knows it; None where it means that nothing was answered.

    Nor is -1 an answer where ratings are asked for: the first hand-rating tool wrote it for what it
    rejected before any rating. Raises UsageError for an answer that the set does not have.
    """
    text = answer.strip()
    if text.lower() in NOTHING or (text == "-1" and exemplar_set.kind == "rating"):
        return None
    if exemplar_set.kind == "rating":
        number = re.fullmatch(r"([1-5])(?:\.0)?", text)
        if number:
            return number[1]
        if text in SECOND:
            return text
    by_case = {known.lower(): known for known in exemplar_set.answers}
    if text.lower() in by_case:
        return by_case[text.lower()]
    close = get_close_matches(text.lower(), list(by_case), n=1)
    hint = f" (did you mean {by_case[close[0]]}?)" if close else ""
    raise UsageError(f"{exemplar_set.name} asks for {_told(exemplar_set)}, not {text}{hint}")


def _told(exemplar_set: StoredSet) -> str:
    if exemplar_set.kind == "rating":
        return "a rating from 1 to 5"
    return ", ".join(exemplar_set.answers) or "classes"


def value_of(answer: str) -> float:
    """Return the value of a rating: 1 to 5; a five rated once more is 4.6, 4.8, 5.0, 5.2 or 5.4."""
    if answer in SECOND:
        return 5 + (int(answer[2]) - 3) / 5
    return float(answer)


def wanted_of(
    exemplar_set: StoredSet, given: Collection[str], wanted: str | None, *, torn: int = 0
) -> str | None:
    """Return the class that is looked for; None for ratings, of which higher is better.

    given: the answers that occur. torn: items that people disagree on. Raises
    UsageError where that is not clear.
    """
    if exemplar_set.kind == "rating":
        if wanted is not None:
            raise UsageError(f"{exemplar_set.name} holds ratings: --wanted is for classes")
        return None
    if wanted is not None:
        answer = fitting(exemplar_set, wanted)
        if answer not in given:
            name = exemplar_set.name
            why = f": people disagree on {torn} items (q exemplars show {name})" if torn else ""
            raise UsageError(f"nothing is labelled {wanted} in {name}{why}")
        return answer
    if exemplar_set.kind == "keep":
        if KEEP[0] not in given:
            raise UsageError(f"nothing is labelled {KEEP[0]} in {exemplar_set.name} yet")
        return KEEP[0]
    if len(given) == 1:
        return next(iter(given))
    raise UsageError(f"which of {exemplar_set.name} is wanted? --wanted {'|'.join(given)}")
