"""Does the answer refuse, or say that it does not know?"""

import re

from backends.verification import wording
from backends.verification.word import Answered, Word, failed, unknown

CHECK = "refusal"
OPENING, SHORT = 240, 900
"""Characters: a refusal stands at the start, and little follows it."""

REFUSES = re.compile(
    r"(?i)\b(?:as an ai\b|(?:i (?:can(?:'t|not)|could not|won't|will not|must decline to|am (?:unable|not able) to)"
    r"|i'm (?:unable|not able) to) (?:\w+ )?(?:help|assist|answer|provide|do|fulfil\w*|comply|write|create|generate"
    r"|access|browse|open|see|view|discuss|share|support|continue)\b|i (?:do not|don't) have (?:access|the ability)"
    r"|ich kann (?:das|dir|ihnen|dabei|diese\w*) [^.]{0,40}nicht"
    r"|je ne (?:peux|suis) pas (?:en mesure|vous aider|répondre)|no puedo (?:ayudar|responder|proporcionar)"
    r"|não posso (?:ajudar|responder|fornecer)|non posso (?:aiut|rispond)\w*)"
)
UNSURE = re.compile(
    r"(?i)\b(?:i(?:'m| am) not (?:sure|certain)|i (?:do not|don't) know|i have no (?:idea|information)"
    r"|(?:cannot|can't|can not) be determined|not enough information|insufficient information|ich weiß (?:es )?nicht"
    r"|ich bin (?:mir )?nicht sicher|je ne sais pas|no lo sé|no estoy seguro|não sei|non lo so)\b"
)


def refusal(answered: Answered) -> Word:
    text = answered.text.strip()
    if answered.calls or len(text) > SHORT:
        return unknown(CHECK)
    text = wording.apostrophes(text)
    if REFUSES.search(text[:OPENING]):
        return failed(CHECK, "it refuses")
    if UNSURE.search(text[:OPENING]):
        return failed(CHECK, "it says that it does not know")
    if len(wording.HEDGE.findall(text)) >= 4:
        return failed(CHECK, "it hedges throughout")
    return unknown(CHECK)
