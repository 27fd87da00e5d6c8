"""Invented secrets and personal data for the privacy corpus, with check digits that are right, or wrong on purpose.

A slot `‹name:argument›` of a row is filled from here, by dice of the caller's, so that no real-looking key stands in the
repository and each seed gives the same frames other values.
"""

import base64
import json
import random
import re
import string
from collections.abc import Callable

SLOT = re.compile(r"‹(\w+)(?::([^›]*))?›")


def filled(frame: str, dice: random.Random) -> str:
    """`frame` with each slot replaced; `⏎` stands for a line break. Raises KeyError for an unknown slot."""
    return SLOT.sub(lambda slot: VALUES[slot[1]](dice, slot[2] or ""), frame).replace("⏎", "\n")


def _run(alphabet: str) -> Callable[[random.Random, str], str]:
    return lambda dice, size: "".join(dice.choices(alphabet, k=int(size)))


def _password(dice: random.Random, style: str) -> str:
    """As people choose them (two words and a number), as generators make them, or as a phrase."""
    words = [dice.choice(WORDS) for _ in range(4)]
    number = str(dice.randint(10, 9999))
    styles = {
        "words": f"{words[0].title()}{dice.choice('!_-.#@$')}{words[1].title()}{number}",
        "short": f"{words[0].title()}{dice.randint(10, 99)}{dice.choice('!?#')}",
        "random": "".join(dice.choices(string.ascii_letters + string.digits + "!#%*_-+", k=14)) + "7k",
        "phrase": "-".join(words) + number,
        "plain": f"{words[0]}{words[1]}{number}",
    }
    return styles[style or dice.choice(("words", "words", "short", "random", "plain"))]


def _luhn(digits: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _card(dice: random.Random, style: str) -> str:
    brand, _, grouping = style.partition(",")
    head, size = {"visa": ("4", 16), "mc": ("53", 16), "amex": ("37", 15), "disc": ("6011", 16), "mc2": ("2301", 16)}[
        brand or "visa"
    ]
    number = _luhn(head + "".join(dice.choices(string.digits, k=size - 1 - len(head))))
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


def _iban(dice: random.Random, style: str) -> str:
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


def _cpf(dice: random.Random, look: str) -> str:
    digits = "".join(dice.choices(string.digits, k=9))
    for size in (10, 11):
        digits += str(_weighted(digits, list(range(size, 1, -1))) * 10 % 11 % 10)
    if look == "bad":
        digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    return digits if look == "bare" else f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def _cnpj(dice: random.Random, look: str) -> str:
    digits = "".join(dice.choices(string.digits, k=8)) + "0001"
    for weights in ([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]):
        rest = _weighted(digits, weights) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    return digits if look == "bare" else f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}/{digits[8:12]}-{digits[12:]}"


def _pesel(dice: random.Random, look: str) -> str:
    digits = f"{dice.randint(50, 99)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}{dice.randint(0, 9999):04d}"
    check = -_weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10
    return digits + str((check + (look == "bad")) % 10)


def _steuer(dice: random.Random, look: str) -> str:
    """Ten digits of which one stands twice and one not at all, then ISO 7064 MOD 11,10."""
    signs = dice.sample(string.digits, 9)
    digits = [*signs, dice.choice(signs)]
    dice.shuffle(digits)
    if digits[0] == "0":
        digits = digits[::-1] if digits[-1] != "0" else [*digits[1:], digits[0]]
    if digits[0] == "0" or any(digits[place] == digits[place + 1] == digits[place - 1] for place in range(1, 9)):
        return _steuer(dice, look)
    product = 10
    for digit in digits:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    number = "".join(digits) + str(((11 - product) % 10 + (look == "bad")) % 10)
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}" if look == " " else number


def _aadhaar(dice: random.Random, look: str) -> str:
    from backends.router.privacy.checksums import verhoeff

    head = str(dice.randint(2, 9)) + "".join(dice.choices(string.digits, k=10))
    number = next(f"{head}{digit}" for digit in range(10) if verhoeff(f"{head}{digit}"))
    if look == "bad":
        number = number[:-1] + str((int(number[-1]) + 1) % 10)
    return number if look == "bare" else f"{number[:4]} {number[4:8]} {number[8:]}"


def _dni(dice: random.Random, look: str) -> str:
    number = dice.randint(10_000_000, 99_999_999)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[(number + (look == "bad")) % 23]
    return f"{number:,}".replace(",", ".") + f"-{letter}" if look == "." else f"{number}{letter}"


def _nie(dice: random.Random, look: str) -> str:
    number = dice.randint(0, 29_999_999)
    text = f"{number:08d}"
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
    return f"{'XYZ'[int(text[0])]}{'-' if look == '-' else ''}{text[1:]}{'-' if look == '-' else ''}{letter}"


