"""What makes a question hard, whatever its subject: its shape as numbers, its form, and a prior of its difficulty.

Words are counted by what they do (ask, count, negate, suppose), so that what is learned on one set of questions can
hold on another. One pass over the words: 200 tokens take about 0.1 ms.
"""

import re
from itertools import chain
from math import expm1, log1p, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEAD, TAIL = 4_000, 1_500
"""Characters read from the start and the end of a longer text, so that time does not grow with length."""

OPTION = re.compile(r"(?m)^\(?([A-J])[.)] ")
SPACED = bytes(code if 97 <= code <= 122 or code == 39 else 32 for code in range(256))
"""Blanks in place of all but a to z and apostrophes."""

NUMBER = re.compile(r"\d\d*(?:[.,]\d+)*")
SENTENCE = re.compile(r"[.!?](?:\s|$)")
CAPITALS = bytes(range(65, 91))
CAPITALISED = re.compile(r"[A-Z](?<!\w[A-Z])")
"""The letter comes first and the condition on what precedes it second, as searching for one of a set is fast."""

LONG = 9
"""Letters from which a word counts as long."""

SYMBOL = re.compile(r"[^\w\s.,?!'\"-]")
PLAIN = bytes(code for code in range(128) if SYMBOL.match(chr(code)) is None)
VALUE = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*[A-Za-z%]{0,3}")

KINDS: dict[str, str] = {
    "number": "one two three four five six seven eight nine ten twelve twenty dozen half quarter twice double triple "
    "third thirds fourth",
    "step": "each every per then after before total remaining left times twice half third more less rest altogether "
    "combined if",
    "negation": "not never none except false incorrect least without cannot unless neither nor excluding don't doesn't",
    "logic": "if then therefore implies all some every any only unless either or and true false",
    "person": "he she they his her their i my you your",
    "function": "a an the of to in on for with and or is are was were be been by at as that this it its from which "
    "what who how when where not has have had do does did can will would should may if than then there he she they "
    "his her their i you we one",
    "suppose": "suppose assume consider let given",
    "solve": "calculate compute determine find evaluate solve derive prove show estimate",
    "best": "most best likely primarily mainly main",
    "what": "what",
    "which": "which",
    "who": "who",
    "when": "when",
    "why": "why",
    "how": "how",
}
PLACES: dict[str, tuple[int, ...]] = {}
for _place, _words in enumerate(KINDS.values()):
    for _word in _words.split():
        PLACES[_word] = (*PLACES.get(_word, ()), _place)

ASKED = ("suppose", "solve", "best", "what", "which", "who", "when", "why", "how")
"""Kinds that count once, however many words there are."""

NAMES = (
    *("length", "stem", "options-mean", "options-spread", "options", "words", "sentences", "numbers"),
    *("numbers-share", "longest-number", "decimals", "number-words", "quantities", "steps", "negations"),
    *("logic", "persons", "symbols", "digits", "capitals", "capitalised", "word-length", "long-words"),
    *("distinct", "function-words", "value-options", "option-word-length", "option-capitals", "blank", "asks"),
    *("ends-asking", "quotes", "lines", "brackets", "percent", "dollar", "equals", "powers", "comma", "overlap"),
    *(*ASKED, "how-many", "how-much", "code"),
)

Vector = NDArray[np.float32]


class Shape(NamedTuple):
    """`numbers`: one for each of NAMES. `form`: 0 is open, 1 has up to five options, 2 has more."""

    numbers: Vector
    form: int


