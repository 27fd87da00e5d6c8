"""What two questions must agree in before one's answer may serve the other.

Similarity says that two questions are about the same thing; guards say whether they ask the same of it. Each follows
from what words of a closed class or of a form do to an answer, and each errs towards asking again.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from backends.cache.reading import Reading, read, stem
from backends.cache.words import GENERIC, OPPOSITES

_OPPOSITES = frozenset((stem(a), stem(b)) for pair in OPPOSITES for a, b in (pair, pair[::-1]))
_PREFIXES = ("un", "in", "dis", "de", "non", "mis", "im", "ir")
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


def _language(a: Reading, b: Reading) -> bool:
    return a.language is not None and b.language is not None and a.language != b.language


def _quoted(a: Reading, b: Reading) -> bool:
    return a.quoted != b.quoted


def _identifiers(a: Reading, b: Reading) -> bool:
    return a.identifiers != b.identifiers


def _numbers(a: Reading, b: Reading) -> bool:
    return a.quantities != b.quantities


def _units(a: Reading, b: Reading) -> bool:
    """A unit that stands alone ("in euros") on both sides must be one; on one side only it is a manner of speech."""
    return bool(a.units) and bool(b.units) and a.units != b.units


def _names(a: Reading, b: Reading) -> bool:
    """Each name of one must be somewhere in the other, as a word or as the first letters of its words."""
    return _lacks(a.names, b) or _lacks(b.names, a)


def _lacks(names: Iterable[str], other: Reading) -> bool:
    have = {stem(word) for word in other.words} | other.names
    initials = "".join(word[0] for word in other.words)
    return any(
        name not in have
        and stem(name) not in have
        and not _pieces(name, other)
        and not (len(name) > 2 and name in initials)
        for name in names
    )


def _pieces(name: str, other: Reading) -> bool:
    """ "qwen2.5" is there where "qwen" is: its number is another guard's."""
    letters = name.strip("0123456789.-")
    return letters != name and (not letters.isalpha() or len(letters) < 2 or letters in other.words)


def _negation(a: Reading, b: Reading) -> bool:
    if a.negated != b.negated:
        return True
    ours, theirs = ({word.removesuffix("e") for word in reading.content} for reading in (a, b))
    return any(
        word.startswith(prefix) and word.removeprefix(prefix) in others - own and len(word) > 4
        for own, others in ((ours, theirs), (theirs, ours))
        for word in own - others
        for prefix in _PREFIXES
    )


def _opposites(a: Reading, b: Reading) -> bool:
    ours = {stem(word) for word in a.words} - {stem(word) for word in b.words}
    theirs = {stem(word) for word in b.words} - {stem(word) for word in a.words}
    return any((one, other) in _OPPOSITES for one in ours for other in theirs)


def _scope(a: Reading, b: Reading) -> bool:
    """A word that widens or narrows the question on one side only."""
    return a.scopes != b.scopes


def _kind(a: Reading, b: Reading) -> bool:
    """Why, when, where, who, how many; and whether an account or a list is wanted."""
    return a.kinds != b.kinds or _disjoint(a.manners, b.manners)


def _owner(a: Reading, b: Reading) -> bool:
    return _disjoint(a.owners, b.owners)


def _tense(a: Reading, b: Reading) -> bool:
    """What was is not what is."""
    return ("future" in a.tenses) != ("future" in b.tenses) or _disjoint(a.tenses, b.tenses)


def _junction(a: Reading, b: Reading) -> bool:
    """ "and" on one side where the other has "or"."""
    return _disjoint(frozenset(a.words) & {"and", "or"}, frozenset(b.words) & {"and", "or"})


def _disjoint(a: frozenset[str], b: frozenset[str]) -> bool:
    return bool(a) and bool(b) and not a & b


def _order(a: Reading, b: Reading) -> bool:
    """A directing word with another object, where that object is on the other side too: the roles were swapped."""
    for word in a.roles.keys() & b.roles.keys():
        ours, theirs = a.roles[word], b.roles[word]
        if not ours & theirs and (ours & set(b.content) or theirs & set(a.content)):
            return True
    if any(_disjoint(_directed(a, word), _directed(b, word)) for word in set(a.content) & set(b.content)):
        return True
    return _edits(a, b) == (0, 0) and a.content != b.content and not _explained(a, b)


def _directed(reading: Reading, word: str) -> frozenset[str]:
    """The directing words that have `word` for their object."""
    return frozenset(direction for direction, objects in reading.roles.items() if word in objects)


def _explained(a: Reading, b: Reading) -> bool:
    """Another order is the same where directing words hold the parts, or "the rate of X" became "X's rate"."""
    return (bool(a.roles) and a.roles == b.roles) or (a.joined != b.joined and len(a.content) <= COMPOUND)


def _wording(a: Reading, b: Reading) -> bool:
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


def _implied(a: Reading, b: Reading) -> bool:
    """All that one of them adds is a generic noun, beside a name or a number that has it in it anyway."""
    added = (Counter(a.content) - Counter(b.content)) + (Counter(b.content) - Counter(a.content))
    return all(word in GENERIC for word in added) and bool(a.names or b.names or a.quantities)


def _edits(a: Reading, b: Reading) -> tuple[int, int]:
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


GUARDS: tuple[tuple[str, Callable[[Reading, Reading], bool]], ...] = (
    ("language", _language),
    ("quote", _quoted),
    ("code", _identifiers),
    ("number", _numbers),
    ("unit", _units),
    ("name", _names),
    ("negation", _negation),
    ("opposite", _opposites),
    ("kind", _kind),
    ("owner", _owner),
    ("tense", _tense),
    ("junction", _junction),
    ("scope", _scope),
    ("order", _order),
    ("wording", _wording),
)
"""In the order they are asked; the first that differs names the near miss."""
