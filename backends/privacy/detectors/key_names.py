"""What the words around a value say of it: does a key's name stand there, a vendor's, or that of something harmless?

A name stands before its value in every syntax of settings, code, shells, headers, URLs and tables, or as a heading in
the line above, or behind it ("… as API_KEY", "# Stripe's key").
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from backends.privacy.detection import word_set
from backends.privacy.detectors.vendor_keys import COMMON_NAMES, VENDOR_NAMES

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
"""Words as code joins them: `awsSecretKey`, `DB_TOKEN`, `dailyKEY`."""

TOKEN = re.compile(r"[^\W_]+")
"""The same between signs only: `qUboLE`, `OpenAI`."""

KEYS = word_set(
    """secret secrets token tokens apikey apitoken apisecret accesskey accesstoken secretkey secretaccesskey privatekey
    authkey authtoken authorization bearer credential credentials clientsecret appsecret appkey masterkey signingkey
    encryptionkey licensekey accountkey sharedkey servicekey webhooksecret passwd password passphrase pwd dsn psk
    sessionkey deploykey streamkey
    consumersecret consumerkey sharedaccesskey integrationkey routingkey writekey readkey adminkey rootkey
    schlüssel geheimnis zugangsschlüssel geheim sleutel geheime nyckel hemlighet nøkkel nøgle hemmelighed klucz sekret
    clé clef secrète jeton clave secreto secreta ficha chave segredo token chiave segreto gettone ключ токен секрет
    пароль avain salaisuus cheia kulcs titok klíč tajný heslo cheie jetonul anahtar gizli κλειδί μυστικό khóa kunci
    rahasia סוד"""
)
"""Names of keys that need no other word beside them."""

WEAK = word_set("key keys access private sid pat auth sas signature sig hmac license licence login webhook oauth jwt")
"""Words of keys' names that mean other things as often."""

HARMLESS = word_set(
    """id ids uuid guid name names path file files filename url uri href host hostname domain hash hashes sha sha1
    sha256 sha512 md5 digest digests checksum checksums sum commit commits rev revision ref refs branch tag blob
    tree parent etag integrity version versions date time timestamp created updated trace span request
    correlation cursor page continuation nonce fingerprint thumbprint serial kid arn image layer container model
    color colour css class selector width height audience aud issuer iss cert certificate cacert ca pubkey
    public publickey encrypted cipher ciphertext sealed hashed salt iv length size count limit type ttl expiry
    expires max min port index row line col region zone bucket label title description email username author
    address phone keyid tokenid keyname secretname keyvault scope scopes verification enc gcm doc docs document
    drive folder sheet spreadsheet video playlist channel guild invoice customer order ticket issue job run
    batch message thread conversation response event transaction tx txn block contract flag algorithm alg
    encoding format checksum crc crc32 build release snapshot package resolved tarball module node object
    digestvalue tokenizer keyword keywords chars charset alphabet characters"""
)
"""Names of values that are no secrets, however random they look."""

HARMLESS_BEFORE = word_set(
    """public pub cache primary foreign partition sort row object site host ssh registry idempotency dictionary map
    composite natural surrogate page next continuation cursor trace vapid publishable dedupe group hash range lookup
    translation message i18n query csrf xsrf authenticity verification tracking bucket property entry x recaptcha
    encrypted hashed sealed miss hit evict evicted"""
)
"""Before "key" or "token" they make it the name of something harmless."""

QUALIFIERS = word_set(
    """api access admin service app application account secret signing encryption decryption master write read ingest
    ingestion integration routing licence license subscription server deploy webhook auth private session shared
    hmac aes root unseal client user org team project bot storage recovery setup wallet preshared consumer
    developer sdk rest live test prod personal refresh bearer oauth function event hub admin"""
)
"""Before a bare "key" they make it a secret's name."""

NO_SECRET = re.compile(r"public|encrypted|hashed|sealed|cipher|page|cache|csrf|xsrf")
UNSPACED = re.compile(
    r"密[钥鑰]|秘[钥鑰]|令牌|キー|トークン|シークレット|키(?:[는가를은이]|\b)|토큰|비밀|कुंजी|टोकन|مفتاح|رمز|מפתח|אסימון|กุญแจ|โทเค็น"
)
"""Names of keys in scripts whose words no blank or letter parts."""

PUBLIC = word_set("public publishable pub")

ENDS = re.compile(r"(?:secret|token|api_?key|accesskey|privatekey|secretkey|authkey|password|passwd|credentials?)s?\Z")
KEY_WORD = re.compile(r"secret|private|access|token|key|api|auth")
MOST_JOINED, LEAST_JOINED = 3, 4
"""Words that a vendor's name is written in, and letters of a name that is a part of a word (`awsSecretKey`)."""

REACH = 160
"""Characters before a value in which its names may stand, and the heading above it."""

NEAREST, LONGEST = 100, 60
"""Characters before a value in which the name right before it stands, and of such a name."""

CUT = re.compile(r"(?:[=:：,;(){}\[\]<>\"`|&?!\\]|'(?!\w)|(?<!\w)')+")
NEUTRAL = word_set(
    """value val string str text data default content is was the to as set header equals export const which called below
    here will be this new following are my our that now looks like"""
)
"""Words that may stand between a name and its value."""