def _nir(dice: random.Random, look: str) -> str:
    sex, year, month = dice.choice("12"), dice.randint(50, 99), dice.randint(1, 12)
    body = f"{sex}{year:02d}{month:02d}{dice.randint(1, 95):02d}{dice.randint(1, 990):03d}{dice.randint(1, 999):03d}"
    if body[5:7] == "20":
        body = body[:5] + "21" + body[7:]
    key = f"{(97 - int(body) % 97 + (look == 'bad')) % 97 or 97:02d}"
    if look in ("bare", "bad"):
        return body + key
    return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key}"


def _ssn(dice: random.Random, look: str) -> str:
    area = dice.choice([area for area in (*range(101, 660), *range(670, 890)) if area != 666])
    parts = f"{area:03d}", f"{dice.randint(11, 99)}", f"{dice.randint(1000, 9998)}"
    return {"": "-", " ": " ", "bare": ""}[look].join(parts)


def _nino(dice: random.Random, look: str) -> str:
    head = dice.choice(("AB", "CE", "HJ", "JK", "LM", "PW", "RX", "SN", "TP", "WY", "YZ"))
    pairs = [f"{dice.randint(0, 99):02d}" for _ in range(3)]
    return (" " if look == " " else "").join([head, *pairs, dice.choice("ABCD")])


def _pan(dice: random.Random, _: str) -> str:
    letters = string.ascii_uppercase
    return f"{''.join(dice.choices(letters, k=3))}P{dice.choice(letters)}{dice.randint(1000, 9999)}{dice.choice(letters)}"


def _bsn(dice: random.Random, _: str) -> str:
    while True:
        digits = "".join(dice.choices("123456789", k=8))
        check = _weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
        if check < 10:
            return f"{digits}{check}"


FIRST = "Marta Joris Ines Tobias Yusuf Priya Camille Duarte Aoife Lukasz Noemi Piotr Hanneke Rafael Sunita Ewan".split()
LAST = "Vandermeer Castellanos Brandt Okonkwo Lindqvist Sharma Moreau Teixeira Kowalczyk Gallagher Ferraro Achterberg".split()
MAILERS = "gmail.com gmx.de outlook.com yahoo.co.uk proton.me web.de orange.fr libero.it bol.com.br wp.pl icloud.com".split()
WORDS = "kestrel harbor copper violet canoe meadow saturn lantern thistle granite otter maple quartz falcon cedar ember".split()


def _email(dice: random.Random, look: str) -> str:
    first, last = dice.choice(FIRST).lower(), dice.choice(LAST).lower()
    local = dice.choice((f"{first}.{last}", f"{first[0]}{last}{dice.randint(1, 99)}", f"{first}_{last}", f"{first}+news"))
    host = f"{dice.choice(WORDS)}-{dice.choice(WORDS)}.{dice.choice(('com', 'io', 'de', 'co'))}" if look == "work" else None
    return f"{local}@{host or dice.choice(MAILERS)}"


PHONES = {
    "us": "(2#d) 6##-2###",
    "us.": "+1 2#2-7##-4###",
    "us1": "415-8##-2###",
    "de": "+49 17# 4######",
    "de0": "0170 4######",
    "deland": "0221 / 47 ## ##",
    "de00": "0049 151 2#######",
    "fr": "06 4# 2# 7# 1#",
    "fri": "+33 6 4# 2# 7# 1#",
    "frdot": "06.4#.2#.7#.1#",
    "uk": "07700 8#####",
    "uki": "+44 7911 8#####",
    "ukland": "020 7946 8###",
    "es": "612 3# 4# 5#",
    "esi": "+34 612 3## 4##",
    "it": "347 2## 4###",
    "iti": "+39 347 2## 4###",
    "in": "98### 4####",
    "ini": "+91 98### 4####",
    "in0": "+91-98##4#####",
    "br": "(11) 9####-2###",
    "bri": "+55 11 9####-2###",
    "pl": "60# 4## 2##",
    "pli": "+48 60# 4## 2##",
    "nl": "06-2#######",
    "nli": "+31 6 2#######",
    "pt": "+351 91# 4## 2##",
    "ch": "+41 79 4## 2# 3#",
    "at": "+43 664 4######",
    "se": "+46 70-4## 2# 3#",
    "jp": "+81 90-4###-2###",
    "cn": "+86 138 4### 2###",
    "au": "+61 4## 2## 4##",
    "ie": "+353 87 4## 2###",
    "tr": "+90 532 4## 2# 3#",
    "mx": "+52 55 4### 2###",
    "za": "+27 82 4## 2###",
    "il": "+972 54-4##-2###",
    "ru": "+7 916 4##-2#-3#",
    "e164": "+4915142######",
    "run": "+14152######",
}


def _phone(dice: random.Random, look: str) -> str:
    return re.sub("[#d]", lambda _: str(dice.randint(0, 9)) if _[0] == "#" else "1", PHONES[look])


