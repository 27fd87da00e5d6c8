"""A question as the score sees it: its words, what they weigh, and what the model made of each in its place."""

import re
from functools import lru_cache
from math import log

import numpy as np

from backends.cache.equivalence.parsed_question import ParsedQuestion, read, stem
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
LONGEST = 64  # words of content up to which two questions are laid side by side, as it costs their product
PLAIN = 200  # the rank in BERT's vocabulary, which goes by frequency, up to which a word says little


class EmbeddedQuestion:
    """`words` are all in order; the rest is of its words of content, of which row i of `vectors` is the i-th.

    `vectors` are unit vectors in context; `own` are those less what all of the sentence's words share. `before` is the
    function word that stands before each. `weight` sums to 1.
    """

    def __init__(self, text: str, states: TokenVectors) -> None:
        self.reading: ParsedQuestion = read(text)
        found = [(match.group().lower().replace("’", "'"), *match.span()) for match in _WORD.finditer(text)]
        plain = PLAIN_WORDS | STOP_WORDS.get(self.reading.language or "en", frozenset())
        meanings, particles = _phrasal([word for word, _, _ in found])
        self.words = tuple(word for word, _, _ in found if word[0].isalnum())
        places = [
            index
            for index, (word, _, _) in enumerate(found)
            if index not in particles and word not in plain and _of_content(word, found[index - 1][0] if index else "")
        ]
        spelled = [meanings.get(index, found[index][0]) for index in places]
        self.content = tuple(ALIASES.get(word, word).removesuffix("'s") for word in spelled)
        self.stems = tuple(unit_name(word) or stem(word) for word in self.content)
        self.before = tuple(
            before if index and (before := found[index - 1][0]) in PLAIN_WORDS else "" for index in places
        )
        self.named = tuple(text[found[index][1]].isupper() for index in places)
        weight = np.array([_rarity(word) for word in self.content], dtype=np.float32)
        self.weight = weight / weight.sum() if len(weight) else weight
        self.vectors, self.own = _word_vectors(states, [found[index][1:] for index in places])


def _phrasal(words: list[str]) -> tuple[dict[int, str], set[int]]:
    """What verbs mean with their particles, and where those particles are: "turn the lights off"."""
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
PLAIN_WORDS = (FILLERS - ASKED) | NEGATORS
"""Function words; what is asked for is content here."""


def _of_content(word: str, before: str) -> bool:
    """Numbers and their units are another's to compare."""
    if not word[0].isalpha() or word in PLAIN_WORDS or word in NUMBER_WORDS:
        return False
    return not ((before[:1].isdigit() or before in NUMBER_WORDS) and unit_name(word))


@lru_cache(maxsize=8192)
def _rarity(word: str) -> float:
    """1 for the commonest words to about 5 for those that the model has no piece for."""
    rank = vocabulary().get(word, 40_000) - 1000
    return 1.0 + max(0.0, log(max(rank, 1) / PLAIN))


def _word_vectors(states: TokenVectors, spans: list[tuple[int, int]]) -> tuple[Vector, Vector]:
    """Each word's vector is the mean of its tokens'; a word beyond the model's window has zeros."""
    dimensions = states.vectors.shape[1] if len(states.vectors) else 1
    vectors = np.zeros((len(spans), dimensions), dtype=np.float32)
    starts = states.spans[:, 0]
    for row, (start, end) in enumerate(spans):
        first, last = np.searchsorted(starts, (start, end))
        if last > first:
            vectors[row] = states.vectors[first:last].mean(axis=0)
    own = vectors - states.vectors.mean(axis=0) if len(states.vectors) else vectors
    return _unit(vectors), _unit(own)


def _unit(vectors: Vector) -> Vector:
    unit: Vector = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return unit
