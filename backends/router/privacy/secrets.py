"""Secrets that show by their own shape: vendors' keys, private keys, JWTs.

A prefix is looked for as plain text first (a few milliseconds for a MiB); the pattern runs only where it stands, and
every repetition in it is bounded, so that hostile text costs linear time.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from backends.router.privacy.hit import Hit, is_placeholder

BODY = r"[A-Za-z0-9_\-]"

VENDORS: dict[str, str] = {
    "sk-": rf"(?:ant-|proj-|or-v1-|svcacct-|admin-|lf-)?{BODY}{{20,220}}",
    "pk-lf-": rf"{BODY}{{20,60}}",
    "AIza": rf"{BODY}{{30,45}}",
    "AQ.": rf"{BODY}{{30,90}}",
    "ya29.": rf"{BODY}{{20,220}}",
    "GOCSPX-": rf"{BODY}{{20,40}}",
    "ghp_": r"[A-Za-z0-9]{30,60}",
    "gho_": r"[A-Za-z0-9]{30,60}",
    "ghu_": r"[A-Za-z0-9]{30,60}",
    "ghs_": r"[A-Za-z0-9]{30,60}",
    "ghr_": r"[A-Za-z0-9]{30,90}",
    "github_pat_": r"\w{30,100}",
    "glpat-": rf"{BODY}{{18,60}}",
    "gldt-": rf"{BODY}{{18,60}}",
    "glrt-": rf"{BODY}{{18,60}}",
    "xoxb-": rf"{BODY}{{18,120}}",
    "xoxa-": rf"{BODY}{{18,120}}",
    "xoxp-": rf"{BODY}{{18,120}}",
    "xoxr-": rf"{BODY}{{18,120}}",
    "xoxs-": rf"{BODY}{{18,120}}",
    "xapp-": rf"{BODY}{{18,120}}",
    "npm_": r"[A-Za-z0-9]{30,50}",
    "pypi-": rf"{BODY}{{30,250}}",
    "hf_": r"[A-Za-z0-9]{28,50}",
    "AKIA": r"[A-Z0-9]{16}(?![A-Z0-9])",
    "ASIA": r"[A-Z0-9]{16}(?![A-Z0-9])",
    "tskey-": rf"(?:auth|api|client|webhook|scim)?-?{BODY}{{16,90}}",
    "shpat_": r"[a-fA-F0-9]{28,40}",
    "shpss_": r"[a-fA-F0-9]{28,40}",
    "shpca_": r"[a-fA-F0-9]{28,40}",
    "sk_live_": r"[A-Za-z0-9]{16,120}",
    "sk_test_": r"[A-Za-z0-9]{16,120}",
    "rk_live_": r"[A-Za-z0-9]{16,120}",
    "rk_test_": r"[A-Za-z0-9]{16,120}",
    "whsec_": r"[A-Za-z0-9+/=]{20,80}",
    "SG.": rf"{BODY}{{16,30}}\.{BODY}{{30,60}}",
    "key-": r"[a-f0-9]{32}(?![a-f0-9])",
    "dop_v1_": r"[a-f0-9]{40,70}",
    "doo_v1_": r"[a-f0-9]{40,70}",
    "dckr_pat_": rf"{BODY}{{20,40}}",
    "r8_": r"[A-Za-z0-9]{30,45}",
    "gsk_": r"[A-Za-z0-9]{30,70}",
    "xai-": r"[A-Za-z0-9]{40,100}",
    "pplx-": r"[A-Za-z0-9]{30,70}",
    "nvapi-": rf"{BODY}{{40,90}}",
    "lin_api_": r"[A-Za-z0-9]{30,60}",
    "ntn_": r"[A-Za-z0-9]{30,60}",
    "secret_": r"[A-Za-z0-9]{40,50}",
    "figd_": rf"{BODY}{{30,60}}",
    "hvs.": rf"{BODY}{{20,120}}",
    "dapi": r"[a-f0-9]{32}",
    "glsa_": r"[A-Za-z0-9_]{30,60}",
    "glc_": r"[A-Za-z0-9+/=]{30,250}",
    "sntrys_": r"[A-Za-z0-9+/=_]{30,250}",
    "sbp_": r"[a-f0-9]{36,44}",
    "ATATT3": rf"{BODY}{{50,250}}",
    "ATCTT3": rf"{BODY}{{50,250}}",
    "dp.pt.": r"[A-Za-z0-9]{30,60}",
    "dp.st.": r"[A-Za-z0-9._]{30,70}",
    "nfp_": r"[A-Za-z0-9]{30,50}",
    "FlyV1 ": r"fm\d_[A-Za-z0-9+/=_,]{30,250}",
    "pscale_tkn_": rf"{BODY}{{30,60}}",
    "PMAK-": rf"{BODY}{{40,70}}",
    "rubygems_": r"[a-f0-9]{40,56}",
    "sk.eyJ": rf"{BODY}{{30,120}}",
    "AC": r"[a-f0-9]{32}:[a-f0-9]{32}",
    "EAAC": r"[A-Za-z0-9]{60,250}",
    "sq0atp-": rf"{BODY}{{20,30}}",
    "sq0csp-": rf"{BODY}{{40,50}}",
    "pat-": r"(?:na|eu)\d-[a-f0-9\-]{30,40}",
    "hooks.slack.com/services/": r"T\w{6,14}/B\w{6,14}/\w{16,32}",
    "discord.com/api/webhooks/": rf"\d{{15,21}}/{BODY}{{50,90}}",
    "AGE-SECRET-KEY-1": r"[A-Z0-9]{40,70}",
    "syt_": r"\w{10,80}",
    "tvly-": rf"{BODY}{{20,60}}",
    "phx_": r"[A-Za-z0-9]{30,60}",
    "vercel_": r"[A-Za-z0-9_]{20,50}",
    "CFPAT-": rf"{BODY}{{30,60}}",
    "LTAI": r"[A-Za-z0-9]{16,24}(?![A-Za-z0-9])",
    "AGPA": r"[A-Z0-9]{16}(?![A-Z0-9])",
    "eyJrIjoi": r"[A-Za-z0-9+/=]{40,200}",
}
"""A vendor's prefix, and what follows it in a real key. From the vendors' own pages on their token formats."""

UNMISTAKABLE = (
    "hf_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "npm_",
    "gsk_",
    "tskey-",
    "AIza",
)
"""Prefixes that count even where no blank was left before them; what follows is long and has no dash."""

TELEGRAM = re.compile(r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_\-]{30,36}")
DISCORD = re.compile(r"(?<![\w.])[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}")
DEEPL = re.compile(r"(?<![\w\-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:fx\b")
JWT = re.compile(r"eyJ[A-Za-z0-9_\-]{8,2000}\.(eyJ[A-Za-z0-9_\-]{6,8000})(?:\.[A-Za-z0-9_\-]{0,2000})?")

PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
PRIVATE_END = re.compile(r"-----END ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY( BLOCK)?-----")
KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{20}")
PUTTY = re.compile(r"Private-Lines: ?\d{1,3}")

DOCUMENTED = (
    "EXAMPLE",
    "4eC39HqLyjWDarjtT1zdp7dc",
    "eyJzdWIiOiIxMjM0NTY3ODkwIi",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4g",
    "eyJhbGciOiJIUzI1NiJ9.e30",
    "T00000000/B00000000/XXXX",
    "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
)
"""Keys that vendors' own pages print."""


