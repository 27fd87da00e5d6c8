"""Passwords in calls, headers, cookies, and beside the words of signing in."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.login_forms import (
    LoginForm,
    find_forms,
    is_loud_value,
    is_real,
    is_secret,
    names_a_login,
)
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

CALL = re.compile(
    r"(?i)\b(?:login|authenticate|auth|connect|basicauth|credentials?)\s?[=:]?\s?[(\[]\s?[\"'][^\"'\n]{1,60}[\"'],\s{0,2}"
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


PAIR_STEMS = Stems("cred", "login", "user", "zugang", "anmeld", "identif", "inlog", "logow", "acc")

FORMS = (
    LoginForm(SPOKEN, is_loud_value, Stems("log", "sign", "authent", "anmeld"), 3),
    LoginForm(CALL, is_real, Stems("login", "auth", "connect", "credential"), 5),
    LoginForm(PAIR, is_loud_value, PAIR_STEMS, 5),
    LoginForm(PIN, is_real, Stems("pin"), 0),
    LoginForm(BASIC, names_a_login, Stems("basic ", "auth"), 1),
    LoginForm(WIFI, is_real, Stems("wifi:"), 0),
    LoginForm(COOKIE, is_secret, Stems("cookie"), 0),
)
