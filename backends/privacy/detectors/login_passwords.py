"""Passwords on command lines, in calls, headers, cookies and login files."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from backends.privacy.detection import Detection, word_set
from backends.privacy.detectors.code_names import is_expression, is_identifier, is_reference
from backends.privacy.detectors.secret_values import is_code, is_loud, is_placeholder, is_random
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

ARGUMENT = r"(?:'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s\"'`,;<>]{4,300})"

FLAG = re.compile(
    r"(?:(?<!\S)--?(?:pw|pass|password|passwd|secret|token|api-?key|authkey|access-token|auth-token|"
    r"(?:src|dest|new)?(?:store|key)pass)[ =]|"
    r"\brequirepass |\bmasterauth |\bIDENTIFIED BY |\bPASSWORD |\bpassword (?:\d )?|\bsshpass -p ?|\bAUTH |"
    r"(?<!\S)-u ['\"]?[\w.@\-]{1,40}[:,]|(?<!\S)--user[= ]['\"]?[\w.@\-]{1,40}:|\b_authToken=|\b[Bb]earer |"
    r"(?<!\S)/p:|\bpasswd -\d (?:-\w+ )?)"
    rf"({ARGUMENT})"
)
P_FLAG = re.compile(rf"(?<!\S)--?[pP][ =]({ARGUMENT})")
TOOL = re.compile(
    r"(?i)\b(?:mysql|mysqldump|mariadb|mysqladmin|mariadb-dump)\b[^\n]{0,80}?\s-p['\"]?([^\s\"'`$][^\s\"'`]{3,100})|"
    r"\bopenssl\b[^\n]{0,120}?\s-(?:k|pass|passin|passout)\s(?:pass:)?([^\s\"'`$\-][^\s\"'`$]{3,100})|"
    r"\bldap\w{3,8}\b[^\n]{0,120}?\s-w ['\"]?([^\s\"'`$][^\s\"'`]{3,100})|"
    r"\bredis-cli\b[^\n]{0,80}?\s-a ['\"]?([^\s\"'`$][^\s\"'`]{5,100})|"
    r"\b(?:7z|7za|zip|unzip|rar|unrar)\b[^\n]{0,80}?\s-[pP] ?['\"]?([^\s\"'`$][^\s\"'`]{3,100})|"
    r"\b(?:smbclient|net rpc|rpcclient|smbget)\b[^\n]{0,80}?\s-U ['\"]?[\w.\\@\-]{1,40}%([^\s\"'`$][^\s\"'`]{3,100})|"
    rf"\b(?:rclone obscure|hash-password --plaintext|mkpasswd(?: -\S+)*)\s({ARGUMENT})|"
    r"(?<!\S)-t ['\"]?([A-Za-z0-9_\-+/]{40,100}={0,2})(?!\S)|"
    rf"\bhtpasswd\s-\w*b\w*\s\S{{1,80}}\s\S{{1,60}}\s({ARGUMENT})|\bnet user\s\S{{1,60}}\s({ARGUMENT})|"
    rf"\bnet use\b[^\n]{{0,120}}?/user:\S{{1,60}}\s({ARGUMENT})"
)
COMMUNITY = re.compile(r"(?i)\bcommunity ([^\s\"']{6,60})(?: ro| rw|\s*$)")
PIPED = re.compile(
    rf"\b(?:echo|printf)\s(?:-n\s)?({ARGUMENT})\s?\|\s?(?:sudo\s-\w*S|docker login|podman login|helm registry|kinit|"
    r"passwd|su\b|gpg|cryptsetup|sshpass|ansible-vault|az login|gh auth)|"
    r"\bchpasswd\s?<<<\s?['\"]?[\w.\-]{1,40}:([^\s\"']{4,100})|"
    r"\b(?:echo|printf)\s['\"]?[\w.\-]{1,40}:([^\s\"']{4,100})['\"]?\s?\|\s?(?:sudo )?chpasswd"
)
CALL = re.compile(
    r"(?i)\b(?:login|authenticate|auth|connect|basicauth|credentials?)\s?[=:]?\s?[(\[]\s?[\"'][^\"'\n]{1,60}[\"'],\s{0,2}"
    r"[\"']([^\"'\n]{4,100})[\"']"
)
PGPASS = re.compile(r"(?<!\S)[\w.*\-]{1,80}:(?:\d{4,5}|\*):[\w*\-]{1,60}:[\w.*\-]{1,60}:([^\s:]{4,100})(?!\S)")
NETRC = re.compile(r"\blogin\s{1,4}\S{1,80}\s{1,8}password\s{1,4}(\S{4,100})")
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
CODES = re.compile(
    r"(?i)\b(?:backup|recovery|rescue|scratch|wiederherstellungs|secours|respaldo)[ \-]?(?:codes?|schlüssel|keys?)\b"
    r"[^\n]{0,40}?((?:\b[a-z0-9]{4,5}-[a-z0-9]{4,6}\b[\s,;]{0,3}|\b\d{8}\b[\s,;]{0,3}){2,20})"
)
BITLOCKER = re.compile(r"(?<!\d)\d{6}(?:-\d{6}){7}(?!\d)")
SEED = re.compile(
    r"(?i)\b(?:seed|mnemonic|recovery phrase|secret phrase|wallet phrase|wiederherstellungsphrase)\b[^\n]{0,40}?\s"
    r"((?-i:[a-z]{3,8}\s){11}(?-i:[a-z]{3,8}\b)(?: (?-i:[a-z]{3,8}\b)){0,12})"
)
PROSE = word_set("the and for are but not from into onto per via was has had its how")
"""Words that are in no list of seed words."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Passwords that a command, a call or a file format reveals."""
    for form in FORMS:
        if not window.has_any(form.stems):
            continue
        for start, end in form.stretches(window):
            for match in form.pattern.finditer(window.text, start, end):
                group = match.lastindex or 0
                if form.judged(match[group]):
                    yield Detection("password", match.start(group), match.end(group))
    for start, end in window.number_stretches:
        for match in BITLOCKER.finditer(window.text, start, end):
            yield Detection("password", *match.span())


