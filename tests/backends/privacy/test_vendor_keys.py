"""Every row of the table of vendors' keys is found in every syntax; what looks like a key and is none is not."""

import random
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.privacy.detectors import api_keys, named_secrets, private_keys
from backends.privacy.detectors.vendor_keys import COMMON_NAMES, FIELD, TABLE, VENDOR_NAMES, VendorRow, form
from backends.privacy.text_window import TextWindow

ALPHABETS = {
    "d": string.digits,
    "h": string.digits + "abcdef",
    "H": string.digits + "abcdefABCDEF",
    "l": string.digits + string.ascii_lowercase,
    "u": string.digits + string.ascii_uppercase,
    **dict.fromkeys("awyxb", string.digits + string.ascii_letters),
}

FRAMES = (
    "{}",
    "KEY={}",
    'export THE_KEY="{}"',
    "key: {}",
    '{{"key": "{}"}}',
    "const key = '{}';",
    "curl -H 'Authorization: Bearer {}' https://x.net/v1",
    "run --token {} --verbose",
    "| prod | {} |",
    "<value>{}</value>",
    "it fails with {}, why?",
    "2026-01-02 10:00:01 INFO sent {} to the server",
)

NAMED = (
    "{name}_API_KEY={value}",
    'export {name}_TOKEN="{value}"',
    "{name}.secret = {value}",
    '"{name}Secret": "{value}"',
    "{name}: {value}",
    "{name} token: {value}",
    "[{name}]\napi_key = {value}",
    "// {name}\nconst apiKey = '{value}'",
    "my {name} access token is {value}, it stopped working",
    "curl 'https://api.{name}.com/v1?api_key={value}'",
    "curl -u {value}: https://api.{name}.com # {name} secret key",
    '<add key="{name}ApiKey" value="{value}"/>',
    "INSERT INTO settings VALUES ('{name}_token', '{value}');",
    "| {name} key | {value} |",
    "{name}-secret-{value}",
    "DEBUG {name}: Using Key={value}",
)


def filled(template: str, dice: random.Random) -> str:
    """A key of this form, with a digit in its longest part, as nearly all have."""
    while not any(map(str.isdigit, max(re.split("[:@]", key := drawn(template, dice)), key=len))):
        pass
    return key


def drawn(template: str, dice: random.Random) -> str:
    def field(match: re.Match[str]) -> str:
        if match[1] == "g":
            return "-".join("".join(dice.choices("0123456789abcdef", k=size)) for size in (8, 4, 4, 4, 12))
        least = int(match[2] or 1)
        return "".join(dice.choices(ALPHABETS[match[1]], k=dice.randint(least, int(match[3] or least))))

    return FIELD.sub(field, template)


def found(text: str) -> list[str]:
    return [text[each.start : each.end] for each in api_keys.find(TextWindow(text))]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.vendor)
def test_keys_of_each_row_are_found_in_each_syntax(row: VendorRow) -> None:
    dice = random.Random(row.vendor)
    for template in row.forms:
        for frame in FRAMES:
            key = filled(template, dice)
            whole = form(row.vendor, template).pattern.search(key)
            assert whole is not None, template
            assert any(each in key and len(each) >= len(key) * 0.8 for each in found(frame.format(key))), (frame, key)


def test_each_row_names_its_source() -> None:
    assert all("." in row.source for row in TABLE)
    assert len({row.vendor for row in TABLE}) == len(TABLE) >= 200


def test_no_name_is_in_both_lists() -> None:
    assert not VENDOR_NAMES & COMMON_NAMES
    assert all(re.fullmatch("[a-z0-9]{2,40}", name) for name in VENDOR_NAMES | COMMON_NAMES)
    assert len(VENDOR_NAMES) > 1_500


values = st.integers(0, 2**32).map(
    lambda seed: "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=20 + seed % 30))
)


@pytest.mark.parametrize("frame", NAMED)
@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(sorted(VENDOR_NAMES)), value=values)
def test_a_random_value_beside_a_vendors_name_is_found(frame: str, name: str, value: str) -> None:
    assert any(value in each for each in found(frame.format(name=name, value=value)))


