"""Passwords on command lines, in shells' histories, scripts and consoles."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.login_forms import ARGUMENT, LoginForm, find_forms, is_argument, is_real, is_secret
from backends.privacy.detectors.secret_values import LOUD
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

FLAG = re.compile(
    r"(?:(?<!\S)--?(?:pw|pass|password|passwd|secret|token|api-?key|authkey|access-token|auth-token|"
    r"(?:src|dest|new)?(?:store|key)pass)[ =]|"
    r"\brequirepass |\bmasterauth |\bIDENTIFIED BY |\bPASSWORD |\bpassword (?:\d )?|\bsshpass -p ?|\bAUTH |"
    r"(?<!\S)-u\s{1,3}['\"]?[\w.@\-]{0,40}[:,]|(?<!\S)--user(?:=|\s{1,3})['\"]?[\w.@\-]{0,40}:|"
    r"(?<!\S)-a ['\"]?[\w.@\-]{1,40}:|"
    r"\b_authToken=|\b[Bb]earer |"
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
    rf"\bConvertTo-SecureString\s(?:-String\s)?({ARGUMENT})|\brunas\b[^\n]{{0,60}}?/user:\S{{1,60}}\s({ARGUMENT})|"
    rf"\bsnmp\w{{2,10}}\b[^\n]{{0,160}}?\s-[AX]\s({ARGUMENT})|"
    rf"\bnet use\b[^\n]{{0,120}}?/user:\S{{1,60}}\s({ARGUMENT})"
)
COMMUNITY = re.compile(r"(?i)\bcommunity ([^\s\"']{6,60})(?: ro| rw|\s*$)")
PIPED = re.compile(
    rf"\b(?:echo|printf)\s(?:-n\s)?({ARGUMENT})\s?\|\s?(?:sudo\s-\w*S|docker login|podman login|helm registry|kinit|"
    r"passwd|su\b|gpg|cryptsetup|sshpass|ansible-vault|az login|gh auth)|"
    r"\bchpasswd\s?<<<\s?['\"]?[\w.\-]{1,40}:([^\s\"']{4,100})|"
    r"\b(?:echo|printf)\s['\"]?[\w.\-]{1,40}:([^\s\"']{4,100})['\"]?\s?\|\s?(?:sudo )?chpasswd"
)
HERE = re.compile(
    r"\b(?:kinit|passwd|smbpasswd|cryptsetup|gpg|su|sudo|vault|docker login|htpasswd|chpasswd)\b[^\n]{0,80}?<<<\s?"
    rf"({ARGUMENT})"
)
CHAT = re.compile(
    r"(?i)(?:\b(?:nickserv|chanserv|ns)\s{1,3}:?(?:identify|ghost|register)\s(?:[\w\[\]|-]{1,20}\s(?=\S{5}))?|/oper\s\S{1,30}\s)"
    r"([^\s\"'`]{5,80})"
)
SQL = re.compile(
    r"(?i)(?:\bpassword\s?=\s?N|\bpragma\s(?:\w{1,20}\.)?(?:re)?key\s?=\s?|\battach\b[^\n]{1,160}\skey\s)['\"]([^'\"\n]{4,100})"
)
REDIS_USER = re.compile(r"(?i)\b(?:user|setuser)\s\S{1,40}\s[^\n>]{0,60}?(?<=\s)>([^\s\"'`]{4,100})")

MOST_BLANKS = 3
PATH = re.compile(r"[a-z][a-z_.]*(?:/[a-z0-9_.\-]+)+/?|[a-z][a-z0-9_\-]*\.[a-z]{1,4}")
"""What `mkdir -p` makes and `cp -p` copies, in small letters."""

PORTS = re.compile(r"[\d.,:\-]+(?:/(?:tcp|udp))?")


def find(window: TextWindow) -> Iterator[Detection]:
    """Passwords that a command reveals."""
    return find_forms(window, FORMS)


def _is_behind_p(value: str) -> bool:
    """Many commands take something else behind `-p`: ports, a path, a prompt, the synopsis of another flag."""
    bare = value.strip("\"'")
    if bare.count(" ") > MOST_BLANKS or bare[:1] == "[" or PORTS.fullmatch(bare) or PATH.fullmatch(bare):
        return False
    return any(sign.isdigit() or sign in LOUD for sign in bare) and is_secret(value)


FLAG_STEMS = Stems(
    *("-p", "-secret", "-token", "-api", "-auth", "-access", "storepass", "keypass", "sshpass", "masterauth"),
    *("_authtoken", "--user", "/p:", "requirepass ", "identified by ", "password ", "passwd -", "auth "),
    *("-u ", "bearer ", "-a "),
)
TOOL_STEMS = Stems(
    *("mysql", "mariadb", "openssl", "ldap", "redis-cli", "htpasswd", "net use", "net user", "zip", "7z"),
    *("rar", "smb", "rpc", "obscure", "hash-p", "mkpass", "-t "),
    *("securestring", "runas ", "snmpwalk", "snmpget", "snmpset", "snmpbulk"),
)

FORMS = (
    LoginForm(FLAG, is_secret, FLAG_STEMS, 8),
    LoginForm(P_FLAG, _is_behind_p, Stems("-p"), 1),
    LoginForm(TOOL, is_argument, TOOL_STEMS, 10),
    LoginForm(COMMUNITY, is_argument, Stems("snmp-")),
    LoginForm(PIPED, is_real, Stems("echo ", "printf ", "chpasswd")),
    LoginForm(HERE, is_real, Stems(" <<<"), 96),
    LoginForm(CHAT, is_argument, Stems("serv ", "ns identify", "/oper "), 5),
    LoginForm(SQL, is_real, Stems("password", "pragma ", "attach "), 0),
    LoginForm(REDIS_USER, is_argument, Stems(" >")),
)
