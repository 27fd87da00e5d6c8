"""The features of two questions for the hit classifier; the same for (a, b) and (b, a)."""

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import pairwise

from backends.cache.equivalence.alignment import alignment_features
from backends.cache.equivalence.embedded_question import EmbeddedQuestion
from backends.cache.equivalence.guards import (
    GUARDS,
    SIGNS,
    missing_names,
    negated_once,
    opposites,
    same_words,
)
from backends.cache.equivalence.word_classes import word_set

_AUXILIARIES = word_set(
    "is are was were am do does did has have had will would can could should may might must isn't aren't doesn't don't "
    "didn't"
)
_CLAUSE = re.compile(r"[.?!;,:](?=\s+\w)|\b(?:and|but|because|since|while|though|so|if|when|who|which|that)\b")
_ASKING = {"how": "how", "why": "why"} | dict.fromkeys(
    ("what", "which", "who", "when", "where", "whats", "what's"), "what"
)


def pair_features(a: EmbeddedQuestion, b: EmbeddedQuestion, cosine: float) -> dict[str, float]:
    """By name; `cosine` is that of the questions' vectors. Some 0.5 ms for two questions of ten words each."""
    if b.words < a.words:
        a, b = b, a
    found = {"cosine": cosine} | _signs(a, b) | _sizes(a, b) | _surface(a, b)
    return found | alignment_features(a, b)


def _signs(a: EmbeddedQuestion, b: EmbeddedQuestion) -> dict[str, float]:
    x, y = a.parsed, b.parsed
    found = {f"guard_{name}": float(differ(x, y)) for name, differ in GUARDS + SIGNS}
    kinds = {sentence_kind(a.words), sentence_kind(b.words)}
    for kind in ("yes", "how", "why", "what"):
        found[f"act_{kind}"] = float(len(kinds) == 2 and kind in kinds)
    return found | {
        "act_same": float(len(kinds) == 1),
        "act_told": float(kinds == {"told"}),
        "opposites": float(len(opposites(x, y))),
        "same_words": float(same_words(x, y)),
        "denied": float(negated_once(x, y)),
        "name_one": float(len(missing_names(x.names, y)) + len(missing_names(y.names, x))),
        "loose": float(sum(((x.loose - y.quantities) + (y.loose - x.quantities)).values())),
        "quantities": float(sum(x.quantities.values()) + sum(y.quantities.values())) / 2,
    }


def sentence_kind(words: tuple[str, ...]) -> str:
    """What a sentence asks: "yes" (yes or no), "how", "why" or "what"; "told" if it states something."""
    if words and words[0] in _AUXILIARIES:
        return "yes"
    return next((_ASKING[word] for word in words[:12] if word in _ASKING), "told")


def _sizes(a: EmbeddedQuestion, b: EmbeddedQuestion) -> dict[str, float]:
    words, content = sorted((len(a.words), len(b.words))), sorted((len(a.content), len(b.content)))
    ours = Counter(word for word in a.words if word not in a.content)
    theirs = Counter(word for word in b.words if word not in b.content)
    plain = sorted(((ours - theirs).total(), (theirs - ours).total()))
    clauses = sorted((len(_CLAUSE.findall(a.parsed.lower)), len(_CLAUSE.findall(b.parsed.lower))))
    return {
        "clauses_min": clauses[0],
        "clauses_more": clauses[1] - clauses[0],
        "words_min": words[0],
        "words_max": words[1],
        "words_ratio": words[0] / max(1, words[1]),
        "content_min": content[0],
        "content_max": content[1],
        "content_ratio": content[0] / max(1, content[1]),
        "function_diff_min": plain[0],
        "function_diff_max": plain[1],
        "function_same": (ours & theirs).total() / max(1, ours.total(), theirs.total()),
    }


def _surface(a: EmbeddedQuestion, b: EmbeddedQuestion) -> dict[str, float]:
    one, other = a.words, b.words
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    edits = [code for code, *_ in matcher.get_opcodes() if code != "equal"]
    same = sum(block.size for block in matcher.get_matching_blocks())
    ours, theirs = Counter(one), Counter(other)
    bigrams, others = Counter(pairwise(one)), Counter(pairwise(other))
    return {
        "hunks": len(edits),
        "hunks_replace": edits.count("replace"),
        "lcs": 2 * same / max(1, len(one) + len(other)),
        "bag_jaccard": (ours & theirs).total() / max(1, (ours | theirs).total()),
        "bag_same": float(ours == theirs),
        "bigrams": (bigrams & others).total() / max(1, min(bigrams.total(), others.total())),
        "first_same": float(one[:1] == other[:1]),
    }
