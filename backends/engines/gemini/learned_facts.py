"""What is known of a Gemini model: the catalogue's facts, corrected by what its answers showed."""

from datetime import UTC, datetime

from msgspec.structs import replace

from backends.catalogue import Catalogue, Model
from backends.catalogue.model_identity import same, usable

MOST_MODELS = 100
"""How many models are remembered as answered for by another one."""


class LearnedFacts:
    """Remembers, until the core ends, which models refuse JSON beside tools, and which models answer for others.

    Google answers for a model that has ended with its successor, which may refuse what the old one took. Then a call
    is built so that either of them takes it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._answering: dict[str, str] = {}
        self._refuse_json: set[str] = set()

    def of(self, asked: str) -> Model:
        """What holds of a call for the model `asked`."""
        model = self._catalogue.model(asked)
        if asked in self._refuse_json:
            model = replace(model, json_with_tools=False)
        answering = self._answering.get(asked) or self._catalogue.successor(asked, datetime.now(UTC).date())
        if answering is None:
            return model
        later = self._catalogue.model(answering)
        return replace(
            model,
            sampling=model.sampling & later.sampling,
            media=model.media & later.media,
            needs_signatures=model.needs_signatures or later.needs_signatures,
            ends_with_user=model.ends_with_user or later.ends_with_user,
            json_with_tools=model.json_with_tools and later.json_with_tools,
        )

    def answered(self, asked: str, answering: str) -> None:
        """A call for `asked` was answered by `answering`."""
        self._answering.pop(asked, None)
        if usable(answering) and not same(asked, answering) and len(self._answering) < MOST_MODELS:
            self._answering[asked] = answering

    def refused(self, asked: str) -> None:
        """A call for `asked` was refused: the next one goes by the model's own facts again."""
        self._answering.pop(asked, None)

    def refuses_json_with_tools(self, asked: str) -> None:
        self._refuse_json.add(asked)
