"""A plain word is a password where a login stands beside it, in an environment's settings, or joined by a sign."""

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request

GATE = PrivacyGate(Privacy(), entries=0)


def is_sensitive(text: str) -> bool:
    request = Request(id="r", messages=(Message(role="user", text=text),))
    return GATE.inspect(request, agent_sensitive=False).sensitive


@pytest.mark.parametrize(
    "text",
    [
        *("user = anna\npassword = marigold\n", "SHOP_DB_PASS=marigold", "# SMTP_PASSWORD=marigold\nNEXT=1"),
        *(
            'export MAIL_PASSWD="marigold"\n',
            "ENV APP_PWD=marigold",
            "- REDIS_PASSWORD=marigold",
            "$env:FTP_PASS = 'marigold'",
        ),
        *('password = "mari$gold"', "<add key='MailPassword' value='Marigolds$'/>", "db.password: night#heron"),
        *("curl -u ':m4ri!gold9x' https://x.net", "curl -X POST --user  'anna:h3r0n~21s' https://x.net"),
    ],
)
def test_a_plain_word_that_is_used_as_a_password_is_found(text: str) -> None:
    assert is_sensitive(text)


@pytest.mark.parametrize(
    "text",
    [
        *("SHOP_DB_PASS=changeme", "DB_PASSWORD=required", "POSTGRES_PASSWORD=postgres", "ALLOW_EMPTY_PASSWORD=yes"),
        *("USE_PASSWORD=disabled", "PASSWORD_RESET=enabled", "DB_PASSWORD=${DB_PASSWORD}", "DB_PASSWORD=$PASSWORD"),
        *("password = marigold", "the password: optional", "docker run --user 1000:1000 x", "docker run -u :1000 x"),
        *("set DB_PASSWORD in your shell", "DB_PASSWORD=settings.password"),
        "usernamePassword(credentialsId: '3f2b8c1e-8d4a-4b6f-9c0d-1e2f3a4b5c6d')",
    ],
)
def test_a_word_that_speaks_of_a_password_passes(text: str) -> None:
    assert not is_sensitive(text)