def excerpt(text: str) -> str:
    """At most HEAD + TAIL characters."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def parts(text: str) -> tuple[str, list[str]]:
    """The question and its lettered options, if it has any."""
    marks = list(OPTION.finditer(text))
    if len(marks) < 2 or marks[0][1] != "A":
        return text.strip(), []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    options = [text[mark.end() : end].removesuffix("\nAnswer:").strip() for mark, end in zip(marks, ends, strict=True)]
    return text[: marks[0].start()].strip(), options


def shape(text: str, size: int) -> Shape:
    """Of an excerpt; `size` is the whole text's length in characters."""
    stem, options = parts(text)
    length, low = len(text) or 1, stem.lower()
    words = low.encode("utf-8", "surrogatepass").translate(SPACED).decode().split()
    count, distinct = len(words) or 1, set(words)
    kinds, lengths = _counts(words), [*map(len, words)]
    numbers = NUMBER.findall(stem)
    quantities = len(numbers) + kinds["number"]
    sizes = [len(option) for option in options] or [0]
    option_words = [word for option in options for word in option.split()]
    found = (
        log1p(size),
        log1p(len(stem) + size - len(text)),
        log1p(sum(sizes) / len(sizes)),
        log1p(_spread(sizes)),
        len(options) / 10,
        log1p(count * size / length),
        log1p(len(SENTENCE.findall(stem))),
        log1p(len(numbers)),
        len(numbers) / count,
        min(max(map(len, numbers), default=0), 16) / 8,
        log1p(sum("." in number for number in numbers)),
        log1p(kinds["number"]),
        log1p(quantities),
        log1p(kinds["step"]),
        log1p(kinds["negation"]),
        log1p(kinds["logic"]),
        kinds["person"] / count,
        _symbols(text) / length,
        sum(map(len, numbers)) / length,
        _capitals(stem) / (len(stem) or 1),
        len(CAPITALISED.findall(stem)) / count,
        sum(lengths) / count,
        len([size for size in lengths if size >= LONG]) / count,
        len(distinct) / count,
        kinds["function"] / count,
        sum(VALUE.fullmatch(option) is not None for option in options) / len(sizes),
        sum(map(len, option_words)) / (len(option_words) or 1),
        sum(option[:1].isupper() for option in options) / len(sizes),
        float("_" in text),
        log1p(stem.count("?")),
        float(stem.endswith("?")),
        float('"' in text or "“" in text),
        log1p(stem.count("\n")),
        log1p(stem.count("(")),
        float("%" in text),
        float("$" in text),
        log1p(text.count("=")),
        log1p(text.count("^") + text.count("\\")),
        log1p(stem.count(",")),
        sum(word.lower() in distinct for word in option_words) / (len(option_words) or 1),
        *(float(kinds[kind] > 0) for kind in ASKED),
        float("how many" in low),
        float("how much" in low),
        float("```" in text or "();" in text or "</" in text or "def " in text),
    )
    return Shape(np.array(found, np.float32), 0 if not options else 1 if len(options) <= 5 else 2)


def prior(numbers: Vector, scaled: Vector, form: int) -> float:
    """How much a question is expected to gain from the stronger engine, before anything is learned; without a unit.

    `scaled` are the numbers in standard deviations. Longer questions gain more, and those with plain words and many
    quantities; an open one also where it has an exact answer (numbers, code), not taste.
    """
    score = scaled[PLACE["words"]] + 0.3 * scaled[PLACE["number-words"]] - 0.3 * scaled[PLACE["word-length"]]
    if form == 0:
        exact = max(min(expm1(numbers[PLACE["quantities"]]), 2.0) / 2, numbers[PLACE["code"]])
        score += 0.3 * scaled[PLACE["comma"]] - 0.2 * scaled[PLACE["word-length"]] + 1.5 * exact
    return float(score)


PLACE = {name: place for place, name in enumerate(NAMES)}


def _symbols(text: str) -> int:
    if text.isascii():
        return len(text.encode().translate(None, PLAIN))
    return len(SYMBOL.findall(text))


def _capitals(text: str) -> int:
    """Of A to Z; bytes are searched ten times as fast as text."""
    found = text.encode("utf-8", "surrogatepass")
    return len(found) - len(found.translate(None, CAPITALS))


def _spread(sizes: list[int]) -> float:
    """Standard deviation; numpy's costs more than all other features of a short text."""
    mean = sum(sizes) / len(sizes)
    return sqrt(sum((size - mean) ** 2 for size in sizes) / len(sizes))


def _counts(words: list[str]) -> dict[str, int]:
    found = [0] * len(KINDS)
    for place in chain.from_iterable(filter(None, map(PLACES.get, words))):
        found[place] += 1
    return dict(zip(KINDS, found, strict=True))
