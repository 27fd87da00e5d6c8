"""Phrases that tell how an answer came about: refusals, hedging, settling for an option, repetition."""

import re
import zlib

REFUSAL = re.compile(
    r"(?i)\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:'t|not)|won't|will not|do not have access)"
    r"|i don't have access"
    r"|as an ai\b|it is not possible to (?:determine|answer)|cannot be determined"
    r"|(?:ich kann (?:das |dir |ihnen )?(?:leider )?nicht|es tut mir leid|je ne peux pas|je suis désolée?|lo siento"
    r"|no puedo (?:ayudar|responder)|não posso|mi dispiace|non posso))"
)
HEDGE = re.compile(
    r"(?i)\b(?:probably|perhaps|maybe|possibly|might|may be|could be|seems?|appears?|likely|unclear|not sure"
    r"|not certain|i (?:think|believe|guess|assume)|assum(?:e|ing|ption)|approximately|roughly|i'm not|hard to say"
    r"|it depends|forse|vermutlich|vielleicht|wahrscheinlich|peut-être|sans doute|quizás|tal vez|talvez)\b"
)
SETTLED_FOR = re.compile(
    r"(?i)\b(?:closest|nearest|none of the (?:options|choices|above|answers|given)"
    r"|not (?:among|in|one of|listed|given|an)(?: of)? (?:the )?(?:options?|choices?|answers?|list)"
    r"|not (?:listed|an option|available)|do(?:es)?(?:n't| not) match|best (?:guess|option|choice)"
    r"|only (?:option|choice))\b"
)
TURN = re.compile(
    r"(?i)\b(?:wait|actually|however|mistake|incorrect|wrong|let(?:'s| us) (?:try|re)|alternatively|unfortunately)\b"
)
SENTENCE = re.compile(r"[.!?。！？]\s+|\n+")
READ = 8_000
"""Characters of an answer that are read."""

APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ′´`＇", "'"))
LEFT_OUT = re.compile(r"(?i)\b(ca|could|did|do|does|is|wo|would)nt\b|\b(i)m(?= (?:not|unable|sorry|really|afraid)\b)")


def normalise_apostrophes(text: str) -> str:
    """`text` with one sign for every apostrophe, also where it was omitted: "I dont know", "Im not sure"."""
    return LEFT_OUT.sub(lambda cut: f"{cut[1]}n't" if cut[1] else f"{cut[2]}'m", text.translate(APOSTROPHES))


def sentences(text: str) -> list[str]:
    return [part.strip() for part in SENTENCE.split(text[:READ]) if part.strip()]


def repeated_share(parts: list[str]) -> float:
    """Share of the sentences that repeat an earlier one, with all digits taken as equal; 0 with fewer than two."""
    if len(parts) < 2:
        return 0.0
    return 1 - len({re.sub(r"\d+", "#", part.casefold()) for part in parts}) / len(parts)


def compression_ratio(text: str) -> float:
    """Bytes after deflation for each byte before: .4 to .6 for prose, under .1 for a loop."""
    data = text[:READ].encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, 1)) / len(data) if data else 1.0
