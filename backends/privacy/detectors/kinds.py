"""The table of kinds of private data, and the detectors that find them.

A vendor's key is a row of `vendor_keys.tsv`. A new kind needs a detector in this folder, a row of KINDS and a place
in DETECTORS.
"""

from typing import NamedTuple

from backends.privacy.detection import Detector
from backends.privacy.detectors import (
    api_keys,
    bank_accounts,
    cards,
    command_passwords,
    connection_strings,
    emails,
    jwts,
    login_passwords,
    named_passwords,
    named_secrets,
    national_ids,
    one_time_codes,
    passports,
    password_files,
    password_sentences,
    password_tables,
    phones,
    plain_passwords,
    postal_addresses,
    private_keys,
    recovery_codes,
)


class FindingKind(NamedTuple):
    """`name` is for findings, `why` for the reason of a verdict. `label` is for placeholders: it tells a model enough
    to write a sentence around it. What is not `personal` data counts as a secret.
    """

    name: str
    label: str
    why: str
    personal: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        FindingKind("api-key", "API_KEY", "key"),
        FindingKind("aws-key", "API_KEY", "key"),
        FindingKind("jwt", "TOKEN", "token"),
        FindingKind("private-key", "PRIVATE_KEY", "private key"),
        FindingKind("connection-string", "PASSWORD", "password"),
        FindingKind("password", "PASSWORD", "password"),
        FindingKind("card", "CARD", "card", personal=True),
        FindingKind("iban", "IBAN", "bank account", personal=True),
        FindingKind("national-id", "PERSONAL_ID", "national id", personal=True),
        FindingKind("email", "EMAIL", "e-mail", personal=True),
        FindingKind("phone", "PHONE", "phone", personal=True),
        FindingKind("address", "ADDRESS", "address", personal=True),
        FindingKind("passport", "PASSPORT", "passport", personal=True),
        FindingKind("word", "TERM", "word"),
        FindingKind("pattern", "TERM", "pattern"),
        FindingKind("internal-host", "HOST", "internal host"),
    )
}
"""The settings define the last three."""

DETECTORS: tuple[Detector, ...] = (
    api_keys.find,
    jwts.find,
    private_keys.find,
    connection_strings.find,
    named_passwords.find,
    named_secrets.find,
    command_passwords.find,
    login_passwords.find,
    password_files.find,
    password_sentences.find,
    password_tables.find,
    plain_passwords.find,
    one_time_codes.find,
    recovery_codes.find,
    cards.find,
    bank_accounts.find,
    national_ids.find,
    emails.find,
    phones.find,
    postal_addresses.find,
    passports.find,
)
"""They run in this order, and the first finding is the reason of the verdict."""