PORTS = re.compile(r"[\d.,:\-]+(?:/(?:tcp|udp))?")


def _is_secret(value: str) -> bool:
    bare = value.strip("\"'").rstrip(".,;:)]}\\")
    if len(bare) < 6 or not is_random(bare) or is_placeholder(bare):
        return False
    return not (is_code(bare) or is_reference(bare) or is_identifier(bare) or is_expression(bare))


def _is_behind_p(value: str) -> bool:
    """Many commands take something else behind `-p`: ports, or a prompt of several words."""
    bare = value.strip("\"'")
    if PORTS.fullmatch(bare) is not None or (" " in bare and not any(map(str.isdigit, bare))):
        return False
    return _is_secret(value)


def _is_spoken(value: str) -> bool:
    bare = value.strip("\"'").rstrip(".,;:)]}\\")
    return is_loud(bare) and not is_placeholder(bare)


def _is_real(value: str) -> bool:
    return not is_placeholder(value.strip("\"'"))


def _is_tools(value: str) -> bool:
    """A value where a command takes a password: it may be short, but is no flag, path or variable."""
    bare = value.strip("\"'")
    return not is_placeholder(bare) and bare[:1] not in "-/$<" and any(not sign.isalpha() for sign in bare)


def _always(value: str) -> bool:
    return True


def _is_seed(value: str) -> bool:
    said = value.split()
    return len(set(said)) >= 8 and not PROSE.intersection(said)


def _names_a_login(encoded: str) -> bool:
    """Does Basic authentication's text decode to `user:password`?"""
    try:
        login = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    user, colon, password = login.partition(":")
    return bool(colon) and user.isprintable() and password.isprintable() and not is_placeholder(password)


class LoginForm(NamedTuple):
    """`stems`: every text with the form has one. `reach`: characters before such a stem, and behind its beginning,
    within which each match lies; None where a stem may stand anywhere.
    """

    pattern: re.Pattern[str]
    judged: Callable[[str], bool]
    stems: Stems
    reach: tuple[int, int] | None = None

    def stretches(self, window: TextWindow) -> list[tuple[int, int]]:
        """Where to search: most of a text lies around no stem."""
        if self.reach is None:
            return [(0, len(window.text))]
        return window.around(self.stems, *self.reach)


FLAG_STEMS = Stems(
    *("-p", "-secret", "-token", "-api", "-auth", "-access", "storepass", "keypass", "sshpass", "masterauth"),
    *("_authtoken", "--user", "/p:", "requirepass ", "identified by ", "password ", "passwd -", "auth "),
    *("-u ", "bearer "),
)
TOOL_STEMS = Stems(
    *("mysql", "mariadb", "openssl", "ldap", "redis-cli", "htpasswd", "net use", "net user", "zip", "7z"),
    *("rar", "smb", "rpc", "obscure", "hash-p", "mkpass", "-t "),
)
PAIR_STEMS = Stems("cred", "login", "user", "zugang", "anmeld", "identif", "inlog", "logow", "acc")

FORMS = (
    LoginForm(FLAG, _is_secret, FLAG_STEMS, (24, 480)),
    LoginForm(P_FLAG, _is_behind_p, Stems("-p"), (2, 320)),
    LoginForm(SPOKEN, _is_spoken, Stems("log", "sign", "authent", "anmeld"), (6, 260)),
    LoginForm(CALL, _is_real, Stems("login", "auth", "connect", "credential"), (8, 260)),
    LoginForm(TOOL, _is_tools, TOOL_STEMS, (16, 560)),
    LoginForm(COMMUNITY, _is_tools, Stems("snmp-")),
    LoginForm(PIPED, _is_real, Stems("echo ", "printf ", "chpasswd")),
    LoginForm(PGPASS, _is_secret, Stems(":5", ":6", ":*:")),
    LoginForm(NETRC, _is_real, Stems("login")),
    LoginForm(PAIR, _is_spoken, PAIR_STEMS, (8, 320)),
    LoginForm(PIN, _is_real, Stems("pin"), (1, 16)),
    LoginForm(BASIC, _names_a_login, Stems("basic ", "auth"), (2, 260)),
    LoginForm(WIFI, _is_real, Stems("wifi:")),
    LoginForm(COOKIE, _is_secret, Stems("cookie")),
    LoginForm(CODES, _always, Stems("backup", "recovery", "rescue", "scratch", "wiederh", "secours", "respaldo")),
    LoginForm(SEED, _is_seed, Stems("seed", "mnemonic", " phrase", "phrase")),
)
