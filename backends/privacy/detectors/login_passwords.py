"""Passwords in calls, headers, cookies, and beside the words of signing in."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.code_names import is_identifier
from backends.privacy.detectors.login_forms import (
    LoginForm,
    find_forms,
    is_argument,
    is_loud_value,
    is_probable,
    is_real,
    is_secret,
    names_a_login,
)
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

CALL = re.compile(
    r"(?i)\b(?:login|authenticate|auth|connect|(?:http)?basicauth|credentials?)\s?[=:]?\s?[(\[]\s?[\"'][^\"'\n]{1,60}[\"'],\s{0,2}"
    r"[\"']([^\"'\n]{4,100})[\"']"
)
SPOKEN = re.compile(
    r"(?i)\b(?:log(?:ged)?[ \-]?(?:in|on)|sign(?:ed)?[ \-]in|authenticat\w{1,5}|anmeld\w{1,4}|einloggen)\b[^\n]{0,80}?"
    r"\b(?:with|using|mit|by)\s([^\s\"',;]{8,100})"
)
PAIR = re.compile(
    r"(?i)\b(?:creds?|credentials?|logins?|user(?:name)? ?/ ?pass(?:word)?|zugangsdaten|zugang|anmeldung|identifiants?|"
    r"credenciales|credenciais|credenziali|inloggegevens|dane logowania|accès|acceso|access|account)\b[^\n]{0,40}?"
    r"[\s\"'`][\w.@\-]{2,40}\s{0,2}(?:/{1,2}|:|\||,| and | und | et | y )\s{0,2}[\"'`]?"
    r"(?=\S{0,60}\d)(?-i:(?=\S{0,60}[A-Z!@#$%^&*_.\-]))([^\s\"'`,;/]{8,100})"
)
CONNECT = re.compile(
    r"(?i)\b(?:get|create|open)?connect(?:ion|ionpool)?\(\s?(?:[^()\n,]{1,60},\s?){1,3}[\"'][\w.@\\\-]{1,40}[\"'],\s{0,2}"
    r"[\"']([^\"'\n]{4,100})[\"']"
)
ADJACENT = re.compile(
    r"(?i)\b(?:creds?|credentials?|logins?|basic auth|user ?/ ?pass(?:word)?|id ?/ ?p(?:w|ass\w{0,4})|zugangsdaten|"
    r"identifiants?|credenciales|credenciais|credenziali|inloggegevens|access)\s?[:=]?[ \t]{1,2}[\"'`]?[\w.@\-]{2,40}"
    r"\s{0,2}(?:/|:|,|\|)\s{0,2}([^\s\"'`,;/]{6,100})"
)
SHORT = re.compile(r"(?i)(?<![^\s(\[])u(?:ser\s?)?[:=]\s?[^\s,;]{1,40}[\s,;/]{1,3}p(?:w|ass)?\s?[:=]\s?([^\s,;]{5,80})")
AT_HOST = re.compile(
    r"(?<![\w/:.\-])[A-Za-z][\w.\-]{1,23}:([^\s:@/\"'`,;]{6,40})@(?!sha\d)[a-z0-9\-]{1,60}\.[a-z0-9.\-]{1,80}"
)
PRODUCT = re.compile(r"[A-Z][a-z]+\d{1,4}")
"""One signs in with Office365."""

PIN = re.compile(r"\bPIN:? {0,2}(\d{4,6})\b")
BASIC = re.compile(r"(?i)(?:\bbasic |\"?\bauth\"?\s{0,2}[:=]?\s{0,2}\")([A-Za-z0-9+/]{8,200}={0,2})")
WIFI = re.compile(r"\bWIFI:[^\n]{0,80}?\bP:([^;\n]{6,80});")
COOKIE = re.compile(
    r"(?i)\bcookie\b[^\n]{0,400}?[\s;\"'][\w.\-]{0,20}(?:sess|sid|auth|token|jwt|remember)[\w.\-]{0,16}="
    r"([^\s;,\"']{16,400})"
)


def find(window: TextWindow) -> Iterator[Detection]:
    """Passwords that a call, a header or a pair of user and password reveals."""
    return find_forms(window, FORMS)


def _is_called(value: str) -> bool:
    """An argument that names nothing in a program."""
    return is_real(value) and value[:1] not in "-_" and " " not in value and not is_identifier(value)


def _is_told(value: str) -> bool:
    """More likely a password than a machine's name."""
    bare = value.strip("\"'").rstrip(".,;:)]}\\")
    return is_secret(bare) and is_probable(bare) and any(map(str.isalpha, bare))


def _is_spoken(value: str) -> bool:
    return _is_told(value) and PRODUCT.fullmatch(value.rstrip(".:!?)")) is None


PAIR_STEMS = Stems("cred", "login", "user", "zugang", "anmeld", "identif", "inlog", "logow", "acc")

ADJACENT_STEMS = Stems(
    *("cred", "login", "basic auth", "user/", "user /", "id/p", "id / p", "zugangsdaten", "identifiant", "inloggeg"),
    "access",
)

FORMS = (
    LoginForm(SPOKEN, _is_spoken, Stems("log", "sign", "authent", "anmeld"), 3),
    LoginForm(CALL, _is_called, Stems("login", "auth", "connect", "credential"), 9),
    LoginForm(PAIR, is_loud_value, PAIR_STEMS, 5),
    LoginForm(CONNECT, _is_told, Stems("connect"), 6),
    LoginForm(ADJACENT, _is_told, ADJACENT_STEMS, 0),
    LoginForm(SHORT, is_argument, Stems("u:", "u=", "user"), 0),
    LoginForm(AT_HOST, _is_told, Stems("@"), 66),
    LoginForm(PIN, is_real, Stems("pin"), 0),
    LoginForm(BASIC, names_a_login, Stems("basic ", "auth"), 1),
    LoginForm(WIFI, is_real, Stems("wifi:"), 0),
    LoginForm(COOKIE, is_secret, Stems("cookie"), 0),
)
