"""Each kind of secret and personal datum is found in any position; what only looks like one is not."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.privacy import PrivacyGate
from backends.privacy.detectors.checksums import luhn, mod11_10, mod97, verhoeff
from backends.privacy.detectors.kinds import KINDS
from backends.settings.privacy import Privacy
from backends.types import Message, Request

GATE = PrivacyGate(Privacy())


def kinds(text: str) -> set[str]:
    verdict = GATE.inspect(Request(id="r", messages=(Message(role="user", text=text),)), agent_sensitive=False)
    return {finding.kind for finding in verdict.findings}


PLANTED = {
    "sk-proj-a8Kd92mXq0Zp4Lw7Rt5Yv1Nb": "api-key",
    "AIzaSyD9x8w7v6u5t4s3r2q1p0onmlkjihgfe1": "api-key",
    "xoxb-2841975530-aB7cD9eF1gH3iJ5kL7mN": "api-key",
    "glpat-x9Y8z7W6v5U4t3S2r1Q0": "api-key",
    "AKIAQ7Z5X3C1V9B7N5M4": "aws-key",
    "8431975206:AAHk3Lp9Qz7Xw5Vb1Nm8Cr4Ty6Ui2Op0As": "api-key",
    "9f8e7d6c-5b4a-4938-8271-60f5e4d3c2b1:fx": "api-key",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODQyMSIsInIiOiJhIn0.Qm7xT2pLk9": "jwt",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow8sK2lPq9Zx7Cv5Bn3Mm1\n": "private-key",
    "postgres://app:Kanu_Blau77@db.prod.net/x": "connection-string",
    "https://x.net/?access_token=q9W8e7R6t5Y4u3": "connection-string",
    "DB_PASSWORD=Kanu!Blau77": "password",
    '"client_secret": "a9B8c7D6e5F4g3H2i1"': "api-key",
    "das Passwort lautet Kanu!Blau77": "password",
    "le mot de passe est Kanu!Blau77": "password",
    "<password>Kanu!Blau77</password>": "password",
    "mysql -u root -pKanu!Blau77 shop": "password",
    "curl -u bob:Kanu!Blau77 x.net": "password",
    "Authorization: Basic Ym9iOkthbnUhQmxhdTc3": "password",
    "machine x.net login bob password Kanu!Blau77": "password",
    "my PIN 4827 is": "password",
    "lena.ortiz@webmail.net": "email",
    "+49 151 53437436": "phone",
    "call me on 0171 2345678": "phone",
    "4539 5787 6362 1486": "card",
    "DE44 5001 0517 5407 3249 31": "iban",
    "529-83-4417": "national-id",
    "AB 12 34 56 C": "national-id",
    "Steuer-ID 86095742719": "national-id",
    "DNI 12345678Z": "national-id",
    "NIR 1 84 12 76 451 089 46": "national-id",
    "529.982.247-25": "national-id",
    "PESEL 44051401359": "national-id",
    "Aadhaar 2341 2341 2346": "national-id",
    "ABCPE1234F": "national-id",
    "RSSMRA85T10A562S": "national-id",
    "BSN 111222333": "national-id",
    "passport no. C01X00T47": "passport",
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<": "passport",
    "write to Lindenstraße 115a, 48162 Münster": "address",
    "12 Baker Street, London NW1 6XE": "address",
}

OWN = {"word", "pattern", "internal-host"}
"""Kinds that the operator's settings define."""


def test_every_kind_of_the_table_is_planted() -> None:
    assert set(PLANTED.values()) | OWN == set(KINDS)


around = st.text(string.ascii_lowercase + " \n.,", max_size=60)


@pytest.mark.parametrize("planted", PLANTED)
@settings(max_examples=8, deadline=None)
@given(before=around, after=around)
@example(before="", after="")
def test_planted_in_any_position_it_is_found(planted: str, before: str, after: str) -> None:
    assert PLANTED[planted] in kinds(f"{before}\n{planted} \n{after}")


HARMLESS = (
    "what is a bearer token and how long should an API key live?",
    "password: str = os.environ['DB_PASSWORD']",
    "DB_PASSWORD=${DB_PASSWORD}\nAPI_KEY=<your key here>\nTOKEN=changeme",
    "postgres://postgres:postgres@localhost/x and https://host:8443/path and amqp://guest@localhost//",
    "sk-... and ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN PRIVATE KEY-----\n<paste your key here>\n-----END PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC\n-----END PUBLIC KEY-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFYvCTZRPCpFGRPo5WwgGu9mUzxSd7uzxTb0 deploy@box",
    "commit 3f2a9c1d4e5b6a7980f1e2d3c4b5a69788776655",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "request id 6ff91981-c4d2-4256-beba-aa4324170b78",
    "order 4539 5787 6362 1487 got lost",
    "DE44 5001 0517 5407 3249 32 is refused",
    "DE89370400440532013000 is the sample in the manual",
    "4242 4242 4242 4242 is the test card",
    "DNI 12345678A, 000-12-3456, Steuer-ID 86095742718, 529.982.247-24",
    "mail admin@example.com or call 555-0123",
    "git@github.com:claw/console.git",
    "epoch 1764058704, build 20261124, 203.0.113.5, 12.5 GB",
    "cache key 0123456789abcdef0123, primary key customer_number_2",
    "Meera will ship it, Jonas reviews",
    "the keyboard, the turkey and the monkey: 12 each",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_private_passes(text: str) -> None:
    assert kinds(text) == set()


@given(st.integers(0, 10**15 - 1))
def test_one_of_ten_last_digits_satisfies_luhn_and_verhoeff(number: int) -> None:
    for check in (luhn, verhoeff):
        assert sum(check(f"{number}{digit}") for digit in range(10)) == 1


@given(st.integers(10**9, 10**10 - 1))
def test_one_of_ten_last_digits_satisfies_a_tax_number(number: int) -> None:
    assert sum(mod11_10(f"{number}{digit}") for digit in range(10)) == 1


@given(st.text(string.ascii_uppercase + string.digits, min_size=11, max_size=30))
def test_just_one_pair_of_check_digits_satisfies_an_account(account: str) -> None:
    assert sum(mod97(f"DE{digits:02d}{account}") for digits in range(2, 99)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "lena@münchen-post.de",
        "josé.ortíz@correo.es",
        "用户@例子.公司",
        "почта@пример-компании.рф",
        "lena@xn--mnchen-post-llb.de",
        "o'brien@webmail.net",
    ],
)
def test_an_address_in_an_international_domain_is_found(text: str) -> None:
    assert kinds(f"write to {text}, please") == {"email"}


@pytest.mark.parametrize(
    "account",
    [
        "DE44 5001 0517\n5407 3249 31",
        "DE44-5001-0517-5407-3249-31",
        "DE 44 500 105 175 407 324 931",
        "DE44.5001.0517.5407.3249.31",
    ],
)
def test_an_account_is_found_over_two_lines_and_in_any_groups(account: str) -> None:
    assert kinds(f"account: {account}, thanks") == {"iban"}


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:acme/tool.git and git clone git@gitlab.com:acme/tool",
        "a@b.com, foo@bar.com, someone@example.org, you@mail.example.de",
        "npm i left-pad@1.3.0 react@18.2.0-rc.1 @types/node@20.1",
        "uses: actions/checkout@v4.1.2",
        "QUJDREVGR0hJSktMTU5P+DE44500105175407324931+UVdFUlRZVUlPUA==",
    ],
)
def test_what_is_written_like_an_address_or_an_account_passes(text: str) -> None:
    assert kinds(text) == set()
