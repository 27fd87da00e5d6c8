"""Does the answer refuse, or say that it does not know?"""

import re

from backends.router.verify import wording
from backends.router.verify.word import Answered, Word, failed, unknown

CHECK = "refusal"
OPENING, SHORT = 240, 900
"""Characters: a refusal stands at the start, and little follows it."""

UNSURE = re.compile(
    r"(?i)\b(?:i(?:'m| am) not (?:sure|certain)|i (?:do not|don't) know|i have no (?:idea|information)"
    r"|(?:cannot|can't|can not) be determined|not enough information|insufficient information"
    r"|ich weiß (?:es )?nicht|ich bin (?:mir )?nicht sicher"
    r"|je ne sais pas|no lo sé|no estoy seguro|não sei|non lo so)\b"
)


def refusal(answered: Answered) -> Word:
    text = answered.text.strip().replace("’", "'")
    if answered.calls or len(text) > SHORT:
        return unknown(CHECK)
    if wording.REFUSAL.search(text[:OPENING]):
        return failed(CHECK, "it refuses")
    if UNSURE.search(text[:OPENING]):
        return failed(CHECK, "it says that it does not know")
    if len(wording.HEDGE.findall(text)) >= 4:
        return failed(CHECK, "it hedges throughout")
    return unknown(CHECK)
