"""What two questions must agree in before one's answer may serve the other.

Similarity says that two questions are about the same thing; guards say whether they ask the same of it. Each follows
from what words of a closed class or of a form do to an answer, and each errs towards asking again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from backends.cache.equivalence.event_order import reversed_order
from backends.cache.equivalence.lexicon import relation
from backends.cache.equivalence.parsed_question import ParsedQuestion, read, stem
from backends.cache.equivalence.speech_act import languages_differ, moods_clash
from backends.cache.equivalence.word_classes import FILLERS, GENERIC, OPPOSITES, SCOPES

_OPPOSITES = frozenset((stem(a), stem(b)) for pair in OPPOSITES for a, b in (pair, pair[::-1]))
SHARED_START = 4  # letters that two forms of one word have in common at the least
COMPOUND = 6  # words of content up to which another order may be a compound's
FORMS = 40  # words on both sides up to which forms of one word are looked for, as it costs their product
NEAR = 2  # words of content that may differ on a side before a pair is no longer "the same but for a word"


def stopped_by(asked: str, stored: str) -> str | None:
    """The name of the first guard that tells the two questions apart, None where none does."""
    if asked == stored:
        return None
    a, b = read(asked), read(stored)
    return next((name for name, differ in GUARDS if differ(a, b)), None)


def differing(asked: str, stored: str) -> str | None:
    """The first of the `SIGNS`, which stand in for the score where there is none."""
    a, b = read(asked), read(stored)
    return next((name for name, differ in SIGNS if differ(a, b)), None)


def _language(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    spoken = a.language is not None and b.language is not None and a.language != b.language
    return spoken or languages_differ(a.lower, b.lower)


def _quoted(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """What one quotes must be in the other to the letter, quoted or not."""
    return any(quote not in b.bare for quote in a.quoted) or any(quote not in a.bare for quote in b.quoted)


def _identifiers(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    ours, theirs = a.bare.lower(), b.bare.lower()
    return any(name not in theirs for name in a.identifiers) or any(name not in ours for name in b.identifiers)


def _numbers(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """What is counted on one side only; a loose "one" or "daily" must only not meet another in its place."""
    ours, theirs = a.quantities - b.quantities, b.quantities - a.quantities
    return bool(ours - a.loose or theirs - b.loose or (ours and theirs)) or _numbers_swapped(a, b)


def _numbers_swapped(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """ "from 14 to 16" and "from 16 to 14"."""
    return a.words == b.words and list(a.quantities) != list(b.quantities)


def same_words(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """The same to the word, but for how words, numbers, dates and units are written."""
    return bool(a.words or a.quantities) and a.words == b.words and list(a.quantities) == list(b.quantities)


def _units(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A unit that stands alone ("in euros") where the other has another one."""
    return bool(a.units - b.units) and bool(b.units - a.units)


def _names(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A name where the other has another one; a name that only one of them has is left to the score."""
    return bool(lacking(a.names, b)) and bool(lacking(b.names, a))


def lacking(names: Iterable[str], other: ParsedQuestion) -> list[str]:
    """Which of `names` are nowhere in the other, as a word or as the first letters of its words."""
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
    """ "qwen2.5" is there where "qwen" is: its number is another guard's."""
    letters = name.strip("0123456789.-")
    return letters != name and (not letters.isalpha() or len(letters) < 2 or letters in other.words)


def _negation(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Denied on one side only, in much the same words; a sentence put quite otherwise is left to the score."""
    return denied(a, b) and min(_edits(a, b)) <= NEAR


def denied(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Denied on one side only, where no pair of opposites makes up for it: "won't accept" is "rejects"."""
    turned = len(opposites(a, b))
    return turned > 1 or (a.negated != b.negated) != (turned == 1)


def opposites(a: ParsedQuestion, b: ParsedQuestion) -> set[frozenset[str]]:
    """Words of either side that mean the opposite of one that the other has in its place."""
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
        or (_telling(word) and _telling(other) and relation(word, other) == "opposite")
    }


def _telling(word: str) -> bool:
    """Whether the lexicon's word on opposites counts: common short words have too many senses."""
    return len(word) > 3 and word not in FILLERS and word not in SCOPES


def _scope(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A word that widens or narrows the question on one side only."""
    return a.scopes != b.scopes


def _kind(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Why, when, where, who, how many; and whether an account or a list is wanted."""
    return a.kinds != b.kinds or _disjoint(a.manners, b.manners)


def _owner(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    return _disjoint(a.owners, b.owners)


def _sequence(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    return reversed_order(a.lower, b.lower)


def _mood(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    return moods_clash(a.lower, b.lower)


def _tense(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """What was is not what is."""
    return ("future" in a.tenses) != ("future" in b.tenses) or _disjoint(a.tenses, b.tenses)


def _junction(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """ "and" on one side where the other has "or"."""
    return _disjoint(frozenset(a.words) & {"and", "or"}, frozenset(b.words) & {"and", "or"})


def _disjoint(a: frozenset[str], b: frozenset[str]) -> bool:
    return bool(a) and bool(b) and not a & b


def _order(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """A directing word with another object, where that object is on the other side too: the roles were swapped."""
    for word in a.roles.keys() & b.roles.keys():
        ours, theirs = a.roles[word], b.roles[word]
        if not ours & theirs and (ours & set(b.content) or theirs & set(a.content)):
            return True
    if any(_disjoint(_directed(a, word), _directed(b, word)) for word in set(a.content) & set(b.content)):
        return True
    return _edits(a, b) == (0, 0) and a.content != b.content and not _explained(a, b)


def _directed(reading: ParsedQuestion, word: str) -> frozenset[str]:
    """The directing words that have `word` for their object."""
    return frozenset(direction for direction, objects in reading.roles.items() if word in objects)


def _explained(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """Another order is the same where directing words hold the parts, or "the rate of X" became "X's rate"."""
    return (bool(a.roles) and a.roles == b.roles) or (a.joined != b.joined and len(a.content) <= COMPOUND)


def _wording(a: ParsedQuestion, b: ParsedQuestion) -> bool:
    """The same question but for a word or two of content: that word is then what is asked."""
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
    """All that one of them adds is a generic noun, beside a name or a number that has it in it anyway."""
    added = (Counter(a.content) - Counter(b.content)) + (Counter(b.content) - Counter(a.content))
    return all(word in GENERIC for word in added) and bool(a.names or b.names or a.quantities)


def _edits(a: ParsedQuestion, b: ParsedQuestion) -> tuple[int, int]:
    """How many words of content only one of them has; two forms of a word are one."""
    ours, theirs = Counter(a.content), Counter(b.content)
    left, right = list((ours - theirs).elements()), list((theirs - ours).elements())
    for word in list(left) if len(left) + len(right) <= FORMS else ():
        if (match := next((other for other in right if _kin(word, other)), None)) is not None:
            left.remove(word)
            right.remove(match)
    return len(left), len(right)


def _kin(one: str, other: str) -> bool:
    """ "install" and "installation": most of the shorter begins the longer."""
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
    ("mood", _mood),
)
"""In the order they are asked; the first that differs names the near miss."""

SIGNS: tuple[tuple[str, Callable[[ParsedQuestion, ParsedQuestion], bool]], ...] = (
    ("junction", _junction),
    ("kind", _kind),
    ("tense", _tense),
    ("scope", _scope),
    ("order", _order),
    ("wording", _wording),
)
"""Differences that make a hit less likely, for the score to weigh."""
