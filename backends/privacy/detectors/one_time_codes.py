"""Codes that sign somebody in once: "your verification code is 482913", "G-482913 ist dein Bestätigungscode"."""

import re
from collections.abc import Iterator
from itertools import chain

from backends.privacy.detection import Detection
from backends.privacy.detectors.secret_values import is_counting
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

DOORS = Stems("door", "alarm", "gate", "entry", "entrance", "lock", "safe", "garage", "keypad", "tür", "tor", "tresor")
STEMS = Stems("code", "código", "codigo", "codice", "otp", "tan", "验证码", "驗證碼", "認証コード", "인증")

NAME = (
    r"(?:(?:verif\w{3,9}|one[ \-]?time|authenticat\w{2,4}|auth|security|access|log[ \-]?in|sign[ \-]?in|sms|otp|tan|"
    r"2fa|mfa|two[ \-]factor|recovery|reset|unlock)[ \-_]?(?:pass)?codes?|one[ \-]?time pins?|otp|totp|"
    r"(?:bestätigungs|einmal|sicherheits|verifizierungs|zugangs|anmelde|freischalt|sms-?)codes?|(?:sms-?|mobile)?tan|"
    r"codes? (?:de |d['’]|di )(?:v[ée]rif\w{3,9}|acc[eè]s|s[ée]curit[ée]|connexion)|"
    r"c[óo]digos? de (?:verifica\w{2,4}|acceso|acesso|seguridad|segurança)|codice di (?:verifica|accesso|sicurezza)|"
    r"验证码|驗證碼|認証コード|인증 ?(?:번호|코드))"
)
DIGITS = r"((?:[A-Z]-)?(?:\d{6,8}|\d{3}[ \-]\d{3}|\d{4}[ \-]\d{4}))(?![\w/%]|[.,:\-]\d)"
SIX = re.compile(r"\d{6}|\d{3}[ \-]\d{3}")
"""Part of every such code. Few texts have it near a stem of its name."""

FOR = r"(?:\s(?:for|to|from|für|von|pour|para|per|da)\s[^\n:=.]{1,40}?)?"

AFTER_NAME = re.compile(
    rf"(?i)(?<![^\W_]){NAME}[\"'`*]{{0,2}}{FOR}"
    r"(?:\s{0,3}(?::=|=|:|：|->|→)\s{0,3}|\s(?:is|was|ist|war|lautet|est|es|é|è):?\s{1,3}|\s?(?:は|是|는|은|为|為)\s?)"
    rf"[\"'`*]{{0,2}}(?<![\w.]){DIGITS}"
)
BEFORE_NAME = re.compile(
    rf"(?i)(?<![\w.,/\-+]){DIGITS}[\"'`*]{{0,2}}\s(?:is|ist|est|es|é|è)\s"
    rf"(?:your|my|our|the|dein|mein|ihr|der|votre|mon|le|tu|mi|su|seu|o|il)\s(?:\w{{1,20}}\s){{0,2}}?{NAME}(?!\w)"
)


YOURS = re.compile(rf"(?i)(?<![\w.,/\-+]){DIGITS}[\"'`*]{{0,2}}\s(?:is|ist)\s(?:your|dein|ihr)\scode(?!\w)")
TYPED = re.compile(r"\b(?:TAN|OTP)\s(\d{6,8})(?![\w.,\-]\d)")
DOOR = re.compile(
    r"(?i)\b(?:door|alarm|gate|entry|entrance|lock|safe|garage|keypad|(?:haus)?tür|tor|tresor)[ \-]?"
    r"(?:code|pin|combination|kombination)\b(?:\s(?:for|to|of|für|vom)\s[^\n:=.]{1,40}?)?(?:\s?[:=]|\s(?:is|ist|lautet))?\s{0,2}"
    r"(\d{4,8})#?(?![\w.,\-]\d)"
)
"""Codes that open a door are short, and known by it."""

DOOR_REACH = (6, 110)

REACH_BEFORE, REACH_AFTER = 110, 90
"""Characters between such digits and the far end of a name and of what stands between them."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Six to eight digits beside a name for such a code."""
    if window.has_any(STEMS):
        yield from chain(_doors(window), _beside_names(window))


def _doors(window: TextWindow) -> Iterator[Detection]:
    for stretch in window.around(DOORS, *DOOR_REACH):
        yield from (Detection("password", *match.span(1)) for match in DOOR.finditer(window.text, *stretch))


def _beside_names(window: TextWindow) -> Iterator[Detection]:
    last = -1
    for start, end in _stretches(window):
        for pattern in (AFTER_NAME, BEFORE_NAME, YOURS, TYPED):
            for match in pattern.finditer(window.text, start, end):
                if match.start(1) != last and not is_counting("".join(filter(str.isdigit, match[1]))):
                    last = match.start(1)
                    yield Detection("password", *match.span(1))


def _stretches(window: TextWindow) -> list[tuple[int, int]]:
    """Around such digits, where a stem of a name stands near them."""
    found: list[tuple[int, int]] = []
    for number in chain.from_iterable(SIX.finditer(window.text, *stretch) for stretch in window.number_stretches):
        start, end = max(0, number.start() - REACH_BEFORE), number.end() + REACH_AFTER
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [(start, end) for start, end in found if any(stem in window.lowered[start:end] for stem in STEMS)]
