"""Passwords in files that programs keep them in, each in a form of its own: `.pgpass`, `.htpasswd`, `chap-secrets`, ….

Files that name each value (`password = …`) are read by the name. A hash of a password counts where a whole line is an
entry of a password file; in a question about hashes it does not.
"""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.login_forms import LoginForm, find_forms, is_argument, is_real, is_secret, names_a_login
from backends.privacy.detectors.secret_values import has_all_cases
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

PGPASS = re.compile(r"(?<!\S)[\w.*\-]{1,80}:(?:\d{4,5}|\*):[\w*\-]{1,60}:[\w.*\-]{1,60}:([^\s:]{4,100})(?!\S)")
NETRC = re.compile(r"\blogin\s{1,4}\S{1,80}\s{1,8}password\s{1,4}(\S{4,100})")
NPM = re.compile(r"\b_auth\s?=\s?\"?([A-Za-z0-9+/]{8,200}={0,2})")

HASH = r"\$(?:1|2[abxy]?|5|6|7|8|9|y|gy|apr1|sha1|md5)\$[./A-Za-z0-9$=,+\-]{16,200}"
CRYPT = re.compile(HASH)
"""What crypt(3) and its kin write."""

ENTRY = re.compile(r"[\w.@\-]{1,40}:|[ \t\-]{0,12}(?:hashed_)?passwd:\s?[\"']?|[ \t]{0,8}rootpw\s(?:--iscrypted\s)?")
REST_OF_ENTRY = re.compile(r"[\"']?(?::\S{0,60})?[ \t]*(?:\n|\Z)")
COMMAND = re.compile(r"\b(?:secret|password|encrypted-password|community|key)\s(?:\d{1,2}\s)?\"?\Z")
LONGEST = 60
"""Characters before a hash that are looked at."""

HASH_ROW = re.compile(
    r"(?i)\binsert into [\"'`\[]?\w{0,20}(?:user|account|member|login|auth|admin|customer)\w{0,20}[^\n]{0,400}?"
    rf"'({HASH}|[0-9a-f]{{32}}|[0-9a-f]{{40}}|[0-9a-f]{{64}})'"
)
DIGEST_ENTRY = re.compile(r"(?m)^[\w.@\-]{1,40}:(\{(?:S?SHA\d{0,3}|S?MD5|CRYPT)\}[A-Za-z0-9+/=]{20,120})[ \t]*$")
OLD_ENTRIES = re.compile(r"\s*(?:[a-z][\w.\-]{1,30}:[./A-Za-z0-9]{13}[ \t]*(?:\n|\Z))+\s*\Z")
OLD_ENTRY = re.compile(r":([./A-Za-z0-9]{13})")
"""Thirteen characters of DES are told from other words only where a whole text is such entries."""

LDIF = re.compile(r"(?i)\buserpassword::\s?([A-Za-z0-9+/]{8,200}={0,2})")
FIREFOX = re.compile(r"(M[A-Za-z]{2}EEPgAAAAAAAAAAAAAAAAAAAEw[A-Za-z0-9+/]{20,400}={0,2})")
"""Firefox's saved logins: the key's number and 3DES, in DER."""

CHPASSWD = re.compile(
    r"(?m)\bchpasswd:\s{1,20}(?:expire:[^\n]{0,20}\s{1,20})?list:\s?[|>]?-?\s{1,20}([^\s:]{1,40}:\S{4,100})"
)
ROOTPW = re.compile(r"(?m)^[ \t]*rootpw\s(?:--\w{1,20}\s){0,2}([^\s\-]\S{3,100})")
UNATTENDED = re.compile(r"(?i)<\w{0,20}password>\s{0,40}<value>([^<\n]{4,200})</value>")
COMMUNITY = re.compile(r"(?m)^[ \t]*r[ow]community6?\s+\"?([^\s\"#]{5,60})")
SNMP_USER = re.compile(r"(?i)\bcreateuser\s\S{1,40}\s(?:md5|sha\S{0,6})\s(\"[^\"\n]{4,80}\"|\S{6,80})")
IPSEC = re.compile(r":\s{0,4}(?:PSK|XAUTH|EAP|NTLM|PIN)\s{1,4}\"([^\"\n]{4,200})\"")
PPP = re.compile(
    r"(?m)^[ \t]*(?:\"[^\"\n]{1,60}\"|[\w.@\\\-]{1,60})[ \t]+(?:\*|x?l2tpd?|pptpd?|ppp)[ \t]+"
    r"(\"[^\"\n]{4,80}\"|[^\s\"';()]{6,80})(?:[ \t]+(?:\*|[\d./]+))?[ \t]*$"
)
HEXCHAT = re.compile(r"(?m)^N=[^\n]{1,60}\n(?:[A-Z]=[^\n]{0,120}\n){0,8}?P=([^\n]{4,60})$")
ELEMENT = re.compile(r"(?i)<pass(?:word|wd|phrase)?\s[^<>\n]{1,80}>([^<\n]{4,200})</pass")
KEY_MATERIAL = re.compile(r"(?i)\bkeyMaterial[\"']?\s?[>:=]\s?[\"']?([^\s<>\"']{8,63})")
SERVER = re.compile(r"(?<![\w.])[\w\-]{1,40}(?:\.[\w\-]{1,40}){1,4}:\d{4,5}:([^\s:}\"'/]{5,60})(?=[\s}\"']|$)")
BIND = re.compile(r"\bsecret\s\"([A-Za-z0-9+/]{16,120}={0,2})\";")

