"""Invented secrets and personal data for the privacy corpus.

A slot `‹name:argument›` of a row is filled from here, with the caller's random numbers. So no real-looking key is
stored in the repository, and each seed gives the same rows other values.
"""

import base64
import json
import random
import re
import string
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from backends.privacy.detectors import recovery_codes
from benchmarks.evaluation import privacy_numbers as numbers

SLOT = re.compile(r"‹(\w+)(?::([^›]*))?›")


def words(text: str) -> list[str]:
    return text.split()


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


FIRST = words(
    """Marta Joris Ines Tobias Yusuf Priya Camille Duarte Aoife Lukasz Noemi Piotr Hanneke Rafael Sunita Ewan"""
)
LAST = words(
    """Vandermeer Castellanos Brandt Okonkwo Lindqvist Sharma Moreau Teixeira Kowalczyk Gallagher Ferraro
    Achterberg"""
)
MAILERS = words(
    """gmail.com gmx.de outlook.com yahoo.co.uk proton.me web.de orange.fr libero.it bol.com.br wp.pl icloud.com"""
)
WORDS = words(
    """kestrel harbor copper violet canoe meadow saturn lantern thistle granite otter maple quartz falcon cedar
    ember"""
)


def _email(dice: random.Random, look: str) -> str:
    first, last = dice.choice(FIRST).lower(), dice.choice(LAST).lower()
    local = dice.choice(
        (f"{first}.{last}", f"{first[0]}{last}{dice.randint(1, 99)}", f"{first}_{last}", f"{first}+news")
    )
    host = (
        f"{dice.choice(WORDS)}-{dice.choice(WORDS)}.{dice.choice(('com', 'io', 'de', 'co'))}"
        if look == "work"
        else None
    )
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
    body = part(
        {"sub": str(dice.randint(10**5, 10**8)), "iat": dice.randint(1_700_000_000, 1_760_000_000), "role": "ops"}
    )
    return f"{head}.{body}.{''.join(dice.choices(string.ascii_letters + string.digits + '-_', k=43))}"


def _body(dice: random.Random, lines: str) -> str:
    """Lines of base64, as in PEM."""
    alphabet = string.ascii_letters + string.digits + "+/"
    return "\n".join(
        "MII" * (line == 0) + "".join(dice.choices(alphabet, k=61 + 3 * (line > 0))) for line in range(int(lines))
    )


def _basic(dice: random.Random, user: str) -> str:
    return _b64(f"{user}:{_password(dice, 'words')}")


def _seed(dice: random.Random, size: str) -> str:
    return " ".join(dice.sample(BIP39, int(size)))


def _mnemonic(dice: random.Random, size: str) -> str:
    """Words of BIP-39 with their checksum."""
    bits = int(size) // 3
    entropy = dice.randbytes(bits * 4)
    whole = int.from_bytes(entropy, "big") << bits | sha256(entropy).digest()[0] >> (8 - bits)
    listed = (Path(recovery_codes.__file__).with_name("bip39_english.txt")).read_text(encoding="ascii").split()
    return " ".join(listed[whole >> 11 * place & 2047] for place in reversed(range(int(size))))


BIP39 = words(
    """abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve
    acid acoustic acquire across act action actor actress actual adapt add addict address adjust admit adult
    advance advice aerobic affair afford afraid again age agent agree ahead aim air airport aisle alarm album
    alcohol alert alien all alley allow almost ribbon ridge rifle right rigid ring riot ripple risk ritual rival
    river road roast robot robust rocket romance roof rookie velvet vendor venture venue verb verify version
    very vessel veteran viable vibrant vicious victory video view village"""
)


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
    "card": numbers.card,
    "iban": numbers.iban,
    "cpf": numbers.cpf,
    "cnpj": numbers.cnpj,
    "pesel": numbers.pesel,
    "steuer": numbers.steuer,
    "aadhaar": numbers.aadhaar,
    "dni": numbers.dni,
    "nie": numbers.nie,
    "nir": numbers.nir,
    "ssn": numbers.ssn,
    "nino": numbers.nino,
    "pan": numbers.pan,
    "bsn": numbers.bsn,
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
    "mnemonic": _mnemonic,
    "split": _split,
    "wide": _wide,
    "coded": _coded,
}
