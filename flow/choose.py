"""Which of a library's encoders a name means, and what to say when it means none or several."""

from ..db.advice import index_command
from ..db.catalogue import Catalogue
from ..db.vectors import StoredEncoder, stored_encoders
from ..errors import EncoderError, LibraryError, closest


def named_encoders(catalogue: Catalogue, name: str | None) -> list[StoredEncoder]:
    """Return the encoders of a name or identity, for None all; the default first."""
    known = stored_encoders(catalogue)
    return [e for e in known if name is None or name in (e.identity, e.name)]


def stored_encoder(catalogue: Catalogue, name: str | None) -> StoredEncoder:
    """Return the library's encoder of a name or identity, or the default.

    Raises LibraryError for an empty library, EncoderError for a name that means none or several.
    """
    known = stored_encoders(catalogue)
    if not known:
        raise LibraryError(f"{catalogue.folder} holds no pictures yet; add some: q index FOLDER")
    found = named_encoders(catalogue, name)
    if not found:
        raise EncoderError(_unknown(catalogue, name or "", known))
    if len(found) > 1 and name is not None:
        raise EncoderError(
            f"{name} is here more than once, with different {difference(found)}; name one of "
            f"{', '.join(e.identity for e in found)}"
        )
    return found[0]


def _unknown(catalogue: Catalogue, name: str, known: list[StoredEncoder]) -> str:
    from ..embed.table import known_encoders

    names = [e.name for e in known]
    hint = closest(name, names) or f"; it has {', '.join(names)}"
    said = f"this library has no vectors of {name}{hint}"
    exists = name.partition(":")[0] in {row.name for row in known_encoders()}
    advice = index_command(catalogue, name) if exists else ""
    return f"{said}. Make them with: {advice}" if advice else said


def difference(encoders: list[StoredEncoder]) -> str:
    """Return in what encoders of one name differ: "arithmetic", "weights" or "preparation"."""
    for key, word in (("weights_digest", "weights"), ("arithmetic", "arithmetic")):
        if len({e.card.get(key) for e in encoders}) > 1:
            return word
    return "preparation"


def choice(catalogue: Catalogue, name: str | None) -> list[str]:
    """Return a remark on which encoder was taken, where there was a choice and none was named."""
    known = stored_encoders(catalogue)
    if name is not None or len(known) <= 1:
        return []
    return [f"by the library's default encoder, {known[0].name}"]


def lacking(catalogue: Catalogue, stored: StoredEncoder) -> str | None:
    """Return a remark when pictures have no vectors of an encoder, so that a search passes by."""
    with catalogue.reading() as connection:
        n, without = connection.execute(
            "SELECT count(*), coalesce(sum(vectors.item IS NULL), 0) FROM items "
            "JOIN sources ON sources.id = items.source AND sources.state = 'present' "
            "LEFT JOIN vectors ON vectors.item = items.id AND vectors.encoder = ? "
            "WHERE items.frame IS NULL",  # of videos few frames are indexed, on purpose
            (stored.id,),
        ).fetchone()
    if not without:
        return None
    return (
        f"{without} of {n} pictures have no vectors of {stored.name}: "
        f"{index_command(catalogue, stored.name)}"
    )
