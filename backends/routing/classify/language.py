"""The language of a text, by its script, then by its most common words."""

import re
from collections import Counter
from itertools import chain

SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(span))
    for code, span in (
        ("ja", "[぀-ヿ]"),
        ("ko", "[가-힯]"),
        ("zh", "[一-鿿]"),
        ("hi", "[ऀ-ॿ]"),
        ("ta", "[஀-௿]"),
        ("bn", "[ঀ-৿]"),
        ("ar", "[؀-ۿ]"),
        ("he", "[֐-׿]"),
        ("el", "[Ͱ-Ͽ]"),
        ("uk", "[іїєґІЇЄҐ]"),
        ("ru", "[Ѐ-ӿ]"),
        ("th", "[฀-๿]"),
    )
)

COMMON: dict[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the a an is are was and of to in on for with this that it what how why please from my i you not do",
        "de": "der die das ist sind und von zu im in auf für mit den dem ein eine bitte wie was ich nicht auch als",
        "fr": "le la les est sont et de des du un une dans sur pour avec ce cette que qui je ne pas moi il au",
        "es": "el la los las es son y de del un una en por para con que como no lo se esto este mi qué",
        "pt": "o a os as é são e de do da um uma em no na por para com que como não isso este meu você",
        "it": "il lo la gli è sono e di del della un una in per con che come non questo questa mi si nel",
        "nl": "de het een is zijn en van te in op voor met dit dat wat hoe niet ik je naar er ook",
        "pl": "i w na z do nie się jest to że jak co ten tę dla po od czy oraz mi",
        "hi-Latn": "hai kya ko ka ki ke se me main mein nahi karo kar do ye yeh bhai hain aur bata",
    }.items()
}

WORDS: dict[str, list[str]] = {}
"""For each common word the languages that it is common in."""
for _code, _words in COMMON.items():
    for _word in _words:
        WORDS.setdefault(_word, []).append(_code)

READ = 1_000
"""Characters that are read."""

LETTERS = re.compile(r"[^\W\d_]+")
SPACED = bytes(code if 97 <= code <= 122 else 32 for code in range(256))
"""Blanks in place of all but a to z: words of ASCII in a quarter of the time."""


def language(text: str) -> str | None:
    """ISO 639-1 code, None where it is unclear. Hindi in Latin letters is "hi"."""
    part = text[:READ]
    if not part.isascii():
        letters = sum(map(str.isalpha, part))
        for code, script in SCRIPTS:
            if len(script.findall(part)) > letters * 0.2:
                return code
    low = part.lower()
    words = low.encode().translate(SPACED).decode().split() if low.isascii() else LETTERS.findall(low)
    counts = Counter(chain.from_iterable(filter(None, map(WORDS.get, words))))
    best = max(COMMON, key=lambda code: counts.get(code, 0))
    return best[:2] if counts[best] else None