def find(text: str) -> Iterator[Hit]:
    """Keys, private keys and JWTs in `text`."""
    for prefix, rest in _VENDORS.items():
        start = text.find(prefix)
        while start >= 0:
            match = rest.match(text, start + len(prefix))
            if match is not None and not _inside_word(text, start) and _is_key(text[start : match.end()], match[0]):
                yield Hit("aws-key" if prefix in ("AKIA", "ASIA") else "api-key", start, match.end())
            start = text.find(prefix, match.end() if match is not None else start + 1)
    for pattern in (TELEGRAM, DISCORD, DEEPL):
        for match in pattern.finditer(text):
            if _is_key(match[0], match[0]):
                yield Hit("api-key", match.start(), match.end())
    if "eyJ" in text:
        yield from _jwts(text)
    yield from _private_keys(text)


_VENDORS = {prefix: re.compile(rest) for prefix, rest in VENDORS.items()}


def _inside_word(text: str, start: int) -> bool:
    """A prefix in the middle of a longer run of letters is chance, as in base64."""
    if text.startswith(UNMISTAKABLE, start):
        return False
    before = text[start - 1 : start]
    return before.isalnum() or (before in ("/", "+") and text[max(0, start - 20) : start].replace("/", "a").isalnum())


def _is_key(whole: str, rest: str) -> bool:
    if any(known in whole for known in DOCUMENTED):
        return False
    return len(set(rest)) >= 8 and not is_placeholder(whole) and _looks_random(rest)


def _looks_random(rest: str) -> bool:
    """Words joined by dashes (`sk-learn-pipeline-for-text`) have neither digits nor changing case."""
    return any(character.isdigit() for character in rest) or (
        rest.lower() != rest and rest.upper() != rest and "-" not in rest
    )


def _jwts(text: str) -> Iterator[Hit]:
    for match in JWT.finditer(text):
        if any(known in match[0] for known in DOCUMENTED) or len(set(match[1])) < 8:
            continue
        if _decodes_to_json(match[1]):
            yield Hit("jwt", match.start(), match.end())


def _decodes_to_json(part: str) -> bool:
    try:
        head = base64.urlsafe_b64decode(part[: len(part) // 4 * 4][:400])
    except (binascii.Error, ValueError):
        return True
    return head.startswith(b"{")


def _private_keys(text: str) -> Iterator[Hit]:
    """Also one that lost its head or its end: what counts is a body of base64 beside the line."""
    for match in PRIVATE_KEY.finditer(text):
        body = KEY_BODY.search(text, match.end(), match.end() + 400)
        if body is not None and not _only_public(text[match.end() : body.start()]):
            yield Hit("private-key", match.start(), body.end())
    for match in PRIVATE_END.finditer(text):
        body = KEY_BODY.search(text, max(0, match.start() - 200), match.start())
        if body is not None:
            yield Hit("private-key", body.start(), match.end())
    for match in PUTTY.finditer(text):
        yield Hit("private-key", match.start(), match.end())


def _only_public(between: str) -> bool:
    return "-----END" in between