KUBERNETES = Stems("kind: secret", '"kind":"secret"', '"kind": "secret"')
KUBERNETES_DATA = re.compile(
    r"\b(?:stringData|data)[\"']?:[ \t]{0,4}\{?"
    r"((?:(?:\n[ \t]{1,40}|[\s,]{0,40}(?=[\"']))[\"']?[\w.\-]{1,80}[\"']?:[ \t]{0,4}[^\s{}]{4,4000}){1,40})"
)
KUBERNETES_ENTRY = re.compile(r":[ \t]{0,4}[\"']?([^\s\"',{}]{4,4000})")
"""Each value of a Secret is one, whatever its name."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Passwords and entries of password files."""
    yield from find_forms(window, FORMS)
    for block in KUBERNETES_DATA.finditer(window.text) if window.has_any(KUBERNETES) else ():
        entries = KUBERNETES_ENTRY.finditer(window.text, *block.span(1))
        yield from (Detection("password", *entry.span(1)) for entry in entries if is_real(entry[1]))
    if OLD_ENTRIES.match(window.text) is not None:
        found = (match for match in OLD_ENTRY.finditer(window.text) if has_all_cases(match[1]))
        yield from (Detection("password", *match.span(1)) for match in found)
    for match in CRYPT.finditer(window.text):
        if _is_entry(window.text, match):
            yield Detection("password", *match.span())


def _is_entry(text: str, match: re.Match[str]) -> bool:
    """Is the hash the password of a line in a file, or of a command?"""
    start = max(text.rfind("\n", 0, match.start()) + 1, match.start() - LONGEST)
    if ENTRY.fullmatch(text, start, match.start()) is not None:
        return REST_OF_ENTRY.match(text, match.end()) is not None
    return COMMAND.search(text, start, match.start()) is not None


def _always(value: str) -> bool:
    return True


FORMS = (
    LoginForm(PGPASS, is_secret, Stems(":5", ":6", ":*:")),
    LoginForm(NETRC, is_real, Stems("login"), 0),
    LoginForm(NPM, names_a_login, Stems("_auth"), 0),
    LoginForm(HASH_ROW, _always, Stems("insert into "), 0),
    LoginForm(DIGEST_ENTRY, _always, Stems("{sha", "{ssha", "{md5", "{smd5", "{crypt"), 41),
    LoginForm(LDIF, _always, Stems("userpassword::"), 0),
    LoginForm(FIREFOX, _always, Stems("eepgaaaaaaaaaaaaaaaaaaaew"), 3),
    LoginForm(CHPASSWD, is_real, Stems("chpasswd:"), 0),
    LoginForm(ROOTPW, is_argument, Stems("rootpw "), 12),
    LoginForm(UNATTENDED, is_real, Stems("password>"), 21),
    LoginForm(COMMUNITY, is_argument, Stems("rocommunity", "rwcommunity"), 12),
    LoginForm(SNMP_USER, is_argument, Stems("createuser "), 0),
    LoginForm(IPSEC, is_argument, Stems(": psk ", ": xauth ", ": eap ", ": ntlm ", ":psk "), 0),
    LoginForm(PPP, is_secret, Stems(" * ", "l2tp", "pptp", "\t*\t", " ppp ")),
    LoginForm(HEXCHAT, is_argument, Stems("\np=")),
    LoginForm(SERVER, is_secret, Stems("irc", "servers")),
    LoginForm(ELEMENT, is_argument, Stems("<pass"), 0),
    LoginForm(KEY_MATERIAL, is_argument, Stems("keymaterial"), 0),
    LoginForm(BIND, is_secret, Stems('secret "'), 0),
)
