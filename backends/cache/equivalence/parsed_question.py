"""A question parsed into what the guards compare. The rules are about form and closed word classes, not topics."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from msgspec import Struct

from backends.cache.equivalence.quantities import parse_quantities, unit_name
from backends.cache.equivalence.word_classes import (
    ALIASES,
    DIRECTIONS,
    FILLERS,
    GENITIVES,
    KINDS,
    MANNERS,
    MONTHS,
    NEGATORS,
    PHRASES,
    POSSESSIVES,
    SCOPES,
    STOP_WORDS,
    SYNONYMS,
    TENSES,
)

_QUOTED = re.compile(r"```.*?```|`[^`]+`|\"[^\"]+\"|“[^”]+”|«[^»]+»|„[^“”]+[“”]", re.DOTALL)
_IDENTIFIER = re.compile(
    r"(?<![\w])(?:--?[A-Za-z][\w-]+|[.~]*/[\w./-]+|\w+/[\w-]+[/.][\w./-]+|\w+\(\)|"
    r"[A-Za-z]\w*(?:_\w+|\.[A-Za-z_]\w+|::\w+)+|[a-z]+[A-Z]\w*)"
)
_DISCOURSE = re.compile(r"^(?:no|yes|yeah|ok|okay|well),\s")
_FORMULA = re.compile(r"(?<![\w.-])(?!\d{4}-\d\d-\d\d\b)[\w.]+(?:\s*[-+*/^=<>×÷·%]+\s*\d[\d.]*)+")
_RANGE = re.compile(r"\d+\s*-+\s*\d+\.?$")
_NAME = re.compile(r"[^\W\d_][\w'’+#-]*")
_PHRASES = tuple((re.compile(rf"\b(?:{pattern})\b"), phrase) for pattern, phrase in PHRASES)
_KINDS = tuple((name, re.compile(pattern)) for name, pattern in KINDS)


class ParsedQuestion(Struct, frozen=True):
    """`quoted` must agree to the letter: quotes, code, formulas. `bare` is the text without spaces, to search them in.

    `words` are all words in order, in lower case; `content` are the stems that carry the meaning, in order. `joined`
    counts genitives with "of" and with "'s": "the rate of the cache" is also "the cache's rate" or "the cache rate".
    """

    bare: str
    lower: str
    quoted: frozenset[str]
    identifiers: frozenset[str]
    quantities: Counter[str]
    loose: Counter[str]
    units: frozenset[str]
    names: frozenset[str]
    words: tuple[str, ...]
    content: tuple[str, ...]
    joined: tuple[int, int]
    negated: bool
    scopes: frozenset[str]
    roles: dict[str, frozenset[str]]
    kinds: frozenset[str]
    manners: frozenset[str]
    owners: frozenset[str]
    tenses: frozenset[str]
    language: str | None


@lru_cache(maxsize=512)
def parse(text: str) -> ParsedQuestion:
    """Parse a question; the last 512 are remembered."""
    quoted = {_spaceless(match.group()).strip('`"“”«»„') for match in _QUOTED.finditer(text)}
    plain = unicodedata.normalize("NFKC", _QUOTED.sub(" ", text)).replace("’", "'")
    lower = _DISCOURSE.sub("", _respelled(plain.lower()))
    quoted |= {_spaceless(match.group()) for match in _FORMULA.finditer(plain) if not _RANGE.match(match.group())}
    quantities, words, loose = parse_quantities(lower)
    language = _language(plain, set(words))
    stems = [(word, stem(word)) for word in words]
    content = tuple(
        stemmed
        for word, stemmed in stems
        if word not in FILLERS
        and stemmed not in FILLERS
        and word not in NEGATORS
        and word not in SCOPES
        and len(word) > 1
    )
    return ParsedQuestion(
        bare=_spaceless(text),
        lower=text.lower(),
        quoted=frozenset(quoted - {""}),
        identifiers=frozenset(match.group().lower().rstrip(".") for match in _IDENTIFIER.finditer(plain)),
        quantities=quantities,
        loose=loose,
        units=frozenset(name for word in words if (name := unit_name(word))),
        names=_names(plain, german=language == "de"),
        words=tuple(words),
        content=content,
        joined=(sum(word in GENITIVES for word in words), sum(word.endswith("'s") for word in words)),
        negated=sum(word in NEGATORS or word.endswith("n't") for word in words) % 2 == 1,
        scopes=frozenset(SCOPES[base] for word in words if (base := word.removesuffix("'s")) in SCOPES),
        roles=_roles(stems),
        kinds=frozenset(name for name, pattern in _KINDS if pattern.search(lower)),
        manners=_classed(words, MANNERS),
        owners=_classed(words, POSSESSIVES),
        tenses=_classed(words, TENSES),
        language=language,
    )


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A word without the endings of number, tense and person. Forms of one word agree; two words seldom do."""
    if word in SYNONYMS:
        return SYNONYMS[word]
    root = _root(word)
    return SYNONYMS.get(root, root)


def _spaceless(text: str) -> str:
    return "".join(text.split())


def _root(word: str) -> str:
    word = word.removesuffix("'s").replace("'", "")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 2 and re.search("[aeiouy]", root):
            return root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root
    if len(word) > 3 and word.endswith("es") and word[-3] in "sxz":
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and word[-2] not in "su":
        return word[:-1]
    return word.removesuffix("e") if len(word) > 4 else word


def _respelled(text: str) -> str:
    text = re.sub(r"[\w'-]+", lambda match: ALIASES.get(match.group(), match.group()), text)
    for pattern, phrase in _PHRASES:
        text = pattern.sub(phrase, text)
    return text


def _names(text: str, *, german: bool) -> frozenset[str]:
    """Words with a capital, a digit or a sign inside, in lower case.

    A capital at the start of a sentence says nothing, nor does that of a German noun.
    """
    names = set()
    for match in _NAME.finditer(text):
        word = match.group().removesuffix("'s")
        inner = any(letter.isupper() or letter.isdigit() or letter in "+#" for letter in word[1:])
        capital = word[0].isupper() and not german and not _begins_sentence(text, match.start())
        if (inner or capital) and word not in (
            "I",
            "I'm",
            "I've",
            "I'd",
            "I'll",
        ):
            names.add(_respelled(word.lower()))
    return frozenset(names - MONTHS)


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start].rstrip(" \t")
    return not before or before[-1] in ".!?:;\n"


def _classed(words: list[str], classes: dict[str, str]) -> frozenset[str]:
    return frozenset(classes[word] for word in words if word in classes)


def _roles(stems: list[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """For each direction word, the stem of the content word that follows it."""
    roles: dict[str, set[str]] = {}
    for index, (spelled, _) in enumerate(stems):
        if spelled in DIRECTIONS:
            word = "to" if spelled in ("into", "onto") else spelled
            after = [stemmed for other, stemmed in stems[index + 1 : index + 6] if other not in FILLERS]
            roles.setdefault(word, set()).update(after[:1])
    return {word: frozenset(found) for word, found in roles.items() if found}


def _language(text: str, words: set[str]) -> str | None:
    """The language of a whole sentence, by its script or its most common words; None if it is not clear."""
    letters = [letter for letter in text if letter.isalpha()]
    foreign = [letter for letter in letters if ord(letter) > 0x24F]
    if letters and len(foreign) * 2 > len(letters):
        return unicodedata.name(foreign[len(foreign) // 2], "?").split(" ")[0]
    votes = {name: len(words & known) for name, known in STOP_WORDS.items()}
    (best, most), (_, second) = sorted(votes.items(), key=lambda item: -item[1])[:2]
    return best if most >= 2 and most > second else None
