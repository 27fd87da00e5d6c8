"""What of a personal value is still there after redaction? On texts whose values are known.

    python -m benchmarks.evaluation.privacy_residue [--texts N] [--seed N] [--show]

Faker invents the values in the forms of some thirty countries; the sentences around them are ours. A value is found
where the text that holds it counts as sensitive. Of a text that may be sent, a value is left where the whole of it
still stands there, and a piece of it where a word of four letters or a number of three digits does.
"""

import argparse
import random
import re
from collections import Counter
from typing import Any

from msgspec import Struct

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request

LOCALES = """en_US en_US en_GB en_GB en_AU en_CA en_NZ en_IE en_IN de_DE de_AT de_CH fr_FR fr_CH fr_CA nl_NL nl_BE es_ES
es_MX es_AR pt_BR pt_PT it_IT sv_SE no_NO da_DK fi_FI pl_PL cs_CZ sk_SK hu_HU hr_HR sl_SI ro_RO tr_TR et_EE lt_LT"""

FRAMES = {
    "phone": (
        "You can get hold of me under {}, but not before nine.",
        "{} is where she picks up in the evening",
        "Who called from {}? I do not know this one.",
        "Rahel Okafor, Mobile {}",
        "Fax: {}\nPlease confirm.",
        "Put {} into the form, then draft a reply to the tenant.",
        "my number is {} and I'd like a callback",
    ),
    "address": (
        "The parcel should go to {}. When does it arrive?",
        "Write a letter to our landlord. We live at {}.",
        "Rahel Okafor\n{}\n\nDear Sir or Madam,",
        "Is {} in a flood zone?",
        "The party is at {}, bring a cake",
        "Change my billing address to {} please",
        "{}",
        "Address: {}\nPhone: none",
    ),
    "card": (
        "My card {} was declined at the till.",
        "Pay with {} and send me the receipt",
        "{} is on file, is it still valid?",
        "cc no. {}, expires soon",
    ),
    "iban": ("Transfer the rent from {} on the first.", "{}\nis our account", "IBAN: {}, thanks"),
    "email": ("Please answer to {}.", "Her new address is {}, not the old one", "cc {} and bcc the team"),
    "ssn": ("My SSN is {}.", "Form W-9, {} filled in by hand", "social security number {}"),
}
WEIGHTS = {"phone": 6, "address": 8, "card": 3, "iban": 1, "email": 1, "ssn": 1}

PIECE = re.compile(r"[^\W\d_]{4,}|\d{3,}")


class Labelled(Struct, frozen=True):
    """A text, and the value of a kind that stands in it."""

    kind: str
    value: str
    text: str
    locale: str


def labelled(count: int, seed: int) -> list[Labelled]:
    """Texts with one value each; the same for the same seed and release of Faker."""
    from faker import Faker

    dice = random.Random(seed)
    sources: dict[str, Any] = {locale: Faker(locale) for locale in set(LOCALES.split())}
    for locale in sorted(sources):
        sources[locale].seed_instance(f"{locale}{seed}")
    rows = []
    for _ in range(count):
        kind = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        locale = "en_US" if kind == "ssn" else dice.choice(LOCALES.split())
        value = _value(kind, sources[locale], dice)
        rows.append(Labelled(kind, value, dice.choice(FRAMES[kind]).format(value), locale))
    return rows


def _value(kind: str, source: Any, dice: random.Random) -> str:
    if kind == "card":
        number = source.credit_card_number()
        sign = dice.choice(("", "", " ", "-", "."))
        return sign.join(re.findall(".{1,4}", number)) if sign and len(number) == 16 else str(number)
    if kind == "address":
        lines = str(source.address()).splitlines()
        return dice.choice(("\n", ", ")).join(lines) if dice.random() < 0.8 else str(source.street_address())
    name = {"phone": "phone_number", "email": "free_email"}.get(kind, kind)
    return str(getattr(source, name)())


def left(value: str, redacted: str) -> tuple[bool, bool]:
    """Is the whole of a value left, or a piece?"""
    return value in redacted, any(piece in redacted for piece in PIECE.findall(value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    gate = PrivacyGate(Privacy())
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in FRAMES}
    for row in labelled(given.texts, given.seed):
        request = Request(id="r", messages=(Message(role="user", text=row.text),))
        verdict = gate.inspect(request, agent_sensitive=False)
        redaction = gate.redact(request, verdict) if verdict.sensitive else None
        shown = "" if redaction is None else redaction.request.messages[0].text
        whole, piece = left(row.value, shown)
        outcome = {
            "texts": True,
            "found": verdict.sensitive,
            "sent": redaction is not None,
            "whole": whole,
            "piece": piece,
        }
        counts[row.kind].update(name for name, true in outcome.items() if true)
        if given.show and (piece or not verdict.sensitive):
            print(f"{'left' if piece else 'missed'} {row.kind} {row.locale} {row.text!r} {shown!r}")
    print(f"{'kind':8} {'texts':>6} {'found':>6} {'sent':>6} {'whole left':>11} {'piece left':>11}")
    for kind, count in counts.items():
        print(
            f"{kind:8} {count['texts']:6} {count['found']:6} {count['sent']:6} {count['whole']:11} {count['piece']:11}"
        )


if __name__ == "__main__":
    main()
