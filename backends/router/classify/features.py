"""A text as numbers: hashed words and pairs of words, and some thirty features by hand. Shared by training and serving.

Hashing needs no vocabulary file and no training data at run time; 2^15 buckets keep the weights under 1 MB.
"""

import re
from itertools import pairwise
from math import log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
HEAD, TAIL = 6_000, 2_000
"""Characters read from the start and the end of a longer text: an instruction stands before or after its material."""

EDGE = 10
"""Words at either end that count as the instruction's."""

WORDS = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W\d_]+|\d+|[^\w\s]")
OPTION = re.compile(r"(?m)^\(?[A-J][.)] ")
CODE = re.compile(r"[{}();=<>\[\]]")
STEPS = re.compile(
    r"(?i)\b(each|every|per|then|after|before|total|remaining|left|times|twice|half|third|more than|less than)\b"
)
NEGATION = re.compile(r"(?i)\b(not|never|none|except|false|incorrect|least|without)\b")
HARD = re.compile(
    r"(?i)\b(prove|derive|justify|constraint|trade-?offs?|architecture|rigorous|reconcile|contradict|state your)\w*"
)
TROUBLE = re.compile(r"(?i)\b(error|exception|traceback|failed|fails?|crash\w*|warn|panic|undefined|null)\b")

Vector = NDArray[np.float32]


def excerpt(text: str) -> str:
    """At most HEAD + TAIL characters, so that time does not grow with length."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def hashed(text: str) -> tuple[NDArray[np.int64], Vector]:
    """Buckets and their values, for an excerpt. Words anywhere and words at the edges are normalised apart."""
    words = ["#" * min(len(word), 6) if word[0].isdigit() else word for word in WORDS.findall(text.lower())]
    anywhere = {*words, *map("_".join, pairwise(words))}
    anywhere.update(f"{word[:5]}~" for word in words if len(word) > 5)
    first, last = words[:EDGE], words[-EDGE:]
    edges = {f"^{word}" for word in first} | {f"{word}$" for word in last}
    edges.update(f"^{a}_{b}" for a, b in pairwise(first))
    edges.update(f"^{place}{word}" for place, word in enumerate(words[:3]))
    names = [*anywhere, *edges]
    buckets = np.fromiter(
        (crc32(name.encode("utf-8", "surrogatepass")) % BUCKETS for name in names), np.int64, len(names)
    )
    values = np.empty(len(names), np.float32)
    values[: len(anywhere)] = (len(anywhere) or 1) ** -0.5
    values[len(anywhere) :] = (len(edges) or 1) ** -0.5
    return buckets, values


def by_hand(text: str, size: int) -> Vector:
    """Shape and register of an excerpt; `size` is the whole text's length in characters."""
    length = len(text) or 1
    words = text.split()
    numbers = re.findall(r"\d+", text)
    letters = sum(map(str.isalpha, text)) or 1
    return np.array(
        [
            log1p(size) / 8,
            log1p(len(words)) / 6,
            min(size, 400) / 400,
            sum(map(str.isdigit, text)) / length,
            len(CODE.findall(text)) / length * 5,
            sum(map(str.isupper, text)) / letters,
            log1p(text.count("\n")) / 4,
            float(text.rstrip().endswith(("?", "?"))),
            float("?" in text or "?" in text),
            min(text.count('"') + text.count("“") + text.count("«"), 6) / 6,
            float("```" in text or "`" in text),
            (length - len(text.encode("ascii", "ignore"))) / length,
            float(text[:1].islower()),
            log1p(len(numbers)) / 4,
            min(len(OPTION.findall(text)), 10) / 10,
            sum(map(len, words)) / (len(words) or 1) / 8,
            min(len(STEPS.findall(text)), 8) / 8,
            min(len(NEGATION.findall(text)), 4) / 4,
            min(len(HARD.findall(text)), 4) / 4,
            min(len(TROUBLE.findall(text)), 4) / 4,
            float("{" in text and "}" in text),
            float("http" in text),
            float("→" in text or "->" in text),
            log1p(len(re.findall(r"[.!?。]\s", text))) / 3,
            float("$" in text or "€" in text),
            float("!" in text),
            1.0 if len(words) <= 6 else 0.0,
        ],
        np.float32,
    )


HANDS = by_hand("", 0).size
