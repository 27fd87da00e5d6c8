"""Numbers that states give to people, recognised by their check digits.

Sources: each state's own rule (SSA, HMRC, BZSt IdNr, Ministerio del Interior, INSEE, Receita Federal, MSWiA, UIDAI,
Income Tax India, Agenzia delle Entrate, Belastingdienst). A number whose check digits fit one in ten others by chance
needs its punctuation, or a telling word near it.
"""

import re
from collections.abc import Callable, Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.checksums import mod11_10, verhoeff, weighted
from backends.privacy.text_window import TextWindow

NEAR = 80
"""Characters before a number in which a telling word counts; a few after it count too."""

AFTER = 25


def find(window: TextWindow) -> Iterator[Detection]:
    """National ids in a text, by the rules below."""
    if not window.has_digit:
        return
    for rules, stretches in ((LETTERED, window.key_runs), (RULES, window.number_stretches)):
        for start, end in stretches:
            yield from _found(window.text, rules, start, end)


def _found(text: str, rules: "Rules", start: int, end: int) -> Iterator[Detection]:
    for shape, valid, telling in rules:
        for match in shape.finditer(text, start, end):
            if not valid(match):
                continue
            if telling is None or telling.search(text, max(0, match.start() - NEAR), match.end() + AFTER):
                yield Detection("national-id", match.start(), match.end())


def _digits(match: re.Match[str]) -> str:
    return "".join(character for character in match[0] if character in "0123456789")


def _ssn(match: re.Match[str]) -> bool:
    area, group, serial = match[1], match[2], match[3]
    never_given = area in ("000", "666") or area >= "900" or group == "00" or serial == "0000"
    advertised = f"{area}-{group}-{serial}" in ("078-05-1120", "219-09-9999", "123-45-6789")
    return not never_given and not advertised


def _nino(match: re.Match[str]) -> bool:
    prefix = match[1].upper()
    return prefix not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") and prefix + match[2] != "QQ"


def _steuer_id(match: re.Match[str]) -> bool:
    digits = _digits(match)
    counts = [digits[:10].count(digit) for digit in "0123456789"]
    return digits[0] != "0" and max(counts) in (2, 3) and counts.count(max(counts)) == 1 and mod11_10(digits)


def _dni(match: re.Match[str]) -> bool:
    lead = {"X": "0", "Y": "1", "Z": "2"}.get(match[1].upper(), match[1])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(lead + match[2]) % 23] == match[3].upper()


def _nir(match: re.Match[str]) -> bool:
    compact = re.sub(r"\s", "", match[0]).upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(compact[:13]) % 97 == int(compact[13:])


def _cpf(match: re.Match[str]) -> bool:
    digits = _digits(match)
    if len(set(digits)) == 1:
        return False
    first = weighted(digits, tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = weighted(digits, tuple(range(11, 1, -1))) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}"


def _cnpj(match: re.Match[str]) -> bool:
    digits = _digits(match)
    for size in (12, 13):
        rest = weighted(digits[:size], tuple(range(size - 7, 1, -1)) + tuple(range(9, 1, -1))) % 11
        if int(digits[size]) != (0 if rest < 2 else 11 - rest):
            return False
    return len(set(digits)) > 1


def _pesel(match: re.Match[str]) -> bool:
    digits = _digits(match)
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    check = -weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10
    return 1 <= month <= 12 and 1 <= day <= 31 and check == int(digits[10])


def _aadhaar(match: re.Match[str]) -> bool:
    return verhoeff(_digits(match))


def _codice_fiscale(match: re.Match[str]) -> bool:
    code = match[0].upper()
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", _ODD, strict=True))
    even = {character: int(character, 36) - (10 if character.isalpha() else 0) for character in odd}
    total = sum(odd[character] if place % 2 == 0 else even[character] for place, character in enumerate(code[:15]))
    return chr(65 + total % 26) == code[15]


def _bsn(match: re.Match[str]) -> bool:
    return weighted(_digits(match), (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _always(match: re.Match[str]) -> bool:
    return True


_ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
    *(2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


ALONE_LEFT, ALONE_RIGHT = r"(?<![\w.\-/+])", r"(?![\w/+]|[.\-]\w)"

Rules = tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bool], re.Pattern[str] | None], ...]

