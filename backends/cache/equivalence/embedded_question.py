"""A question for the hit classifier: its words, their weights, and the contextual vector of each."""

import re
from functools import lru_cache
from math import log

import numpy as np

from backends.cache.equivalence.parsed_question import ParsedQuestion, parse, stem
from backends.cache.equivalence.quantities import NUMBER_WORDS, unit_name
from backends.cache.equivalence.vocabulary import vocabulary
from backends.cache.equivalence.word_classes import (
    ALIASES,
    FILLERS,
    NEGATORS,
    PHRASAL,
    STOP_WORDS,
    word_set,
)
from backends.cache.semantic.embedders import TokenVectors
from backends.cache.semantic.vector_index import Vector

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")
LONGEST = 64  # content words up to which two questions are aligned, because that costs their product
COMMON = 200  # rank in BERT's vocabulary, which is ordered by frequency, up to which a word says little


class EmbeddedQuestion:
    """`words` are all words in order. Everything else is about the n content words.

    `vectors` (n, dimensions) are unit vectors in context; `own` are the same without the mean of the sentence. `before`
    is the function word in front of each, `named` whether it begins with a capital. `weight` (n,) sums to 1.
    """

    def __init__(self, text: str, tokens: TokenVectors) -> None:
        self.parsed: ParsedQuestion = parse(text)
        found = [(match.group().lower().replace("’", "'"), *match.span()) for match in _WORD.finditer(text)]
        function_words = FUNCTION_WORDS | STOP_WORDS.get(self.parsed.language or "en", frozenset())
        meanings, particles = _phrasal([word for word, _, _ in found])
        self.words = tuple(word for word, _, _ in found if word[0].isalnum())
        places = [
            index
            for index, (word, _, _) in enumerate(found)
            if index not in particles
            and word not in function_words
            and _of_content(word, found[index - 1][0] if index else "")
        ]
        spelled = [meanings.get(index, found[index][0]) for index in places]
        self.content = tuple(ALIASES.get(word, word).removesuffix("'s") for word in spelled)
        self.stems = tuple(unit_name(word) or stem(word) for word in self.content)
        self.before = tuple(
            before if index and (before := found[index - 1][0]) in FUNCTION_WORDS else "" for index in places
        )
        self.named = tuple(text[found[index][1]].isupper() for index in places)
        weight = np.array([_rarity(word) for word in self.content], dtype=np.float32)
        self.weight = weight / weight.sum() if len(weight) else weight
        self.vectors, self.own = _word_vectors(tokens, [found[index][1:] for index in places])


def _phrasal(words: list[str]) -> tuple[dict[int, str], set[int]]:
    """The meanings of verbs with their particles, and the places of the particles, as in "turn the lights off"."""
    meanings: dict[int, str] = {}
    particles: set[int] = set()
    for index, word in enumerate(words):
        if word in _VERBS:
            for other in range(index + 1, min(index + 6, len(words))):
                if meaning := PHRASAL.get((_VERBS[word], words[other])):
                    meanings[index] = meaning
                    particles.add(other)
                    break
    return meanings, particles


_VERBS = {
    form: verb for verb, _ in PHRASAL for form in (verb, verb + "s", verb + "ed", verb + "ing", verb + verb[-1] + "ing")
}
ASKED = word_set(
    "tell show give list display print explain describe provide want need know find see get help answer command option "
    "able way ways possible mean means question make"
)
FUNCTION_WORDS = (FILLERS - ASKED) | NEGATORS
"""Words without content. Words that name the wanted answer, such as "list" or "explain", count as content here."""


def _of_content(word: str, before: str) -> bool:
    """Numbers and their units are no content: they are compared as quantities."""
    if not word[0].isalpha() or word in FUNCTION_WORDS or word in NUMBER_WORDS:
        return False
    return not ((before[:1].isdigit() or before in NUMBER_WORDS) and unit_name(word))


@lru_cache(maxsize=8192)
def _rarity(word: str) -> float:
    """From 1 for the most common words to about 5 for words that are not in the vocabulary."""
    rank = vocabulary().get(word, 40_000) - 1000
    return 1.0 + max(0.0, log(max(rank, 1) / COMMON))


def _word_vectors(tokens: TokenVectors, spans: list[tuple[int, int]]) -> tuple[Vector, Vector]:
    """A word's vector is the mean of its tokens' vectors, and zero beyond the model's window."""
    dimensions = tokens.vectors.shape[1] if len(tokens.vectors) else 1
    vectors = np.zeros((len(spans), dimensions), dtype=np.float32)
    starts = tokens.spans[:, 0]
    for row, (start, end) in enumerate(spans):
        first, last = np.searchsorted(starts, (start, end))
        if last > first:
            vectors[row] = tokens.vectors[first:last].mean(axis=0)
    own = vectors - tokens.vectors.mean(axis=0) if len(tokens.vectors) else vectors
    return _unit(vectors), _unit(own)


def _unit(vectors: Vector) -> Vector:
    unit: Vector = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return unit
