"""Names of passwords and keys, in the languages that agents meet."""

import re

from backends.privacy.detection import word_set
from backends.privacy.word_stems import Stems

PASSWORDS = (
    r"pass(?:word|wd|wort|phrase|code|ord)?|pwd|pw|kennwort|mot de passe|mdp|contrase[ñn]a|clave|senha|"
    r"palavra[ -]passe|wachtwoord|has[łl]o|adgangskode|l[öo]senord|[şs]ifre|parola|salasana|heslo|jelsz[óo]|lozinka|"
    r"kata sandi|mật khẩu|пароль?|парола|密码|密碼|口令|パスワード|비밀번호|पासवर्ड|סיסמה?|كلمة (?:المرور|السر)|"
    r"requirepass|masterauth|wpa[23]?[ _\-]?key|psk|pin|puk|cred(?:ential)?s"
)
"""Names of passwords, which may be short."""

KEYS = (
    r"secret|token|credential|(?:auth|master|access|signing|encryption|account|license|private)key|key|bearer|salt|"
    r"schlüssel|sleutel|nyckel|klucz|cl[ée]|clave|chave|chiave|ключ|токен|секрет|jeton|geheimnis|密钥|密鑰|秘钥|令牌|キー|トークン|키|토큰"
)
"""Names of keys, which are long."""

QUALIFIED = r"(?: (?:de |d'|da |del |della |do |di )?(?:l')?(?:api|acc[eè]s\w*|acesso|secr[eè]t\w*|priv\w+|\w*token))"
"""What turns a Romance word for "key" into the name of a secret."""

NAME = re.compile(
    rf"(?i)(?:(?P<key>(?:clave|cl[ée]|chave|chiave){QUALIFIED})|(?P<password>{PASSWORDS})|(?P<other>{KEYS}))"
)

PASSWORD_HEADS = Stems(
    "mot de passe",
    "kata s",
    *sorted(
        word_set(
            """pass pwd pw kennwort mdp contras clave senha palavra wachtw haslo hasło adgangsk losenord lösenord sifre
            şifre parola salasan heslo jelsz lozink mật парол 密 口令 パスワ 비밀 पासव סיסמ كلمة requirepass masterauth
            psk pin puk cred wpa"""
        )
    ),
)
KEY_HEADS = Stems(
    *sorted(
        word_set(
            """clave cle clé masterkey cred secret token authkey accesskey signingkey encryptionkey accountkey
            licensekey privatekey key bearer salt schlüssel sleutel nyckel klucz chave chiave ключ токен секрет
            jeton geheimnis 密 秘 令牌 キー トークン 키 토큰"""
        )
    )
)
"""The beginning of each name, in small letters. Some names of both begin alike."""

HEADS = Stems(*PASSWORD_HEADS, *KEY_HEADS)

ENDINGS = word_set(
    """wort word wd phrase code et en s a om em u y i in n na si sı sini im ja jem ów ami ami ем я ю і ам ін ul și"""
)
"""Inflections that a password's name may carry, besides what code appends to it."""

SHORT = word_set("""pw pin psk puk pass key salt clave senha cle clé chave parola sifre şifre heslo haslo cred creds""")
"""Names that other words end in (monkey, compass)."""

HARMLESS = re.compile(
    r"(?i)hash|digest|checksum|public|pub[_\-]?key|_id$|(?-i:[a-z]Ids?)$|[_\-]id\b|name$|file|path|url|uri|"
    r"_len|length|count|limit|type|"
    r"field|policy|prompt|budget|usage|per_|max_|(?<![a-z])min_|_env|ttl|expir|total|num_|tokeni|primary|foreign|sort|"
    r"partition|idempot|cache|keyb|keyw|monkey|turkey|compass|bypass|sample|documented|next_?page|page_?token|"
    r"continuation|validator|site_?key|sitekey|keypair|passport|passenger|passive|passage|passing|passed|pinned|ping$|authorized|encrypted|cipher|sealed"
)
"""A name with one of these in it is not a secret's."""
