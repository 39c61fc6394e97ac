"""A library's encoders, each made once, when it is first needed."""

from typing import TYPE_CHECKING

from ..db.catalogue import Catalogue
from ..db.vectors import StoredEncoder, add_encoder, update_card
from .choose import named_encoders

if TYPE_CHECKING:
    from ..embed.encoder import Encoder, EncoderOptions


class Encoders:
    """Makes encoders from what the catalogue knows of them, and keeps them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._made: dict[str, Encoder] = {}

    def of(self, stored: StoredEncoder, options: "EncoderOptions | None" = None) -> "Encoder":
        """Make one of the library's encoders.

        Raises EncoderError when its weights are not where they were, or are others.
        """
        if stored.identity not in self._made:
            from ..embed.table import remake_encoder

            made, card = remake_encoder(stored.name, stored.identity, stored.card, options)
            if card != stored.card and self._catalogue.writable:
                update_card(self._catalogue, stored, card)
            self._made[stored.identity] = made
        return self._made[stored.identity]

    def entered(
        self, name: str | None, options: "EncoderOptions | None"
    ) -> "tuple[Encoder, StoredEncoder]":
        """Return the encoder to index with, entered into the catalogue.

        name: None for the library's default, or `builtin` where it has none yet.
        """
        from ..embed.table import DEFAULT, make_encoder

        same_name = next(iter(named_encoders(self._catalogue, name)), None)
        if name is None:
            name = same_name.name if same_name else DEFAULT
        if same_name and not (options and options.weights):
            return self.of(same_name, options), same_name
        made = make_encoder(name, options)
        self._made[made.identity] = made
        stored = add_encoder(
            self._catalogue, made.identity, name=made.name, dimension=made.dimension,
            card=made.card.as_json(),
        )  # fmt: skip
        return made, stored
