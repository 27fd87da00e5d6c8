"""API keys, recognised by their shape: vendors' keys, with a prefix or without one.

A prefix is searched for as plain text first, and only where the text has a run as long as a key; the pattern runs only
where the prefix stands, and every repetition in it is bounded, so that hostile text costs linear time.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from backends.privacy.detection import Detection
from backends.privacy.detectors.code_names import is_name
from backends.privacy.detectors.secret_values import is_documented, is_placeholder
from backends.privacy.detectors.vendor_prefixes import AWS, UNMISTAKABLE, VENDORS
from backends.privacy.text_window import TextWindow


class KeyShape(NamedTuple):
    """`stems`: every text with such a key has one. `run`: the key's longest run of characters, and how far before and
    behind that run the match may reach.
    """

    pattern: re.Pattern[str]
    stems: tuple[str, ...]
    run: tuple[int, int, int]


KEY_SHAPES = tuple(
    KeyShape(re.compile(pattern), stems, run)
    for pattern, stems, run in (
        (r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_\-]{30,36}", (":aa",), (32, 12, 1)),  # Telegram
        (
            r"(?<![\w.])[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}",  # Discord
            (".",),
            (58, 0, 0),
        ),
        (
            r"(?<![\w\-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:fx\b",  # DeepL
            (":fx",),
            (36, 0, 4),
        ),
        (r"(?<![\w\-])[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w\-])", ("-",), (50, 0, 0)),  # Mailgun
        (r"(?<![\w.])[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{40,80}", (".atlasv1.",), (63, 0, 0)),  # HCP Terraform
        (r"(?<!\w)(?:AC|SK)[0-9a-f]{32}\b[^\n]{0,12}?\b[A-Za-z0-9]{32}(?!\w)", ("ac", "sk"), (34, 0, 50)),  # Twilio's
        (
            r"(?<![\w.\-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.\-])(?= --discovery)",
            (" --discovery",),
            (23, 0, 12),
        ),  # kubeadm
        (r"(?i)\"d\"\s?:\s?\"([A-Za-z0-9_\-]{42,700})\"", ('"d"',), (42, 8, 1)),  # a private JWK
        (r"<D>([A-Za-z0-9+/=]{40,700})</D>", ("<d>",), (40, 3, 4)),  # .NET's RSAKeyValue
        (r"(?i)preshared-key[^\n]{1,24}?([A-Za-z0-9+/]{43}=)", ("preshared-key",), (44, 40, 0)),  # WireGuard
        (
            r"(?:[Cc]lient|API|Api|SDK|[Aa]uth|[Bb]ot|[Tt]oken|configure|init)\(\s?[\"']([A-Za-z0-9_\-]{30,120})[\"']",
            ("('", '("', "( "),
            (30, 14, 1),
        ),
        (
            r"(?i)\b(?:vault|root)\b[^\n]{0,30}\b(s\.[A-Za-z0-9]{24})(?!\w)",
            ("vault", "root"),
            (26, 40, 1),
        ),  # Vault's older
    )
)
"""Keys without a prefix."""

UNLISTED = re.compile(
    r"(?<![A-Za-z0-9+/=_.\-])(?!(?i:sha\d|md5|pk_|file-|org-|key-id|nonce|hash|h1|gclid|fbclid|etag|v\d))"
    r"(?:[a-z]{3,12}|[A-Z]{3,12})\d?(?:[_\-][a-z]{1,8}\d?){0,3}[_\-]([A-Za-z0-9]{32,120})(?![A-Za-z0-9+/=])"
)
"""Keys of vendors that are not listed: a word, a joint, and 32 or more letters and digits."""

NAMED = re.compile(
    r"(?i)\b(?:api|access|auth|integration|secret|bearer|personal|service|client)[ _\-](?:access[ _\-])?"
    r"(?:key|token|secret)\b[^\n]{0,60}?(?<![\w+/=.\-])(?-i:([A-Za-z0-9]{32,64}))(?![\w+/=.\-])"
)
"""A random run in the same sentence as a key's full name."""


RUN_OF_UNLISTED, RUN_OF_NAMED, NAMED_REACH = 36, 32, 130
"""The shortest run of characters with such a key in it, and how far before its run a named key's name may begin."""

BEFORE_RUN, RARE = 32, 10
"""How far before a run of sixteen characters a prefix may stand. Longer prefixes are rare, and searched for everywhere:
Proxmox's tokens name a user before the run.
"""


def find(window: TextWindow) -> Iterator[Detection]:
    """Keys of listed and unlisted vendors."""
    if not window.has_long_run:
        return
    text = window.text
    yield from _with_prefix(window)
    for shape in KEY_SHAPES:
        for start, end in window.around_runs(*shape.run) if window.has_any(shape.stems) else ():
            for match in shape.pattern.finditer(text, start, end):
                group = match.lastindex or 0
                if _is_key(match[group], match[group]):
                    yield Detection("api-key", *match.span(group))
    for start, end in window.around_runs(RUN_OF_UNLISTED, 0, 0):
        for match in UNLISTED.finditer(text, start, end):
            if _is_mixed(match[1]) and _is_key(match[0], match[1]):
                yield Detection("api-key", *match.span())
    for start, end in window.around_runs(RUN_OF_NAMED, NAMED_REACH, 1):
        for match in NAMED.finditer(text, start, end):
            if _is_mixed(match[1]) and _is_key(match[0], match[1]):
                yield Detection("api-key", *match.span(1))


_PREFIXES = {prefix: re.compile(rest) for prefix, rest in VENDORS.items()}


def _with_prefix(window: TextWindow) -> Iterator[Detection]:
    text = window.text
    runs = "\n".join(text[start:end] for start, end in window.around_runs(0, BEFORE_RUN, 1))
    for prefix, rest in _PREFIXES.items():
        start = text.find(prefix) if len(prefix) > RARE or prefix in runs else -1
        while start >= 0:
            match = rest.match(text, start + len(prefix))
            if match is not None and not _inside_word(text, start) and _is_key(text[start : match.end()], match[0]):
                yield Detection("aws-key" if prefix in AWS else "api-key", start, match.end())
            start = text.find(prefix, match.end() if match is not None else start + 1)


RUN_BEFORE = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_\-]{21}")


def _inside_word(text: str, start: int) -> bool:
    """A prefix in the middle of a longer run of letters stands there by chance, as in base64."""
    if text.startswith(UNMISTAKABLE, start):
        return False
    before = text[start - 1 : start]
    if before in ("-", "_") and RUN_BEFORE.fullmatch(text[max(0, start - 21) : start]):
        return True
    return before.isalnum() or (before in ("/", "+") and text[max(0, start - 20) : start].replace("/", "a").isalnum())


def _is_key(whole: str, rest: str) -> bool:
    if is_documented(whole) or len(set(rest)) < 8 or is_placeholder(whole):
        return False
    return _looks_random(rest) and not is_name(rest)


def _looks_random(rest: str) -> bool:
    """Words joined by dashes (`sk-learn-pipeline-for-text`) have neither many digits nor changing case."""
    if any(character.isdigit() for character in rest):
        return rest.count("-") < 4 or sum(map(str.isdigit, rest)) > 3 or rest.lower() != rest
    return rest.lower() != rest and rest.upper() != rest and "-" not in rest


def _is_mixed(tail: str) -> bool:
    """Capitals, small letters and digits in the proportions of chance; identifiers of things are hexadecimal."""
    digits, capitals = sum(map(str.isdigit, tail)), sum(map(str.isupper, tail))
    small = len(tail) - digits - capitals
    return digits >= 1 and capitals >= len(tail) // 6 and small >= len(tail) // 6
