"""Check digits of numbers that states give to people.

Sources: each state's own rule (SSA, HMRC, BZSt IdNr, Ministerio del Interior, INSEE, Receita Federal, MSWiA, UIDAI,
Agenzia delle Entrate, Belastingdienst, ICA Singapore). Those of other states are python-stdnum's. All take the number
as it is written.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module

from backends.privacy.detectors.checksums import mod11_10, verhoeff, weighted


def stdnum(name: str) -> Callable[[str], bool]:
    """The check of python-stdnum's module `name`, which is imported when the first number of the right shape comes."""
    return partial(_checked_by, name)


def _checked_by(name: str, number: str) -> bool:
    return _check_of(name)(number)


@cache
def _check_of(name: str) -> Callable[[str], bool]:
    """Fails closed: in an installation without the package each number of the right shape counts as private."""
    try:
        check: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid
    except ModuleNotFoundError:
        return always
    return check


def always(number: str) -> bool:
    """The shape says it all."""
    return True


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign in "0123456789")


def _signs(number: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", number).upper()


def ssn(number: str) -> bool:
    digits = _digits(number)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    never_given = area in ("000", "666") or area >= "900" or group == "00" or serial == "0000"
    return not never_given and digits not in ("078051120", "219099999", "123456789")


def nino(number: str) -> bool:
    signs = _signs(number)
    return signs[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") and signs[:4] != "QQ12"


def steuer_id(number: str) -> bool:
    digits = _digits(number)
    counts = [digits[:10].count(digit) for digit in "0123456789"]
    return digits[0] != "0" and max(counts) in (2, 3) and counts.count(max(counts)) == 1 and mod11_10(digits)


def dni(number: str) -> bool:
    signs = _signs(number)
    lead = {"X": "0", "Y": "1", "Z": "2"}.get(signs[0], signs[0])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(lead + signs[1:-1]) % 23] == signs[-1]


def nir(number: str) -> bool:
    compact = _signs(number).replace("2A", "19").replace("2B", "18")
    return 97 - int(compact[:13]) % 97 == int(compact[13:])


def cpf(number: str) -> bool:
    digits = _digits(number)
    first = weighted(digits, tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = weighted(digits, tuple(range(11, 1, -1))) * 10 % 11 % 10
    return len(set(digits)) > 1 and digits[9:] == f"{first}{second}"


def cnpj(number: str) -> bool:
    digits = _digits(number)
    for size in (12, 13):
        rest = weighted(digits[:size], tuple(range(size - 7, 1, -1)) + tuple(range(9, 1, -1))) % 11
        if int(digits[size]) != (0 if rest < 2 else 11 - rest):
            return False
    return len(set(digits)) > 1


def pesel(number: str) -> bool:
    digits = _digits(number)
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    check = -weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10
    return 1 <= month <= 12 and 1 <= day <= 31 and check == int(digits[10])


def aadhaar(number: str) -> bool:
    return verhoeff(_digits(number))


def codice_fiscale(number: str) -> bool:
    code = number.upper()
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", _ODD, strict=True))
    even = {character: int(character, 36) - (10 if character.isalpha() else 0) for character in odd}
    total = sum(odd[character] if place % 2 == 0 else even[character] for place, character in enumerate(code[:15]))
    return chr(65 + total % 26) == code[15]


def bsn(number: str) -> bool:
    return weighted(_digits(number), (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def nric(number: str) -> bool:
    """Singapore's NRIC and FIN."""
    total = weighted(number[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(number[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    place = total % 11
    return letters[number[0]][10 - place if number[0] == "M" else place] == number[8]


_ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
    *(2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)
