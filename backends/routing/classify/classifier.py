"""The classifier: two matrix products over a text's words, in numpy, and the quality model's estimate."""

from collections.abc import Mapping
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.routing.classify import hashed_words
from backends.routing.classify.hashed_words import Vector
from backends.routing.classify.language import language
from backends.routing.classify.needs import needs
from backends.routing.classify.sentence_weights import SentenceWeigher, split, weighted_terms
from backends.routing.quality.quality_model import QualityEstimate, QualityModel
from backends.types import Classes, Request
from backends.upstream.most_tokens import whole_words
from backends.upstream.token_count import TokenCounter


class Classifier:
    """Intent, difficulty, needs and language of a request.

    Safe to share; it remembers nothing but how many tokens long texts have. 200 tokens take .5 to .7 ms, 2,000 and more
    about 2: only head and tail are read.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], quality: QualityModel) -> None:
        """The arrays of weights.npz: `matrix` for all words and `asked` for words of sentences that ask (buckets x
        intents, 8-bit, times `scale` and `asked_scale`), `bias`, `intents`, `version`, `heat`, and those of
        `SentenceWeigher`.
        """
        self._matrix: NDArray[np.int8] = weights["matrix"]
        self._scale: Vector = weights["scale"]
        self._asked: NDArray[np.int8] = weights["asked"]
        self._asked_scale: Vector = weights["asked_scale"]
        self.weigher = SentenceWeigher(weights)
        self._bias: Vector = weights["bias"]
        self._intents = [str(name) for name in weights["intents"]]
        self._quality = quality
        self._version = f"{weights['version']}/{quality.version}"
        self._heat = float(weights["heat"])
        self._tokens = TokenCounter()

    @classmethod
    def load(cls) -> "Classifier":
        """The shipped weights, and the words for counting tokens. About 25 ms, so not on the event loop."""
        whole_words()
        data = BytesIO(files(__package__).joinpath("weights.npz").read_bytes())
        return cls(np.load(data, allow_pickle=False), QualityModel.load())

    @property
    def version(self) -> str:
        """The weights' version, as each ledger row has it: the intents', then the quality model's."""
        return self._version

    def classify(self, request: Request) -> Classes:
        """From the ask, not from what surrounds it; never raises for any text."""
        text = request.ask
        intents = _softmax(self.scores(text) * self._heat)
        best, second = (int(place) for place in np.argsort(-intents, kind="stable")[:2])
        tongue = language(text)
        quality = self._quality.estimate(text, tongue)
        hidden = self._harder(request, quality)
        count, most = self._tokens.count(request)
        return Classes(
            intent=self._intents[best],
            intent_p=float(intents[best]),
            runner_up=self._intents[second],
            runner_up_p=float(intents[second]),
            complexity=(hidden or quality).complexity,
            p_local=(hidden or quality).p_local,
            p_cloud=(hidden or quality).p_cloud,
            familiar=(hidden or quality).familiar,
            hidden=hidden is not None,
            needs=needs(request, text, self._intents[best]),
            language=tongue,
            input_tokens=count,
            most_tokens=most,
            media=frozenset(media.media_type for message in request.messages for media in message.media),
            weights=self._version,
        )

    def _harder(self, request: Request, asked: QualityEstimate) -> QualityEstimate | None:
        """How well the text is answered that may hide a question around the ask, where that is harder than the ask."""
        unproved = "" if request.envelope is None else request.envelope.unproved
        if not unproved:
            return None
        other = self._quality.estimate(unproved, language(unproved))
        return other if other.complexity > asked.complexity else None

    def scores(self, text: str) -> Vector:
        """Logits of the intents, for a whole text."""
        parsed = split(hashed_words.excerpt(text))
        buckets, values = parsed.terms.hashed()
        scores = values @ self._matrix.take(buckets, 0) * self._scale + self._bias
        buckets, values = weighted_terms(parsed.sentence_terms, self.weigher(parsed))
        scores += values @ self._asked.take(buckets, 0) * self._asked_scale
        return np.asarray(scores, np.float32)


def _softmax(scores: Vector) -> Vector:
    powers = np.exp(scores - np.max(scores))
    return np.asarray(powers / powers.sum(), np.float32)
