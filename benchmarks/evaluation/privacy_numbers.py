"""Invented numbers of people and accounts for the privacy corpus, with right check digits, or wrong ones on purpose."""

import random
import re
import string


def luhn(digits: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def card(dice: random.Random, style: str) -> str:
    brand, _, grouping = style.partition(",")
    head, size = {"visa": ("4", 16), "mc": ("53", 16), "amex": ("37", 15), "disc": ("6011", 16), "mc2": ("2301", 16)}[
        brand or "visa"
    ]
    number = luhn(head + "".join(dice.choices(string.digits, k=size - 1 - len(head))))
    if grouping == "bad":
        number = number[:-1] + str((int(number[-1]) + 3) % 10)
    groups = re.findall(r".{1,4}", number) if size == 16 else [number[:4], number[4:10], number[10:]]
    return {" ": " ", "-": "-", "bad": "", "": ""}[grouping].join(groups)


IBAN_FORMS = {
    "DE": "dddddddddddddddddd",
    "FR": "ddddddddddAAAAAAAAAAAdd",
    "GB": "AAAAdddddddddddddd",
    "NL": "AAAAdddddddddd",
    "ES": "dddddddddddddddddddd",
    "IT": "Addddddddddddddddddddddd"[:23],
    "PL": "dddddddddddddddddddddddd",
    "CH": "ddddddddddddddddd",
    "AT": "dddddddddddddddd",
    "BE": "dddddddddddd",
    "SE": "dddddddddddddddddddd",
    "NO": "ddddddddddd",
    "IE": "AAAAdddddddddddddd",
    "PT": "ddddddddddddddddddddd",
    "TR": "dddddddddddddddddddddd",
    "SA": "dddddddddddddddddddd",
}


def iban(dice: random.Random, style: str) -> str:
    country, _, look = style.partition(",")
    body = "".join(dice.choice("BCDKLMNRST" if form == "A" else string.digits) for form in IBAN_FORMS[country])
    rest = int("".join(str(int(sign, 36)) for sign in f"{body}{country}00")) % 97
    check = 98 - rest if look != "bad" else (98 - rest + 7) % 90 + 2
    account = f"{country}{check:02d}{body}"
    if look in (" ", "bad"):
        return " ".join(re.findall(r".{1,4}", account))
    return "-".join(re.findall(r".{1,4}", account)) if look == "-" else account.lower() if look == "low" else account


def _weighted(digits: str, weights: list[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def cpf(dice: random.Random, look: str) -> str:
    digits = "".join(dice.choices(string.digits, k=9))
    for size in (10, 11):
        digits += str(_weighted(digits, list(range(size, 1, -1))) * 10 % 11 % 10)
    if look == "bad":
        digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    return digits if look == "bare" else f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def cnpj(dice: random.Random, look: str) -> str:
    digits = "".join(dice.choices(string.digits, k=8)) + "0001"
    for weights in ([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]):
        rest = _weighted(digits, weights) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    return digits if look == "bare" else f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}/{digits[8:12]}-{digits[12:]}"


def pesel(dice: random.Random, look: str) -> str:
    digits = f"{dice.randint(50, 99)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}{dice.randint(0, 9999):04d}"
    check = -_weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10
    return digits + str((check + (look == "bad")) % 10)


def steuer(dice: random.Random, look: str) -> str:
    """Ten digits of which one stands twice and one not at all, then ISO 7064 MOD 11,10."""
    signs = dice.sample(string.digits, 9)
    digits = [*signs, dice.choice(signs)]
    dice.shuffle(digits)
    if digits[0] == "0":
        digits = digits[::-1] if digits[-1] != "0" else [*digits[1:], digits[0]]
    if digits[0] == "0" or any(digits[place] == digits[place + 1] == digits[place - 1] for place in range(1, 9)):
        return steuer(dice, look)
    product = 10
    for digit in digits:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    number = "".join(digits) + str(((11 - product) % 10 + (look == "bad")) % 10)
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}" if look == " " else number


def aadhaar(dice: random.Random, look: str) -> str:
    from backends.privacy.detectors.checksums import verhoeff

    head = str(dice.randint(2, 9)) + "".join(dice.choices(string.digits, k=10))
    number = next(f"{head}{digit}" for digit in range(10) if verhoeff(f"{head}{digit}"))
    if look == "bad":
        number = number[:-1] + str((int(number[-1]) + 1) % 10)
    return number if look == "bare" else f"{number[:4]} {number[4:8]} {number[8:]}"


def dni(dice: random.Random, look: str) -> str:
    number = dice.randint(10_000_000, 99_999_999)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[(number + (look == "bad")) % 23]
    return f"{number:,}".replace(",", ".") + f"-{letter}" if look == "." else f"{number}{letter}"


def nie(dice: random.Random, look: str) -> str:
    number = dice.randint(0, 29_999_999)
    text = f"{number:08d}"
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
    return f"{'XYZ'[int(text[0])]}{'-' if look == '-' else ''}{text[1:]}{'-' if look == '-' else ''}{letter}"


def nir(dice: random.Random, look: str) -> str:
    sex, year, month = dice.choice("12"), dice.randint(50, 99), dice.randint(1, 12)
    body = f"{sex}{year:02d}{month:02d}{dice.randint(1, 95):02d}{dice.randint(1, 990):03d}{dice.randint(1, 999):03d}"
    if body[5:7] == "20":
        body = body[:5] + "21" + body[7:]
    key = f"{(97 - int(body) % 97 + (look == 'bad')) % 97 or 97:02d}"
    if look in ("bare", "bad"):
        return body + key
    return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key}"


def ssn(dice: random.Random, look: str) -> str:
    area = dice.choice([area for area in (*range(101, 660), *range(670, 890)) if area != 666])
    parts = f"{area:03d}", f"{dice.randint(11, 99)}", f"{dice.randint(1000, 9998)}"
    return {"": "-", " ": " ", "bare": ""}[look].join(parts)


def nino(dice: random.Random, look: str) -> str:
    head = dice.choice(("AB", "CE", "HJ", "JK", "LM", "PW", "RX", "SN", "TP", "WY", "YZ"))
    pairs = [f"{dice.randint(0, 99):02d}" for _ in range(3)]
    return (" " if look == " " else "").join([head, *pairs, dice.choice("ABCD")])


def pan(dice: random.Random, _: str) -> str:
    letters = string.ascii_uppercase
    return (
        f"{''.join(dice.choices(letters, k=3))}P{dice.choice(letters)}{dice.randint(1000, 9999)}{dice.choice(letters)}"
    )


def bsn(dice: random.Random, _: str) -> str:
    while True:
        digits = "".join(dice.choices("123456789", k=8))
        check = _weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
        if check < 10:
            return f"{digits}{check}"
