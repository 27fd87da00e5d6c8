"""What agents read is full of names that look like secrets. Each kind passes; a true secret beside it is found."""

import random
import string

import pytest

from backends.privacy import PrivacyGate
from backends.privacy.detectors.code_names import is_expression, is_identifier, is_made_of_words, is_reference
from backends.settings.privacy import Privacy
from backends.types import Message, Request

GATE = PrivacyGate(Privacy())


def why(text: str) -> str:
    request = Request(id="r", messages=(Message(role="user", text=text),))
    return GATE.inspect(request, agent_sensitive=False).why


HARMLESS = {
    "the key of a session": '{"sessionKey": "agent:writer:qux8841", "kind": "direct"}',
    "a session's key with a UUID": '"sessionKey":"agent:ops:subagent:0b9d7c52-61f4-4e0a-9f3b-2d7c8a1e5f60"',
    "a session's key with a chat": '{"sessionKey": "agent:main:telegram:direct:428817345"}',
    "the key of an object": '"s3Key": "exports/2026/11/30/report-0042.pdf"',
    "the key of an object with a hash": '"s3Key": "media/5f3a9c07e1b24d68a0c7f9e21b3d4c5a/cover.jpg"',
    "the key of a route": '"routingKey": "orders.eu.created.v2"',
    "the key of a partition": '"partitionKey": "tenant#1873#orders"',
    "the key of a cache": '"cacheKey": "user:42:profile:v3:en-GB"',
    "the key of a text": "labelKey: 'nav.settingsGroup2Security'",
    "names of results": '"output_token": "DistributionList.NextMarker", "result_key": "workflowSummaries"',
    "a member of an object": "const sessionKey = params.sessionKey ?? entry.storeSessionKey;",
    "a comparison": "if (row.projectKey===wanted.projectKey&&row.scope!==other.scope) return;",
    "a call": "getUserPassword(userRecord2).then(hashPassword)",
    "a type": "def sign(self, private_key: ec.EllipticCurvePrivateKey, key_id: str) -> bytes: ...",
    "a base class": "class PasswordManagerWithRealm2(PasswordManager2): ...",
    "names of headers": "['proxy-authorization', 'Sec-WebSocket-Key', 'Sec-WebSocket-Protocol']",
    "the name of a header": "const HEADER_API_KEY = 'X-Api-Key-Signature-V2'",
    "a regular expression": "TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/u;",
    "a schema": 'Runs it. Give a label to pass to {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}',
    "a schema's password": '{"password": {"type": "string", "format": "password", "minLength": 8}}',
    "a reference to a vault": "apiKey: op://Automation/OpenAI-2026/credential",
    "a reference to a version": "--secret=projects/acme-prod/secrets/db-password/versions/3",
    "a link": "[2Password for Claude](https://support.vendor.net/2password-claude/) lets the agent fill in a form",
    "a link behind a token": "paste the bot token from [the console](https://console.vendor.net/Bots2/new).",
    "an algorithm": 'password_encryption = scram-sha-256  # "password", "scram-sha-256"',
    "a version": "base-passwd (3.6.1) and login-password 2.0.3-4",
    "a template": "JWT_SECRET=change-me-to-a-long-string\nDB_PASSWORD=${DB_PASSWORD:?required}\nTOKEN={self.token}\n",
    "a MAC": "MACs umac-64-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha1",
    "an exchange of keys": "KexAlgorithms curve25519-sha256@libssh.org,sntrup761x25519-sha512@openssh.com",
    "a kind of SSH key": "HostKeyAlgorithms sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "a unit": "After=modprobe@drm.service getty@tty2.service systemd-ask-password-wall.service",
    "a picture": '<img src="icons-64x64@2x.png" srcset="logo@3.webp">',
    "a login of a machine": "scp -i key notes.txt lena@vps-12.hoster.net:/srv/ && ssh -p 2222 ops@build-7.hoster.net",
    "addresses that are plainly examples": "mail a@b.com, foo@bar.com or you@foo.io, x@y.z",
    "a group": 'allowGroups: ["120363018263504417@g.us"]',
    "a mailing list": "Contact: image-devel@lists.distro.org, bug-image@distro.org",
    "a prompt": 'gemini -p "Return JSON" && claude -p "List the Changes"',
    "ports": "nmap -sT -p 1-65535 host && docker run -p 127.0.0.1:8080:80 web",
    "a folder": "mkdir -p ~/Projects/Notes2/src",
    "a property": "systemctl show web.service -p TimeoutStopUSec",
    "an anchor": '- <a id="step-2%3A-get-credentials" />[Step 2: Get credentials](/setup#step-2-get-credentials)',
    "a bundler's name": "import { C as AuthProfileCredential, D as OAuthCredential$1 } from './login.js'",
    "a ticket": "Fixed libldap memory leak in login (ITS#9876)",
    "a word with a number": "how the number is read during\n1427:    parsing: 'days', 'seconds',\n1428:    'hours'",
    "a specification": "builds via PEP 517 hooks; see issue #10617 of the tracker",
    "a licence": "to the Free Software\n# Foundation, Inc., 51 Franklin St, Fifth Floor, Boston, MA 02110-1301 USA.",
    "a year with a name": "Copyright 2016 Iain Hill Road <x@example.org>\n          2017 Iain Hill Road",
    "a dump of bytes": "00000190  02 00 00 00 06 00 00 00  40 34 02 00 00 00 00 00  |........@4......|",
    "a number for films": 'allowFrom: ["+15551234567", "+1 555 123 0001"]',
    "columns": "  2079 2098 2118 2138 2158 2178 2198 2218 2238 2258",
    "base64": "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs/DE44500105175407324931/xyzABCdef0123+",
    "a hash": "be76e6f64157d0cfbd8e26f03881e36a  usr/share/doc/README",
    "sums": "f133265d36c34664f325c3077944d339  etc/passwd\n595e43e492a15dcaf4ae9fab49a74955  etc/pip.conf",
    "paths": "/usr/lib/python3/keyring/credentials\n/usr/lib/python3/keyring/backends/SecretService2.py",
    "symbols": "EVP_PKEY_new\nEVP_CIPHER_CTX_get_updated_iv\nRSA_get0_key\nRSA_meth_set_priv_dec",
    "an analytics token": 'project_token = "3b9d0c7e5f1a48826d7e90b1c2f3a4d5"\nmp = Mixpanel(project_token)',
    "minified code": "e.key===t.item.key?1:t.nextKey===e.item.key?-1:e.index-t.index",
    "a listing": "-rw-r--r-- 1 root root  24410 Nov 30 12:24 token.cpython-312.pyc\n"
    "-rw-r--r-- 1 root root   6120 Nov 30 12:24 getpass.cpython-312.pyc\n"
    "drwxr-xr-x 2 root root   4096 Nov 30 12:24 passlib-1.7.4.dist-info",
}