@settings(max_examples=60, deadline=None)
@given(value=st.from_regex(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", fullmatch=True))
def test_a_hash_beside_its_own_name_is_not(value: str) -> None:
    for frame in ("commit {}", "sha256:{}", '"integrity": "{}"', "ETag: {}", "md5sum {}  notes.txt", "image@sha256:{}"):
        assert found(frame.format(value)) == []


@settings(max_examples=60, deadline=None)
@given(value=st.uuids())
def test_a_uuid_is_found_beside_a_keys_name_only(value: object) -> None:
    for frame in ("request id {}", '"id": "{}"', "trace_id={}", "{}", "job {} failed", "https://x.net/items/{}"):
        assert found(frame.format(value)) == []
    assert found(f"zenscrape_key = {value}") == [str(value)]


HARMLESS = (
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and sk-your-api-key-goes-here-please",
    "API_KEY=<your key> SECRET_TOKEN=${SECRET_TOKEN} token: changeme",
    "hf_generatedByHomeAppForDebuggingPurposesKey in the header",
    "x = client.get_secret_value(SecretId=self.secret_name_for_stage2)",
    "const accessTokenExpiresInSeconds2 = refreshAccessTokenFromStorage3",
    "token = os.environ['OPENAI_API_KEY_V2_STAGING']",
    "key: node_modules/@babel/plugin-transform-es2015/lib/index.js",
    "secret path /var/lib/kubelet/pods/volumes/kubernetes.io~secret/default-token-mount2",
    "the key of deepseek-v3.1-terminus and of claude-3-5-sonnet-20241022 in the price table",
    "PublicKeyToken=b77a5c561934e089",
    "next_page_token=2YDxgXfTLt1viFEykl5jZWeHiEyGoNBiJsOe3K",
    "drwxr-xr-x 2 root root 4096 Dec  1 03:19 token_cache_v2_backup",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_key_is_not(text: str) -> None:
    assert found(text) == []


HEADLESS = {
    "RSA": "MIIEpAIBAAKCAQEA",
    "RSA, PKCS 8": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    "EC": "MHcCAQEEI",
    "Ed25519": "MC4CAQAwBQYDK2VwBCIEI",
    "encrypted": "MIIFHDBOBgkqhkiG9w0BBQ0wQTAp",
    "OpenSSH": "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE",
    "OpenPGP": "lQPGBGVyd2UBCADK",
}
"""How the bodies of private keys begin."""


@pytest.mark.parametrize("kind", HEADLESS)
def test_a_private_key_is_found_without_its_first_line(kind: str) -> None:
    dice = random.Random(kind)
    body = HEADLESS[kind] + "".join(dice.choices(string.ascii_letters + string.digits, k=600)) + "0=="
    for width, joint in ((64, "\n"), (70, "\r\n"), (76, "\n    "), (64, "\\n")):
        lines = joint.join(body[at : at + width] for at in range(0, len(body), width))
        (found_at,) = private_keys.find(TextWindow(f"here it is:\n{lines}\nthanks"))
        assert found_at.end - found_at.start >= len(lines) - 1


def test_a_certificate_and_a_public_key_are_not() -> None:
    for begins in (
        "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUF",
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
        "mQENBFOrMNcBCAC+gLI4",
    ):
        assert list(private_keys.find(TextWindow(begins + "A1b2C3d4" * 40))) == []


SIGNED = (
    "SECRET_KEY = 'django-insecure-7^k!2v$x9(q_w)m#3z&b+p0r*t5y@u'",
    'jwt_secret: "9;Tk?4wQ!z_7mL@x2"',
    '"clientSecret": "f3~Q!8x.Lw#2p"',
    'token = "aB3dE9fZ"',
)


@pytest.mark.parametrize("text", SIGNED)
def test_a_secret_with_signs_or_few_letters_is_found(text: str) -> None:
    assert list(named_secrets.find(TextWindow(text)))


@pytest.mark.parametrize(
    "text",
    [
        "const UNEXPECTED_TOKEN = /^Unexpected token 2/",
        "secret = get_secret('db', 2)",
        "token = f'{prefix}!{name2}'",
        "the key: don't press & hold for 2s!",
    ],
)
def test_code_beside_a_secrets_name_is_not(text: str) -> None:
    assert list(named_secrets.find(TextWindow(text))) == []


TONGUES = (
    "der API-Schlüssel lautet {}",
    "clé d'API : {}",
    "mi clave secreta es {}",
    "chave de API: {}",
    "la chiave API è {}",
    "секретный ключ: {}",
    "我的密钥是{}",
    "APIキーは{}です",
    "API 키는 {} 입니다",
    "مفتاح API: {}",
    "מפתח API: {}",
    "kunci API: {}",
    "khóa API: {}",
    "klucz API: {}",
    "API klíč: {}",
    "API kulcs: {}",
    "API-avain: {}",
    "API-nyckel: {}",
    "API-sleutel: {}",
    "API anahtarı: {}",
    "κλειδί API: {}",
    "API कुंजी: {}",
)


@pytest.mark.parametrize("frame", TONGUES)
@settings(max_examples=10, deadline=None)
@given(value=values)
def test_a_key_is_found_beside_its_name_in_many_languages(frame: str, value: str) -> None:
    assert found(frame.format(value)) == [value]


FOR_EVERYBODY = (
    "uses: acme/checkout@11bd71901bbe5b1630ceea73d27597364c9af683",
    "github.com/acme/mux v1.8.1 h1:TuBL49tXwgrFYWhqrNgrUNEY92u81SPhu7sTdzQEiWY=",
    "the key begins with sk-proj-a8Kd92mXq0Zp4Lw7Rt5Yv...",
    'const KEY_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"',
    "password: ENC[AES256_GCM,data:3PUEPbs1suN3wJl0NuFq,iv:0Fv7Xkp4gmt2bSbfVzIpghS2Qo,type:str]",
    "https://cdn.x.net/assets/ico-7a388b69018576d24b59331fd60aab0c.png",
    "pk_live_prxQxsWJ14B3JNPzbmekStFa and cus_YbzAA8K3zzrNYS",
)


@pytest.mark.parametrize("text", FOR_EVERYBODY)
def test_what_is_for_everybodys_eyes_is_not(text: str) -> None:
    assert found(text) == []
