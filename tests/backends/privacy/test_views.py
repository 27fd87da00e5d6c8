"""What hides a secret from a pattern hides it from no reader, so the gate decodes it and finds its place."""

import base64
import html
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.privacy import PrivacyGate
from backends.privacy.views import views
from backends.settings.privacy import Privacy
from backends.types import Message, Request, ToolCall

KEY = "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z"
MAIL = "lena.ortiz@webmail.net"
GATE = PrivacyGate(Privacy())


def findings(text: str) -> list[tuple[str, str]]:
    verdict = GATE.inspect(Request(id="r", messages=(Message(role="user", text=text),)), agent_sensitive=False)
    return [(finding.kind, text[finding.start : finding.end]) for finding in verdict.findings]


def wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


HIDDEN = {
    "zero-width blank": KEY[:9] + "\u200b" + KEY[9:],
    "soft hyphens": "\u00ad".join((KEY[:9], KEY[9:20], KEY[20:])),
    "word joiner": KEY[:20] + "\u2060" + KEY[20:],
    "full width": wide(KEY),
    "JSON escapes": "".join(f"\\u{ord(sign):04x}" for sign in KEY),
    "one JSON escape": f"\\u0067{KEY[1:]}",
    "percent": quote(KEY.replace("_", "-_"), safe="").replace("-_", "%5F"),
    "each byte in percent": "".join(f"%{ord(sign):02X}" for sign in KEY),
    "entities": "".join(f"&#{ord(sign)};" for sign in KEY),
    "base64": base64.b64encode(f"token {KEY}".encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(f"??>>{KEY}".encode()).decode().rstrip("="),
    "quoted-printable": f"{KEY[:12]}=\n{KEY[12:]}",
    "quoted-printable of Windows": f"{KEY[:12]}=\r\n{KEY[12:]}",
    "JavaScript's escapes": "".join(f"\\u{{{ord(sign):x}}}" for sign in KEY),
    "octal escapes": "".join(f"\\{ord(sign):03o}" for sign in KEY),
    "hexadecimal": f"token {KEY}".encode().hex(),
    "hexadecimal in capitals": KEY.encode().hex().upper(),
    "base64 of UTF-16": base64.b64encode(f"token {KEY}".encode("utf-16-le")).decode(),
    "lines of base64": base64.encodebytes(f"{'lorem ipsum ' * 12}token {KEY} dolor".encode()).decode().strip(),
    "a continued line": f"{KEY[:12]}\\\n{KEY[12:]}",
    "two strings in a sum": f'{KEY[:12]}" + "{KEY[12:]}',
    "strings on two lines": f"{KEY[:12]}' +\n        '{KEY[12:]}",
    "strings side by side": f'{KEY[:12]}"\n    "{KEY[12:]}',
    "strings joined by dots": f"{KEY[:12]}' . '{KEY[12:]}",
    "Cyrillic letters": KEY.replace("p", "р").replace("K", "К"),
    "mathematical letters": "".join(chr(0x1D41A + ord(sign) - 97) if sign.islower() else sign for sign in KEY),
    "circled letters": "".join(chr(0x24D0 + ord(sign) - 97) if sign.islower() else sign for sign in KEY),
    "underlined": "".join(f"{sign}\u0332" if sign.isalpha() else sign for sign in KEY),
}


@pytest.mark.parametrize("way", HIDDEN)
def test_a_hidden_key_is_found_where_it_stands(way: str) -> None:
    found = findings(f"see this: {HIDDEN[way]} please")
    assert ("api-key", HIDDEN[way]) in found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("４５３９ ５７８７ ６３６２ １４８６", "card"),
        ("card ٤٥٣٩ ٥٧٨٧ ٦٣٦٢ ١٤٨٦", "card"),
        ("4539\u00a05787\u00a06362\u00a01486", "card"),
        ("529\u201183\u20114417", "national-id"),
        (f"https://x.net/?to={quote(MAIL, safe='')}", "email"),
        ("lena.ortiz [at] webmail [dot] net", "email"),
        (html.escape("password: 'Kanu!Blau77'"), "password"),
        ("раsswоrd: Kanu!Blau77", "password"),
        ("pa\u0332s\u0332sword: Kanu!Blau77", "password"),
        ("kata sandi: kanublau77", "password"),
        (unicodedata.normalize("NFD", "mật khẩu của máy chủ là kanublau772"), "password"),
        (f"Authorization: Basic {base64.b64encode(b'bob:Kanu!Blau77').decode()}", "password"),
        (f"config={base64.b64encode(b'password=Kanu!Blau77').decode()}", "password"),
        (f"data:text/plain;base64,{base64.b64encode(b'password=Kanu!Blau77').decode()}", "password"),
        (f"GET /api/v1/{base64.urlsafe_b64encode(b'password=Kanu!Blau77').decode()}/x", "password"),
    ],
)
def test_other_kinds_too(text: str, kind: str) -> None:
    assert kind in {kind for kind, _ in findings(text)}


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(b"hello world, nothing to see here").decode(),
        "%7B%22a%22%3A1%7D",
        "\\u0048\\u0065\\u006c\\u006c\\u006f",
        "&lt;div class=&quot;password&quot;&gt;",
        "Donaudampf\u00adschiff\u00adfahrt",
        b"hello world, nothing to see here".hex(),
        'log("token" + "password")',
        "naïve café, Ελλάδα IT-отдел, H₂O, m², ℝ",
    ],
)
def test_what_is_harmless_in_clear_is_harmless_in_code(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (f"the key starts {KEY[:18]}", f"{KEY[18:]} and that is all"),
        ("the password is", "Kanu!Blau77"),
        ("Passwort:", "Kanu!Blau77 – geht nicht"),
    ],
)
def test_a_secret_over_two_messages_is_found(one: str, two: str) -> None:
    for between in ((), (Message(role="assistant", text="go on"),)):
        messages = (Message(role="user", text=one), *between, Message(role="user", text=two))
        assert GATE.inspect(Request(id="r", messages=messages), agent_sensitive=False).sensitive


