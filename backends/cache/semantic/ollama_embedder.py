"""An embedding model of the local engine's: for machines where the model should share its GPU, or answers languages
that MiniLM does not know.

Through Ollama's own client, which blocks: it is called on the embedding thread. It follows no redirect and no proxy.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.cache.semantic.embedders import Embedded

TIMEOUT_S = 30.0  # loading the model included
FLOOR = 0.85  # other models' cosines run higher than MiniLM's; what they mean differs, so it is on the safe side


class OllamaEmbedder:
    """`model` has a prefix, so that its vectors are never compared with another's of that name."""

    floor = FLOOR

    def __init__(self, base_url: str, model: str, *, keep_alive: str = "30m") -> None:
        """Asks once, so that a model that is not there is found out now. Raises ConnectionError, saying what to do."""
        from httpx import Limits
        from ollama import Client

        self.model = f"ollama:{model}"
        self._name = model
        self._keep_alive = keep_alive
        # No connection is kept between batches, so that nothing is left to close: a new one here costs .2 ms.
        limits = Limits(max_keepalive_connections=0)
        self._client = Client(host=base_url, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False, limits=limits)
        self.embed(["ready"])

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        """Raises ConnectionError where the engine cannot answer now."""
        if not texts:
            return []
        from httpx import HTTPError
        from ollama import ResponseError

        try:
            return self._asked(texts)
        except ResponseError as error:
            if error.status_code == 400 and "context length" in error.error:
                return self._one_by_one(texts)
            raise ConnectionError(f"{self._name}: {error.error}: `ollama pull {self._name}` gets it") from None
        except (HTTPError, ConnectionError, ValueError) as error:
            raise ConnectionError(f"the local engine does not embed ({type(error).__name__}): is it running?") from None

    def _asked(self, texts: Sequence[str]) -> list[Embedded]:
        answer = self._client.embed(self._name, list(texts), truncate=False, keep_alive=self._keep_alive)
        if len(answer.embeddings) != len(texts):
            raise ConnectionError(f"{self._name} gave {len(answer.embeddings)} vectors for {len(texts)} texts")
        vectors: Any = np.asarray(answer.embeddings, dtype=np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return [Embedded(vector, len(text)) for vector, text in zip(vectors, texts, strict=True)]

    def _one_by_one(self, texts: Sequence[str]) -> list[Embedded]:
        """One of them is longer than the model's window: it gets a vector that is like nothing."""
        if len(texts) > 1:
            return [embedded for text in texts for embedded in self.embed([text])]
        size = len(self._asked(["x"])[0].vector)
        return [Embedded(np.zeros(size, dtype=np.float32), 0)]