SECRET = {
    "a session's key": '{"session_key": "q8Zr4Lw1Xt7Kd0Pm5Vb2"}',
    "a route's key of a pager": '"routing_key": "7c1e9a3f5b8d2046e1f7a9c3b5d80264"',
    "an object store's key": '"s3SecretKey": "uV7qLm2Xc9Rt4Wb8Np3Zk6Hd1Jf5Gs0Ya"',
    "the token of a project": 'project_token = "3b9d0c7e5f1a48826d7e90b1c2f3a4d5"',
    "a key with a joint": '"api_key": "live:9fKd72LmQx84RtVb15Zw"',
    "a key behind a call": "client = Client(api_key='q8Zr4Lw1Xt7Kd0Pm5Vb2')",
    "a key that is compared": 'if (token === "q8Zr4Lw1Xt7Kd0Pm5Vb2") return',
    "a key on the next line": "API token\nq8Zr4Lw1Xt7Kd0Pm5Vb2Yn6",
    "a key in a template": "OPENAI_API_KEY=q8Zr4Lw1Xt7Kd0Pm5Vb2Yn6",
    "a key in a schema": '{"api_key": {"type": "string", "minLength": 8}}, token: "q8Zr4Lw1Xt7Kd0Pm5Vb2"',
    "base64 with slashes": 'secret = "QMr/q1TZw9k/x7Bv2Lp0sNf4Yc8uJd3hGt6aEi5R"',
    "words with a number": "WPA2 key for the office: amber-window-quarry-pelican4417",
    "a password of words": "admin password: violet-Winter-canoe85",
    "a password of words with a point": "DB_PASSWORD=maple.River7Quartz",
    "a password with code's signs": "PASSWORD='Harbour42&&Fog'",
    "a password behind p": "sshpass -p 'Kanu!Blau77' ssh ops@build-7.hoster.net",
    "a password of several words behind p": "mount.cifs -p 'blue Kanu 77 lake' //nas/share",
    "a password in a URL of a link": "[console](https://ops:Kanu!Blau77@console.vendor.net/)",
    "a password near a login": "login with Kanu!Blau77 on the VPS",
    "a parameter in a vault's path": "aws ssm put-parameter --name /prod/db/DB_PASSWORD --password Kanu!Blau77",
    "an address": "author_email='lena.ortiz@webmail.net'",
    "an address at a file's end": "lena.ortiz@webmail.net.txt",
    "an address behind an escape": '"To:\\nlena.ortiz@webmail.net"',
    "an address beside a command": "run ssh, then mail lena.ortiz@webmail.net",
    "a person's address at a company": "write to lena.ortiz@hoster.net: she knows",
    "a street that ends in -ring": "Lena Ortiz, Hansaring 14, 50670 Köln",
    "a street in Italy": "spedire a via Roma 12, 00184 Roma",
    "a street in England": "22 Hill Road, Leeds LS6 2AB",
    "a street in America": "51 Franklin Street, Boston, MA 02110",
    "a phone in pairs": "mon portable : 06 12 34 56 78",
    "a phone in America": "call +1 212 867 5309",
    "an account": "IBAN DE44 5001 0517 5407 3249 31",
    "an account in small letters": "account: de44500105175407324931",
    "an Aadhaar": "Aadhaar 2341 2341 2346",
    "a card": "card 4539 5787 6362 1486",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_names_something_passes(kind: str) -> None:
    assert why(HARMLESS[kind]) == ""


@pytest.mark.parametrize("kind", SECRET)
def test_what_is_secret_beside_it_is_found(kind: str) -> None:
    assert why(SECRET[kind]) != ""


def test_all_that_passes_does_so_in_one_text_too() -> None:
    assert why("\n\n".join(HARMLESS.values())) == ""


ALPHABETS = {
    "letters and digits": string.ascii_letters + string.digits,
    "hexadecimal": string.digits + "abcdef",
    "base64": string.ascii_letters + string.digits + "+/",
    "base32": string.ascii_uppercase + "234567",
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_a_random_key_is_hardly_ever_a_name(alphabet: str) -> None:
    dice = random.Random(7)
    keys = ["".join(dice.choices(ALPHABETS[alphabet], k=24)) for _ in range(4_000)]
    judges = (is_reference, is_made_of_words, is_identifier, is_expression)
    names = [key for key in keys if any(judge(key) for judge in judges)]
    assert len(names) <= 12


@pytest.mark.parametrize(
    "word", ["x", "", "0", "é" * 40, "aB" * 100_000, "a." * 100_000, "/a" * 100_000, "_" * 100_000]
)
def test_any_value_is_judged(word: str) -> None:
    assert is_made_of_words(word) is False
    assert is_identifier(word) is False