LETTERED: Rules = (
    (re.compile(rf"{ALONE_LEFT}[A-Z]{{3}}[ABCFGHJLPT][A-Z]\d{{4}}[A-Z]{ALONE_RIGHT}"), _always, None),
    (
        re.compile(
            rf"{ALONE_LEFT}(?i:[A-Z]{{6}}[\dLMNP-V]{{2}}[ABCDEHLMPRST][\dLMNP-V]{{2}}[A-Z][\dLMNP-V]{{3}}[A-Z]){ALONE_RIGHT}"
        ),
        _codice_fiscale,
        None,
    ),
)
"""Ids with fewer than six digits in a row, which are a run of letters and digits; all others need such a row."""

RULES: Rules = (
    (re.compile(rf"{ALONE_LEFT}(\d{{3}})[- ](\d{{2}})[- ](\d{{4}}){ALONE_RIGHT}"), _ssn, None),
    (re.compile(r"(?<!\w)(\d{3})(\d{2})(\d{4})(?!\w)"), _ssn, _words(r"\bssn\b", "social security")),
    (
        re.compile(
            rf"{ALONE_LEFT}(?i:([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]))"
            rf" ?(\d{{2}}) ?\d{{2}} ?\d{{2}} ?(?i:[A-D]){ALONE_RIGHT}"
        ),
        _nino,
        None,
    ),
    (
        re.compile(rf"{ALONE_LEFT}\d{{2}} ?\d{{3}} ?\d{{3}} ?\d{{3}}{ALONE_RIGHT}"),
        _steuer_id,
        _words("steuer", r"\bidnr", r"\btin\b", "tax", "identifikationsnummer", "idnr"),
    ),
    (
        re.compile(rf"{ALONE_LEFT}(?i:([XYZ\d]))(?:[- ]|(?<=[XYZxyz])\.)?(\d{{7}})[- ]?([A-Za-z]){ALONE_RIGHT}"),
        _dni,
        None,
    ),
    (
        re.compile(rf"{ALONE_LEFT}(\d{{1}})(\d)\.?(\d{{3}})\.(\d{{3}})[- ]([A-Za-z]){ALONE_RIGHT}"),
        _always,
        _words(r"\bdni\b", r"\bnif\b"),
    ),
    (
        re.compile(
            rf"(?<!\d{{4}} ){ALONE_LEFT}[12] ?\d{{2}} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{{2}}|2[AB])"
            rf" ?\d{{3}} ?\d{{3}} ?\d{{2}}{ALONE_RIGHT}(?! \d{{4}})"
        ),
        _nir,
        None,
    ),
    (re.compile(rf"{ALONE_LEFT}\d{{3}}\.\d{{3}}\.\d{{3}}-\d{{2}}{ALONE_RIGHT}"), _cpf, None),
    (re.compile(rf"{ALONE_LEFT}\d{{2}}\.\d{{3}}\.\d{{3}}/\d{{4}}-\d{{2}}{ALONE_RIGHT}"), _cnpj, None),
    (re.compile(rf"{ALONE_LEFT}\d{{11}}{ALONE_RIGHT}"), _cpf, _words(r"\bcpf\b")),
    (re.compile(rf"{ALONE_LEFT}\d{{11}}{ALONE_RIGHT}"), _pesel, _words("pesel")),
    (
        re.compile(rf"(?<!\d{{4}} ){ALONE_LEFT}[2-9]\d{{3}}[ -]\d{{4}}[ -]\d{{4}}{ALONE_RIGHT}(?! \d{{4}})"),
        _aadhaar,
        None,
    ),
    (
        re.compile(rf"{ALONE_LEFT}[2-9]\d{{11}}{ALONE_RIGHT}"),
        _aadhaar,
        _words("aadh?aa?r", "uidai", "आधार", r"\bkyc\b", "government of india"),
    ),
    (re.compile(rf"{ALONE_LEFT}\d{{9}}{ALONE_RIGHT}"), _bsn, _words(r"\bbsn\b", "burgerservice")),
)
