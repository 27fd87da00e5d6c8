"""What looks as random as a key and is none: ids, publishable keys, hashes of passwords, ciphertext, encoded text."""

import base64
import binascii
import re

from backends.privacy.detectors.secret_values import DOCUMENTED

LICENCE = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=.*\d)(?:[A-Z0-9]{4,12}-){1,6}(?:[A-Z0-9]{4,12}-|[a-z0-9]{4,12}-)*"
    r"[A-Za-z0-9]{4,12}"
)
"""UUIDs, and groups as licences have them."""

HEX = re.compile(r"[0-9a-f]{16,128}|[0-9A-F]{16,128}|[0-9A-Fa-f]{32,64}")
SHORT_HEX = re.compile(r"[0-9a-f]{7,15}|[0-9A-F]{7,15}")
"""Commits are abbreviated so."""

NUMBER = re.compile(r"[+\-]?0x[0-9a-fA-F.]{1,39}(?:p[+\-]?\d+)?|\d{1,14}|\d{1,3}(?:\.\d{1,4}){1,4}[\w.+~\-]{0,40}")
"""Numbers and versions."""

PATH = re.compile(r"\.{0,2}/[\w.]|[\w.\-~]*/[\w.\-~]*/|.*[a-z]{2,}\.[a-z]{2,4}\Z")

ID = re.compile(
    r"(?i)(?:sha\d|md5|nonce|hash|h1|gclid|fbclid|etag|v\d|pk_live|pk_test|phc|cus|in|sub|pi|ch|evt|acct|price|prod|pm|"
    r"seti|cs|si|ii|txn|re|po|tr|file|org|run|thread|asst|msg|req|call|toolu|resp|chatcmpl|cmpl|batch|ft|proj|user|key-id|"
    r"arn|vpc|subnet|sg|ami|i|eni|vol|snap|rtb|igw|nat|eipalloc|fs|lt|tgw|srv|dpl|team|usr|wrk|conv|job|task|trace|span|"
    r"ses|session|item|part|prt)[_\-]"
)
"""Beginnings of ids that vendors give to what is no secret, and of hashes with their name."""

PUBLISHABLE = re.compile(r"pk_(?:live|test)_|phc_|pk\.eyJ")
PROJECT_TOKEN = re.compile(r"(?i)project[ _\-]?token\W{0,6}\Z")
ANALYTICS = re.compile(r"(?i)mixpanel|posthog|analytics|telemetry")
DSN_HOST = re.compile(r"@[a-z0-9.]{0,20}(?:ingest|sentry)\.")
CRYPT = re.compile(r"\$[\w=,.]{1,20}\$(?:[\w=,./]{1,40}\$)?\Z")
"""What stands before a password's hash (crypt(5))."""

HASH_NAME = re.compile(r"(?i)(?:\bh1|sha-?\d{1,3}|\bmd5)[:=\-]\Z")
"""What stands before a hash in lists of sums, also in Go's."""

PINNED = re.compile(r"[\w.\-/]{2,60}[@#]\Z")
"""What stands before the commit or the sum of a dependency."""

AGE_RECIPIENT = re.compile(r"age1[a-z0-9]{50,62}")
"""Whom age encrypts for."""

CUT_OFF = re.compile(r"\.\.|…|\[\.")
FILE_END = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|m?js|css|html?|map|json|pdf|woff2?)\b")
LEAST_WHOLE = 40
"""A longer one may be whole, at a sentence's end."""

LEAST_ALPHABET = 60
"""Characters, all of them different, that are an alphabet rather than a key."""

SEALED = "ENC["
"""How sops and eyaml begin ciphertext."""

BADGE = "badge.svg?"
"""A badge's token is in everybody's README."""

MANY = 400


def is_public(text: str, start: int, end: int) -> bool:
    """Is the value at `start:end` for everybody's eyes: a publishable key, a key that manuals print, a project's token
    in web analytics, which every visitor's browser has, a password's hash, ciphertext, or a number?
    """
    value = text[start:end]
    if PUBLISHABLE.match(value) or AGE_RECIPIENT.fullmatch(value) or value in DOCUMENTED or NUMBER.fullmatch(value):
        return True
    if len(value) >= LEAST_ALPHABET and len(set(value)) == len(value):
        return True
    if DSN_HOST.match(text, end):
        return True
    before = text[max(0, start - 80) : start]
    if SEALED in before or BADGE in before or CRYPT.search(before) or HASH_NAME.search(before):
        return True
    if before[-1:] in ("@", "#") and HEX.fullmatch(value) and PINNED.search(before):
        return True
    return (
        PROJECT_TOKEN.search(before) is not None
        and ANALYTICS.search(text, max(0, start - MANY), start + MANY) is not None
    )


def is_cut(text: str, start: int, end: int) -> bool:
    """A file's name, or the beginning of a key that somebody cut off (`sk-proj-a8Kd…`)."""
    if CUT_OFF.match(text, end) is not None:
        return end - start < LEAST_WHOLE
    return FILE_END.match(text, end) is not None


def encodes_text(value: str) -> bool:
    """Base64 of text, or a part of it: what is in it is read as a view of its own."""
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    for skip in range(4):
        part = body[skip:]
        try:
            said = base64.b64decode(part[: len(part) // 4 * 4])
        except binascii.Error:
            return False
        if len(said) >= 6 and said.isascii() and said.decode().replace("\n", " ").replace("\r", " ").isprintable():
            return True
    return False
