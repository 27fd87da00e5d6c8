"""The guards: what two questions must agree on before the answer to one may serve the other.

Similarity says that two questions are about the same thing; guards say whether they ask the same about it. Each guard
follows from what a form or a closed word class does to an answer, and in doubt it asks again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from backends.cache.equivalence.event_order import reversed_order
from backends.cache.equivalence.lexicon import relation
from backends.cache.equivalence.parsed_question import ParsedQuestion, parse, stem
from backends.cache.equivalence.speech_act import languages_differ, speech_acts_clash
from backends.cache.equivalence.word_classes import FILLERS, GENERIC, OPPOSITES, SCOPES

_OPPOSITES = frozenset((stem(a), stem(b)) for pair in OPPOSITES for a, b in (pair, pair[::-1]))
SHARED_START = 4  # letters at least that two forms of one word share
COMPOUND = 6  # content words up to which another order may come from a compound
FORMS = 40  # words of both questions up to which forms of one word are searched, because that costs their product
NEAR = 2  # content words of a question that may differ while the pair is still "the same except for a word"


def stopped_by(asked: str, stored: str) -> str | None:
    """The name of the first guard that separates the two questions; None if none does."""
    if asked == stored:
        return None
    a, b = parse(asked), parse(stored)
    return next((name for name, differ in GUARDS if differ(a, b)), None)


def differing_sign(asked: str, stored: str) -> str | None:
    """The name of the first sign that separates them. Used if the embedder gives no token vectors to score by."""
    a, b = parse(asked), parse(stored)
    return next((name for name, differ in SIGNS if differ(a, b)), None)


def _language(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    spoken = a.language is not None and b.language is not None and a.language != b.language
    return spoken or languages_differ(a.lower, b.lower)


def _quoted(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """What one question quotes must be in the other to the letter, quoted or not."""
    return any(quote not in b.bare for quote in a.quoted) or any(quote not in a.bare for quote in b.quoted)


def _identifiers(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    ours, theirs = a.bare.lower(), b.bare.lower()
    return any(name not in theirs for name in a.identifiers) or any(name not in ours for name in b.identifiers)


def _numbers(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Quantities of one question only. A loose one, like "one" or "daily", counts only if the other has another."""
    ours, theirs = a.quantities - b.quantities, b.quantities - a.quantities
    return bool(ours - a.loose or theirs - b.loose or (ours and theirs)) or _numbers_swapped(a, b)


