"""Files as programs keep them, tables, commands and phrases reveal their passwords; what resembles them does not."""

import random

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request
from benchmarks.evaluation.privacy import examples, sensitive
from benchmarks.evaluation.privacy_values import filled

GATE = PrivacyGate(Privacy())
FILES = len(examples("files", 1))


@pytest.mark.parametrize("row", range(FILES))
def test_a_file_with_a_password_is_found(row: int) -> None:
    found = [sensitive(GATE, examples("files", seed)[row].text) for seed in range(4)]
    assert sum(found) >= 3 or examples("files", 1)[row].kind in HARD


HARD = (".htpasswd crypt", "adb wifi pairing", "asterisk sip.conf")
"""Values that are short or weak beside a word that has other uses."""


def findings(text: str) -> list[str]:
    request = Request(id="r", messages=(Message(role="user", text=text),))
    verdict = GATE.inspect(request, agent_sensitive=False)
    return [text[finding.start : finding.end] for finding in verdict.findings]


@pytest.mark.parametrize("size", [12, 15, 18, 21, 24])
def test_a_phrase_with_a_right_checksum_needs_no_word_beside_it(size: int) -> None:
    phrase = filled(f"‹mnemonic:{size}›", random.Random(size))
    assert findings(f"so here they are\n{phrase}\nanything else?") == [phrase]


def test_words_of_the_list_with_a_wrong_checksum_are_prose() -> None:
    phrase = filled("‹mnemonic:12›", random.Random(3)).split()
    assert findings(" ".join(phrase[::-1])) == []


def test_the_documented_phrase_passes() -> None:
    assert findings("abandon " * 11 + "about") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("host,login,password\nweb1,root,kanu77blau\nweb2,root,", "kanu77blau"),
        ("a,,Password\n,,kanu77blau", "kanu77blau"),
        ("| User | Kennwort |\n| --- | --- |\n| anna | `kanu77blau` |", "kanu77blau"),
    ],
)
def test_a_column_of_passwords_is_read(text: str, value: str) -> None:
    assert findings(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "name,password\nanna,required\nbob,at least 8",
        "| option | password |\n|---|---|\n| tls | no |\n| min | 12 |",
        "def login(user, password, host):\n    return open(web01, 2, vps03)",
        "root:$6$saltsalt$hash: what do the fields mean?",
        "declare [-aAfFgilnrtux] or declare -p [-aAfFilnrtux]",
        'gemini -p "Return JSON"',
        "docker run -p 8080:80 -p web:latest",
        "struct node * next2;",
        "git diff <<<<<<< HEAD",
        "'password',\n'ssh2_connect',\n'ssh2_exec',\n'uint16',",
        "class A: def __init__(self, credentials,\n    cache2=None,\n    timeout3=None):",
        "style subgraph fill:#f0f0f0,stroke:#333 and pass Rate",
        'self.connect("cache_post_open", "_inc_changes_count")',
        "def verify_hmac_sha256(request, client_secret):",
        "from cryptography.hazmat.primitives.serialization.pkcs12 import ssh",
        "Buffer.from(password, 'base64').toString('utf8')",
        "make sure we can access the PPA, lp:#1965180",
        "FUNC:_ZNKSs11_M_disjunctEPKc@GLIBCXX_3.4",
        "user: string\npassword: string",
        '{"username": "string", "password": "required"}',
        "connect(host=host, user=user, password=passphrases)",
        "my password is wrong",
        "mein Passwort ist abgelaufen.",
        'the password is "too short for this site"',
    ],
)
def test_what_resembles_them_passes(text: str) -> None:
    assert findings(text) == []