BEHIND = re.compile(r"[\"'`)\]};,]{0,3}[ \t]{0,4}(?:#|//|--|/\*|<!--|<-|←|\(|\||as |is |= )[^\n]{2,40}")
ALONE = re.compile(r"[^\w\n]{0,8}(?:\n|\Z)")
HINT, BARE, FULL = 1, 2, 3
"""How much a name says: see Names."""

LOGIN = re.compile(r"(?:(?<!\S)-u|--user)[ =][\"']?(?:[\w.@\-]{1,120}:)?\Z")
"""curl's user and password, of which either may be a key."""

LEAST_RUN = 40
RUNS = re.compile(rf"[A-Za-z0-9+/=_\-]{{{LEAST_RUN},}}")
CUT_RUN = re.compile(r"\A[A-Za-z0-9+/=_\-]+")


class Names(NamedTuple):
    """`key`: FULL for a key's full name, BARE for "key" alone, HINT for a word of some keys' names. `vendor`: FULL for
    a vendor's name, HINT for one that is a word of a language, too. `harmless`: another value's name is the nearest.
    """

    key: int = 0
    vendor: int = 0
    harmless: bool = False


class Surroundings:
    """The names around the values of one text. Values of a list have the same ones, which are then read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[str, Names] = {}

    def before(self, start: int, end: int) -> Names:
        """What stands right before the value at `start:end`, or in the line above it if it has a line of its own."""
        text = self._text
        begin = text.rfind("\n", max(0, start - REACH), start) + 1
        line = _without_runs(text[begin:start]) if begin else self._reach(start)
        if "-u" in line and LOGIN.search(line):
            return Names(key=FULL)
        if not any(map(str.isalpha, line)):
            alone = ALONE.match(text, end) is not None
            line = self._reach(start).rstrip("\n\t -*>|#\"'`=").rpartition("\n")[2] if alone else ""
        return self._names(_nearest(line[-NEAREST:])[-LONGEST:])

    def near(self, start: int) -> Names:
        """All that stands in reach before a value."""
        return self._names(self._reach(start))

    def behind(self, end: int) -> Names:
        """What stands right behind a value."""
        behind = BEHIND.match(self._text, end)
        return self._names(behind[0]) if behind is not None else Names()

    def within(self, start: int, end: int) -> Names:
        """What the stretch `start:end` names."""
        return self._names(self._text[start:end])

    def _reach(self, start: int) -> str:
        """Characters before a value, without random letters, in which names stand by chance."""
        reach = self._text[max(0, start - REACH) : start]
        return _without_runs(CUT_RUN.sub("", reach) if start > REACH else reach)

    def _names(self, text: str) -> Names:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = names(text)
        return known


def _without_runs(text: str) -> str:
    return RUNS.sub(" ", text) if len(text) >= LEAST_RUN else text


def _nearest(line: str) -> str:
    """The last piece of a line that says something, between signs that part names from values."""
    pieces = [piece for piece in CUT.split(line) if any(map(str.isalnum, piece))]
    said = ""
    while pieces:
        said = f"{pieces.pop()} {said}"
        if not NEUTRAL.issuperset(said.lower().split()):
            break
    return said


def names(text: str) -> Names:
    """What a stretch of text names; the words at its end count most."""
    words = [word.lower() for word in WORD.findall(text)]
    said = [token.lower() for token in TOKEN.findall(text)]
    key, harmless = _key(words, said)
    vendor = _vendor(words, said)
    if not text.isascii() and key < FULL and UNSPACED.search(text) is not None:
        key = FULL
    if vendor < FULL and any(map(_starts_with_vendor, said)):
        return Names(key if harmless else FULL, FULL, harmless)
    return Names(key, vendor, harmless)


def _key(words: Sequence[str], said: Sequence[str]) -> tuple[int, bool]:
    """The nearest word that is a key's name, or something harmless."""
    if said and said[-1] != words[-1] and ENDS.search(said[-1]) and not NO_SECRET.match(said[-1]):
        return FULL, False
    for at in range(len(words) - 1, -1, -1):
        word, before = words[at], words[at - 1] if at else ""
        if word in KEYS or word.rstrip("s") in KEYS or word in ("key", "keys"):
            if before in HARMLESS_BEFORE or not PUBLIC.isdisjoint(words[max(0, at - 3) : at]):
                return 0, True
            return (FULL if word in KEYS or word[:-1] in KEYS or before in QUALIFIERS else BARE), False
        if word in HARMLESS:
            return (FULL, False) if word == "id" and before == "secret" else (0, True)
    if any(token in KEYS or ENDS.search(token) for token in said):
        return FULL, False
    return (HINT if WEAK.intersection(words) else 0), False


def _vendor(words: Sequence[str], said: Sequence[str]) -> int:
    joined = {
        name
        for parts in (words, said)
        for count in range(1, MOST_JOINED + 1)
        for at in range(len(parts))
        if len(name := "".join(parts[at : at + count])) >= LEAST_JOINED or parts is said
    }
    if not VENDOR_NAMES.isdisjoint(joined):
        return FULL
    return 0 if COMMON_NAMES.isdisjoint(joined) else HINT


def _starts_with_vendor(token: str) -> bool:
    """A vendor's name with a key's joined to it: `uclassifykey`."""
    return any(token[: key.start()] in VENDOR_NAMES for key in KEY_WORD.finditer(token))
