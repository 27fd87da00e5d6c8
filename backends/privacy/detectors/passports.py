"""Passports: the two lines that machines read, and numbers beside the word."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

MRZ = re.compile(
    r"(?<![A-Za-z0-9])P[A-Z<][A-Z<]{3}[A-Z<]{8,39}|"
    r"(?<![A-Z0-9<])[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{2,16}"
)
ZONE = re.compile(r"[A-Z0-9<]{13,}")
"""Every machine-readable line lies in such a run."""

PASSPORT = re.compile(
    r"(?i)\b(?:passport|reisepass|passe?port|pasaporte|passaporto|passaporte|paspoort|paszport)|паспорт|पासपोर्ट|"
    r"travel document|\"doc(?:ument)?\"(?=\s?:)"
)
STEMS = Stems(
    *("passport", "reisepass", "passeport", "paseport", "pasport", "pasaporte", "passaporto", "passaporte", "paspoort"),
    *("paszport", "паспорт", "पासपोर्ट", "travel document", '"doc'),
)
PASSPORT_NUMBER = re.compile(
    r"(?<![\w\-])(?=[A-Z0-9]{0,8}\d)(?:[A-Z]{1,3}\d{5,8}|\d{2}[A-Z]{2}\d{5}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}|\d{9})(?![\w\-])"
)
UNMISTAKABLE = re.compile(
    r"(?<![\w\-])(?=[A-Z0-9]{0,8}\d)(?:[A-Z]{1,2}\d{6,8}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}|\d{2}[A-Z]{2}\d{5})(?![\w\-])"
)
PASSPORT_REACH = 90


def find(window: TextWindow) -> Iterator[Detection]:
    """Passport numbers near the word, and machine-readable zones."""
    text = window.text
    for zone in ZONE.finditer(text) if "<<" in text else ():
        for match in MRZ.finditer(text, *zone.span()) if "<<" in zone[0] else ():
            if "<<" in match[0]:
                yield Detection("passport", match.start(), match.end())
    for word in PASSPORT.finditer(text) if window.has_any(STEMS) else ():
        number = PASSPORT_NUMBER.search(text, word.end(), word.end() + PASSPORT_REACH)
        number = number or UNMISTAKABLE.search(text, max(0, word.start() - 40), word.start())
        if number is not None:
            yield Detection("passport", number.start(), number.end())