def _numbers_swapped(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """ "from 14 to 16" and "from 16 to 14"."""
    return a.words == b.words and list(a.quantities) != list(b.quantities)


def same_words(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Whether only the spelling of words, numbers, dates and units differs."""
    return bool(a.words or a.quantities) and a.words == b.words and list(a.quantities) == list(b.quantities)


def _units(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A unit without a number ("in euros") where the other question has another one."""
    return bool(a.units - b.units) and bool(b.units - a.units)


def _names(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A name where the other question has another one. A name in one question only is left to the score."""
    return bool(missing_names(a.names, b)) and bool(missing_names(b.names, a))


def missing_names(names: Iterable[str], other: ParsedQuestion) -> list[str]:
    """The `names` that are nowhere in the other question, neither as a word nor as the initials of its words."""
    have = {stem(word) for word in other.words} | other.names
    initials = "".join(word[0] for word in re.findall(r"[^\W_]+", other.lower))
    return [
        name
        for name in names
        if name not in have
        and stem(name) not in have
        and name not in other.lower
        and not _pieces(name, other)
        and not (len(letters := name.strip("0123456789")) > 1 and letters in initials)
    ]


def _pieces(name: str, other: ParsedQuestion) -> bool:
    """ "qwen2.5" is found where "qwen" is: the number guard compares its number."""
    letters = name.strip("0123456789.-")
    return letters != name and (not letters.isalpha() or len(letters) < 2 or letters in other.words)


def _negation(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """One question is negated, in nearly the same words. A sentence in quite other words is left to the score."""
    return negated_once(a, b) and min(_edits(a, b)) <= NEAR


def negated_once(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """One question is negated, and no pair of opposites makes up for it, as in "won't accept" and "rejects"."""
    turned = len(opposites(a, b))
    return turned > 1 or (a.negated != b.negated) != (turned == 1)


def opposites(a: ParsedQuestion, b: ParsedQuestion) -> set[frozenset[str]]:
    """Pairs of stems, one of each question only, that mean the opposite of each other."""
    ours, theirs = set(a.words) - set(b.words), set(b.words) - set(a.words)
    if len(ours) * len(theirs) > FORMS * FORMS // 4:
        return set()
    mine, others = {stem(word) for word in a.words}, {stem(word) for word in b.words}
    left = [(word, root) for word in ours if (root := stem(word)) not in others]
    right = [(word, root) for word in theirs if (root := stem(word)) not in mine]
    return {
        frozenset((root, other_root))
        for word, root in left
        for other, other_root in right
        if (root, other_root) in _OPPOSITES
        or (_is_specific(word) and _is_specific(other) and relation(word, other) == "opposite")
    }


def _is_specific(word: str) -> bool:
    """Whether the lexicon's opposites of a word count: short common words have too many senses."""
    return len(word) > 3 and word not in FILLERS and word not in SCOPES


def _scope(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A word that widens or narrows one question only."""
    return a.scopes != b.scopes


def _kind(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Why, when, where, who or how many; and whether an explanation or a list is wanted."""
    return a.kinds != b.kinds or _disjoint(a.manners, b.manners)


def _owner(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    return _disjoint(a.owners, b.owners)


def _sequence(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    return reversed_order(a.lower, b.lower)


def _speech_act(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    return speech_acts_clash(a.lower, b.lower)


def _tense(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """One question is about the past, the present or the future, and the other is not."""
    return ("future" in a.tenses) != ("future" in b.tenses) or _disjoint(a.tenses, b.tenses)


def _junction(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """ "and" in one question where the other has "or"."""
    return _disjoint(frozenset(a.words) & {"and", "or"}, frozenset(b.words) & {"and", "or"})


def _disjoint(a: frozenset[str], b: frozenset[str]) -> bool:
    return bool(a) and bool(b) and not a & b


def _order(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A direction word with another object that is in the other question too: the roles were swapped."""
    for word in a.roles.keys() & b.roles.keys():
        ours, theirs = a.roles[word], b.roles[word]
        if not ours & theirs and (ours & set(b.content) or theirs & set(a.content)):
            return True
    if any(_disjoint(_directed(a, word), _directed(b, word)) for word in set(a.content) & set(b.content)):
        return True
    return _edits(a, b) == (0, 0) and a.content != b.content and not _explained(a, b)


def _directed(reading: ParsedQuestion, word: str) -> frozenset[str]:
    """The direction words whose object is `word`."""
    return frozenset(direction for direction, objects in reading.roles.items() if word in objects)


def _explained(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Another order means the same if direction words keep the roles, or "the rate of X" became "X's rate"."""
    return (bool(a.roles) and a.roles == b.roles) or (a.joined != b.joined and len(a.content) <= COMPOUND)


def _wording(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """The same question except for a content word or two: that word is then what is asked about."""
    mine, theirs = _edits(a, b)
    shared = sum((Counter(a.content) & Counter(b.content)).values())
    if shared == 0 and (a.words != b.words or not a.words):
        return True
    if (mine, theirs) == (0, 0):
        return False
    if min(mine, theirs) == 0 and _implied(a, b):
        return False
    return min(mine, theirs) == 0 or (mine <= NEAR and theirs <= NEAR and shared >= mine + theirs)


def _implied(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """One question only adds a generic noun to a name or a number that implies it."""
    added = (Counter(a.content) - Counter(b.content)) + (Counter(b.content) - Counter(a.content))
    return all(word in GENERIC for word in added) and bool(a.names or b.names or a.quantities)


def _edits(a: ParsedQuestion, b: ParsedQuestion) -> tuple[int, int]:
    """How many content words are in one question only; two forms of a word count as one."""
    ours, theirs = Counter(a.content), Counter(b.content)
    left, right = list((ours - theirs).elements()), list((theirs - ours).elements())
    for word in list(left) if len(left) + len(right) <= FORMS else ():
        if (match := next((other for other in right if _kin(word, other)), None)) is not None:
            left.remove(word)
            right.remove(match)
    return len(left), len(right)


def _kin(one: str, other: str) -> bool:
    """ "install" and "installation": the longer one starts with most of the shorter one."""
    shorter, longer = sorted((one, other), key=len)
    common = next((i for i, (x, y) in enumerate(zip(shorter, longer, strict=False)) if x != y), len(shorter))
    return common >= SHARED_START and common >= len(shorter) - 2 and len(longer) - common <= 6


GUARDS: tuple[tuple[str, Callable[[ParsedQuestion, ParsedQuestion], bool]], ...] = (
    ("language", _language),
    ("quote", _quoted),
    ("code", _identifiers),
    ("number", _numbers),
    ("unit", _units),
    ("name", _names),
    ("negation", _negation),
    ("owner", _owner),
    ("sequence", _sequence),
    ("speech-act", _speech_act),
)
"""In the order in which they are checked; the first that separates the questions names the near miss."""

SIGNS: tuple[tuple[str, Callable[[ParsedQuestion, ParsedQuestion], bool]], ...] = (
    ("junction", _junction),
    ("kind", _kind),
    ("tense", _tense),
    ("scope", _scope),
    ("order", _order),
    ("wording", _wording),
)
"""Differences that make a hit less likely; the classifier weighs them."""
