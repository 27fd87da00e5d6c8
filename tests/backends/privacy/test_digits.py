"""Passwords and one-time codes of digits only: their name distinguishes them from other numbers."""

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request

GATE = PrivacyGate(Privacy())


def found(text: str) -> list[tuple[str, str]]:
    verdict = GATE.inspect(Request(id="r", messages=(Message(role="user", text=text),)), agent_sensitive=False)
    return [(finding.kind, text[finding.start : finding.end].strip("\"'`.}")) for finding in verdict.findings]


@pytest.mark.parametrize(
    "text",
    [
        "PASSWORD={}",
        "DB_PASS={}",
        "my password: {}",
        "my password is {}.",
        '{{"password": "{}"}}',
        '{{"password": {}}}',
        "`password`: `{}`",
        "the password for my account: {}",
        "das Passwort lautet {}",
        "Kennwort: {}",
        "mot de passe : {}",
        "contraseña: {}",
        "пароль: {}",
        "passcode: {}",
        "verification code is {}",
        "your one-time code for Acme: {}",
        "{} is your Google verification code",
        "OTP: {}",
        "Bestätigungscode: {}",
        "código de verificación: {}",
        "验证码：{}",
    ],
)
@pytest.mark.parametrize("digits", ["739184", "7391847", "73918472"])
def test_digits_beside_their_name_are_a_password(text: str, digits: str) -> None:
    assert ("password", digits) in found(text.format(digits))


@pytest.mark.parametrize("text", ["OTP: 482 913", "G-482913 ist dein Bestätigungscode", "login code: 4829-1305"])
def test_a_code_is_found_as_messages_print_it(text: str) -> None:
    assert [kind for kind, _ in found(text)] == ["password"]


@pytest.mark.parametrize(
    "text",
    [
        "password length: 12",
        "password_min_age=7776000",
        "password_timeout=7776000",
        "PasswordMaxAge: 7776000",
        "password_iterations: 600000",
        "password for order number: 8273645",
        "password reset ticket 4829134",
        "password attempts: 1200345",
        "failed password: 1200345 attempts",
        "tests pass: 120000",
        "creds: 1000000",
        "password: 123456",
        "Passwort: 87654321",
        "password=111111",
        "passport: 739184",
        "compass: 7391847",
        "order code: 482913",
        "postal code: 482913",
        "error code: 482913",
        "the code is 482913",
        "verification code length: 482913",
        "OTP: 123456",
        "otp_seconds=864000",
        "TAN: 48",
    ],
)
def test_counts_and_digits_that_everybody_types_are_harmless(text: str) -> None:
    assert found(text) == []
