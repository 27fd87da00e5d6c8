"""`privacy.allow`: values of the owner's own are no findings, however they are written, and nothing beside them is."""

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request

ALLOW = ("Lena.Ortiz@webmail.net", "+49 151 5343 7436", "wiki.corp.example", "Lindenstraße 14, 10969")
GATE = PrivacyGate(Privacy(allow=ALLOW, internal_hosts=("*.corp.example",)))


def kinds(text: str, gate: PrivacyGate = GATE) -> set[str]:
    request = Request(id="r", messages=(Message(role="user", text=text),))
    return {finding.kind for finding in gate.inspect(request, agent_sensitive=False).findings}


@pytest.mark.parametrize(
    "text",
    [
        "write to lena.ortiz@webmail.net.",
        "write to LENA.ORTIZ@WEBMAIL.NET today",
        "phone +49 151 53437436",
        "phone +49-151-5343-7436",
        "call 0151 / 53437436 now",
        "see wiki.corp.example",
    ],
)
def test_an_allowed_value_passes_however_it_is_written(text: str) -> None:
    assert kinds(text) == set()
    assert kinds(text, PrivacyGate(Privacy(internal_hosts=("*.corp.example",))))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to lena.ortiz@webmail.net.co", "email"),
        ("write to xlena.ortiz@webmail.net", "email"),
        ("phone +49 151 53437437", "phone"),
        ("see db.corp.example", "internal-host"),
        ("postgres://app:Tr0ub4dor@wiki.corp.example/app", "connection-string"),
        ("my password is lena.ortiz7", "password"),
        ("card 4539 5787 6362 1486", "card"),
    ],
)
def test_nothing_beside_it_passes(text: str, kind: str) -> None:
    assert kind in kinds(text)


def test_an_allowed_value_stays_as_it_is_where_others_are_redacted() -> None:
    text = "from lena.ortiz@webmail.net to jo.kant@webmail.net"
    request = Request(id="r", messages=(Message(role="user", text=text),))
    redaction = GATE.redact(request, GATE.inspect(request, agent_sensitive=False))
    assert redaction is not None
    assert redaction.request.messages[0].text == "from lena.ortiz@webmail.net to [[EMAIL_1]]"


@pytest.mark.parametrize("empty", ["", "  ", "."])
def test_an_empty_value_allows_nothing(empty: str) -> None:
    gate = PrivacyGate(Privacy(allow=(empty,)))
    assert kinds("write to lena.ortiz@webmail.net, phone +49 151 53437436", gate) == {"email", "phone"}
