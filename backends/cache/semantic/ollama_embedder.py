"""An embedding model of an Ollama engine: for machines where the model should share the engine's GPU, or for answers in
languages that MiniLM does not know.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backends.cache.semantic.embedders import Embedded

FLOOR = 0.85  # other models' cosines run higher than MiniLM's and mean something else, so this is on the safe side

EmbedTexts = Callable[[str, Sequence[str]], Sequence[Sequence[float]]]
"""Model and texts to one vector for each text. Blocks. Raises ConnectionError where the engine does not answer, and
ValueError where a text is longer than the model's window.
"""


class OllamaEmbedder:
    """`model` has a prefix, so that its vectors are never compared with those of another model of that name."""

    def __init__(self, model: str, embed_texts: EmbedTexts, *, floor: float = FLOOR) -> None:
        """Embeds one text, so that a missing model is found now. Raises ConnectionError, which says what to do."""
        self.model = f"ollama:{model}"
        self.floor = floor
        self._name = model
        self._embed_texts = embed_texts
        self.embed(["ready"])

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        """Raises ConnectionError where the engine cannot answer now."""
        if not texts:
            return []
        try:
            return self._unit_vectors(texts)
        except ValueError:
            return self._one_by_one(texts)

    def _unit_vectors(self, texts: Sequence[str]) -> list[Embedded]:
        vectors: Any = np.asarray(self._embed_texts(self._name, texts), dtype=np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return [Embedded(vector, len(text)) for vector, text in zip(vectors, texts, strict=True)]

    def _one_by_one(self, texts: Sequence[str]) -> list[Embedded]:
        """One of the texts is longer than the model's window: it gets a zero vector, which matches nothing."""
        if len(texts) > 1:
            return [embedded for text in texts for embedded in self.embed([text])]
        size = len(self._unit_vectors(["x"])[0].vector)
        return [Embedded(np.zeros(size, dtype=np.float32), 0)]
