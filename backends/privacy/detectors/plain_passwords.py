"""Is a plain word a password? Only where a login stands beside it, in an environment's settings, or where a sentence
leaves no doubt.

`password = sunshine` may name a field, a type or a state of one; `user = anna`, `password = sunshine` may not.
"""

import re
from collections.abc import Iterator
from itertools import chain

from backends.privacy.detection import Detection, word_set
from backends.privacy.detectors.secret_values import is_placeholder
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

PLAIN = re.compile(r"[^\W\d_]{6,32}[!.?*#$%&]{0,3}")
"""One word, with marks behind it at most."""

ASSIGNED = re.compile(r"[\"'`\]]{0,2}\s{0,3}(?::=|=>|[:=>])\s{0,3}[\"'`]?")
END = re.compile(r"[\"'`]?(?:\s{0,3}(?:[;&<}\n]|\Z)|[\"'`][,)\]])")
"""Behind the value: a name without quotes in a call or a list is a variable's."""

LOGIN = re.compile(
    r"(?i)(?<![^\W_])(?:user(?:_?name|_?id)?|login|uid|account|host(?:_?name)?|server|data_?base|db(?:_?name)?|e-?mail|"
    r"ssid|identity|benutzer|usuario|utilisateur)(?:[\"'`]?\s{0,3}(?:=>|[:=>])\s{0,3}[\"'`]?|[\"']\s{0,3}value=[\"'])"
    r"(?!str|int\b|text|any|none|null|opt|self|args|os\.|env|[A-Za-z_.]+\(|[{\[$<%])[\w.@\\\-]{2,}"
)
REACH = 160
"""Characters on either side in which the login is looked for."""

STATES = word_set(
    """string str text number boolean integer object required optional hidden masked redacted encrypted hashed plain
    plaintext cleartext true false null none nil undefined empty blank missing unset never always manual automatic auto
    default generated random prompt getpass stdin input placeholder changed reset expired expires invalid valid wrong
    incorrect correct right weak strong stronger secure insecure unsafe stored saved cached shared private public
    protected disabled enabled denied rejected accepted refused unknown forgotten leaked compromised rotated needed
    mandatory sensitive confidential different identical unique similar visible invisible working broken ready updated
    provided supplied exposed removed deleted created locked blocked longer shorter about really still already
    keyring keychain vault secretref username user login email password passwort passphrase bcrypt argon scrypt sha
    falsch richtig korrekt abgelaufen ungültig erforderlich vergessen gesperrt unbekannt incorrecta incorrecto correcta
    inválida obligatoria requerida expirada vencida incorrect incorrecte invalide requis obligatoire expiré oublié
    errata corretta scaduta richiesta obbligatoria incorreta correta expirada onjuist verkeerd verlopen verplicht
    nieprawidłowe błędne wymagane неверный неправильный obligatorio veraltet bekannt sicher unsicher nötig leer"""
)
"""What is said of a password, or stands for one, in manuals, forms and types."""

PHRASE = 2
JOINTS = word_set("the a an is are not no too be must at of than to for and or in with without from only you your it")
"""More words than two are no passphrase, if one of these is among them."""

STATE_ENDINGS = ("password", "passwd", "ing", "able", "ible", "ful", "less", "ized", "ised")

SENTENCE = re.compile(
    r"(?i)(?<![^\W_])(?:my|our|mein|unser|mon|notre|mi|nuestra|mia|nostra|minha|nossa)(?:\s[^\W\d_]{2,12}){0,2}?\s"
    r"(?:password|passphrase|passwort|kennwort|mot de passe|mdp|contraseña|clave|senha)\s"
    r"(?:is|ist|lautet|est|es|è|é|=)\s([^\W\d_]{6,32})(?=[.!,;]?(?:\s{0,3}\n|\s{0,3}\Z)|[.,;!]\s)"
)
"""What somebody says of a password of their own; states of it are left out."""

QUOTED = re.compile(
    r"(?i)(?<![^\W_])(?:password|passphrase|passwort|kennwort|mot de passe|contraseña|clave|senha)"
    r"(?:\s[^\s\"'„«“]{1,20}){0,6}?\s(?:is|ist|lautet|est|es|è|é)\s"
    r"(?:\"([^\"\n]{6,60})\"|„([^“”\n]{6,60})[“”]|«([^»\n]{6,60})»|“([^”\n]{6,60})”)"
)


NOUNS = Stems("password", "passphrase", "passwort", "kennwort", "mot de passe", "mdp", "contraseña", "clave", "senha")
STRETCH = (60, 160)
"""Around a noun: what may stand before it in such a sentence, and behind it."""

SETTING = re.compile(
    r"[ \t#\-*]{0,8}(?:export |set |setx |ENV |ARG |\$env:)?(?:[A-Z][A-Z0-9]*_){1,6}"
    r"(?:PASS|PASSWD|PASSWORD|PWD|PASSPHRASE)\s?=\s?[\"'`]?"
)
"""A line of an environment's settings (`DB_PASS=…`): what stands there is used, not spoken of."""

QUOTES = "\"'`"


def find(window: TextWindow) -> Iterator[Detection]:
    """Words that a sentence tells as a password."""
    for stretch in window.around(NOUNS, *STRETCH):
        for match in chain.from_iterable(pattern.finditer(window.text, *stretch) for pattern in (SENTENCE, QUOTED)):
            group = match.lastindex or 0
            if not _is_statement(match[group]) and not is_placeholder(match[group]):
                yield Detection("password", *match.span(group))


def is_plain_password(text: str, name_end: int, start: int, end: int) -> bool:
    """Is the word at `start:end`, behind a password's name that ends at `name_end`, the password of a login, or of an
    environment's settings?
    """
    quoted = text[start] in QUOTES and text[end - 1] == text[start]
    value = text[start + 1 : end - 1] if quoted else text[start:end]
    if PLAIN.fullmatch(value) is None or _is_state(value) or is_placeholder(value):
        return False
    if ASSIGNED.fullmatch(text, name_end, start) is None or END.match(text, end - quoted) is None:
        return False
    line = text.rfind("\n", max(0, start - REACH), start) + 1
    if SETTING.fullmatch(text, line, start + quoted) is not None:
        return True
    before, behind = max(0, name_end - REACH), end + REACH
    return bool(LOGIN.search(text, before, name_end) or LOGIN.search(text, end, behind))


def _is_statement(words: str) -> bool:
    """Says something of a password; a passphrase is of words that no sentence joins."""
    said = words.lower().split()
    return not JOINTS.isdisjoint(said) if len(said) > PHRASE else any(map(_is_state, said))


def _is_state(value: str) -> bool:
    """Says something of a password."""
    lowered = value.lower().rstrip("!.?*#$%&")
    return lowered in STATES or lowered.endswith(STATE_ENDINGS)