def test_two_harmless_messages_stay_harmless() -> None:
    texts = ("what is the password policy:", "At least 12 characters", "in 2019", "4532 items")
    messages = tuple(Message(role="user", text=text) for text in texts)
    assert not GATE.inspect(Request(id="r", messages=messages), agent_sensitive=False).sensitive


def test_escapes_in_tool_arguments_are_decoded() -> None:
    call = ToolCall(id="1", name="run", arguments='{"cmd": "export TOKEN=\\u0067hp_' + KEY[4:] + '"}')
    message = Message(role="assistant", tool_calls=(call,))
    assert GATE.inspect(Request(id="r", messages=(message,)), agent_sensitive=False).sensitive


pieces = st.lists(
    st.sampled_from(
        [
            "a",
            "é",
            "4",
            "р",
            "\u0332",
            "\u200b",
            "\u00ad",
            "４",
            "%41",
            "%c3%a9",
            "\\u0041",
            "&amp;",
            "=\n",
            " ",
            "%zz",
            "\\n",
        ]
    ),
    max_size=30,
).map("".join)


@given(text=pieces, data=st.data())
def test_a_span_of_a_view_is_a_stretch_of_its_source(text: str, data: st.DataObject) -> None:
    for view in views(text):
        if not view.text:
            continue
        start = data.draw(st.integers(0, len(view.text) - 1))
        end = data.draw(st.integers(start + 1, len(view.text)))
        first, last = view.span(start, end)
        assert 0 <= first < last <= len(text)
        assert view.span(0, len(view.text))[0] <= first


@given(before=pieces, after=pieces)
def test_a_planted_key_is_mapped_back_to_the_letter(before: str, after: str) -> None:
    text = f"{before} {KEY} {after}"
    assert ("api-key", KEY) in findings(text)


def test_a_password_after_many_runs_of_base64_is_found() -> None:
    decoys = " ".join(base64.b64encode(f"nothing to see in number {number}".encode()).decode() for number in range(500))
    hidden = base64.b64encode(b"password=Kanu!Blau77").decode()
    assert ("password", hidden) in findings(f"{decoys} {hidden}")


def test_two_decoded_texts_are_not_read_as_one() -> None:
    name = base64.b64encode(b"the server's password is").decode()
    other = base64.b64encode(b"Kanublau77 is the name of a lake").decode()
    assert findings(f"{name} {other}") == []