def _passport(dice: random.Random, look: str) -> str:
    def digits(size: int) -> str:
        return "".join(dice.choices("23456789", k=size))

    return {
        "": f"{dice.choice('CFGHJK')}{digits(2)}{dice.choice('CFGHJK')}{digits(4)}{dice.choice('0123456789')}",
        "us": digits(9),
        "in": f"{dice.choice('KLMNPRZ')}{digits(7)}",
        "fr": f"{digits(2)}{dice.choice('ABCD')}{dice.choice('EFHK')}{digits(5)}",
        "it": f"Y{dice.choice('AB')}{digits(7)}",
        "pl": f"E{dice.choice('ABCH')}{digits(7)}",
    }[look]


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _jwt(dice: random.Random, _: str) -> str:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    head = part({"alg": dice.choice(("HS256", "RS256")), "typ": "JWT"})
    body = part({"sub": str(dice.randint(10**5, 10**8)), "iat": dice.randint(1_700_000_000, 1_760_000_000), "role": "ops"})
    return f"{head}.{body}.{''.join(dice.choices(string.ascii_letters + string.digits + '-_', k=43))}"


def _body(dice: random.Random, lines: str) -> str:
    """Lines of base64, as in PEM."""
    alphabet = string.ascii_letters + string.digits + "+/"
    return "\n".join("MII" * (line == 0) + "".join(dice.choices(alphabet, k=61 + 3 * (line > 0))) for line in range(int(lines)))


def _basic(dice: random.Random, user: str) -> str:
    return _b64(f"{user}:{_password(dice, 'words')}")


def _seed(dice: random.Random, size: str) -> str:
    return " ".join(dice.sample(BIP39, int(size)))


BIP39 = """abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid
acoustic acquire across act action actor actress actual adapt add addict address adjust admit adult advance advice aerobic
affair afford afraid again age agent agree ahead aim air airport aisle alarm album alcohol alert alien all alley allow almost
ribbon ridge rifle right rigid ring riot ripple risk ritual rival river road roast robot robust rocket romance roof rookie
velvet vendor venture venue verb verify version very vessel veteran viable vibrant vicious victory video view village""".split()


def _split(dice: random.Random, sign: str) -> str:
    """A key with something shapeless in its middle."""
    key = "ghp_" + "".join(dice.choices(string.ascii_letters + string.digits, k=36))
    marks = {"zwsp": "\u200b", "shy": "\u00ad", "zwj": "\u200d", "wj": "\u2060", "bom": "\ufeff"}
    return key[:14] + marks[sign] + key[14:25] + marks[sign] + key[25:]


def _wide(dice: random.Random, what: str) -> str:
    """Full-width forms of another slot."""
    text = filled(f"‹{what.replace('~', ':')}›", dice)
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _coded(dice: random.Random, what: str) -> str:
    """A value hidden in a code: `b64=…`, `pct=…`, `json=…`, `html=…`, each of another slot or plain text."""
    code, _, inner = what.partition("=")
    text = filled(inner.replace("«", "‹").replace("»", "›").replace("~", ":"), dice)
    if code == "b64":
        return _b64(text)
    if code == "pct":
        return "".join(sign if sign.isalnum() else "".join(f"%{byte:02X}" for byte in sign.encode()) for sign in text)
    if code == "json":
        return "".join(f"\\u{ord(sign):04x}" if place % 3 == 0 else sign for place, sign in enumerate(text))
    return "".join(f"&#{ord(sign)};" if place % 4 == 1 or sign in "@:" else sign for place, sign in enumerate(text))


VALUES: dict[str, Callable[[random.Random, str], str]] = {
    "b62": _run(string.ascii_letters + string.digits),
    "b64": _run(string.ascii_letters + string.digits + "+/"),
    "b64u": _run(string.ascii_letters + string.digits + "-_"),
    "hex": _run("0123456789abcdef"),
    "HEX": _run("0123456789ABCDEF"),
    "d": _run(string.digits),
    "nz": _run("123456789"),
    "A": _run(string.ascii_uppercase + string.digits),
    "a": _run(string.ascii_lowercase + string.digits),
    "b32": _run(string.ascii_uppercase + "234567"),
    "pw": _password,
    "card": _card,
    "iban": _iban,
    "cpf": _cpf,
    "cnpj": _cnpj,
    "pesel": _pesel,
    "steuer": _steuer,
    "aadhaar": _aadhaar,
    "dni": _dni,
    "nie": _nie,
    "nir": _nir,
    "ssn": _ssn,
    "nino": _nino,
    "pan": _pan,
    "bsn": _bsn,
    "email": _email,
    "phone": _phone,
    "passport": _passport,
    "first": lambda dice, _: dice.choice(FIRST),
    "last": lambda dice, _: dice.choice(LAST),
    "word": lambda dice, _: dice.choice(WORDS),
    "uuid": lambda dice, _: re.sub(
        r"^(.{8})(.{4}).(.{3}).(.{3})(.{12})$", r"\1-\2-4\3-a\4-\5", "".join(dice.choices("0123456789abcdef", k=32))
    ),
    "jwt": _jwt,
    "body": _body,
    "basic": _basic,
    "seed": _seed,
    "split": _split,
    "wide": _wide,
    "coded": _coded,
}
