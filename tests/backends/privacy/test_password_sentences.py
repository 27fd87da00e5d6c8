"""A password in a sentence is found in every language of the table; sentences about passwords pass."""

import random
from collections import Counter

import pytest

from backends.privacy.detectors import password_sentences
from backends.privacy.detectors.password_words import LANGUAGES, NOUNS
from backends.privacy.views import views
from benchmarks.evaluation.privacy import FOLDER
from benchmarks.evaluation.privacy_values import filled

FRAMES = [
    (kind.removeprefix("password-"), frame)
    for kind, frame in (
        line.split(" | ", 1) for line in (FOLDER / "sentences.txt").read_text(encoding="utf-8").splitlines()
    )
]
STYLES = ("words", "short", "random", "plain", "phrase")


def passwords(text: str) -> list[str]:
    view = next(iter(views(text)))
    found = password_sentences.find(view.window)
    return [view.text[start:end] for _, start, end in found]


def test_thirty_languages_have_five_frames_each() -> None:
    frames = Counter(language for language, _ in FRAMES)
    assert sum(count >= 5 for count in frames.values()) >= 30
    assert len(LANGUAGES) >= 30


@pytest.mark.parametrize("style", STYLES)
def test_nearly_every_frame_shows_its_password(style: str) -> None:
    missed = []
    for row, (language, frame) in enumerate(FRAMES):
        text = filled(frame.replace("‹pw›", f"‹pw:{style}›"), random.Random(row))
        if not passwords(text):
            missed.append((language, text))
    assert len(missed) <= 0.02 * len(FRAMES), missed


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_every_noun_announces_a_password(noun: str) -> None:
    noun = noun.rstrip("-")
    assert passwords(f"{noun}: Kanu77Blau") == ["Kanu77Blau"]


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("I changed the password from Kanu!Blau77 to Fjord?Rot31", ["Kanu!Blau77", "Fjord?Rot31"]),
        ("ich habe das Kennwort von Kanu77blau9 auf Fjord31rot8 geändert", ["Kanu77blau9", "Fjord31rot8"]),
        ("我把密码从Kanu77blau9改成了Fjord31rot8", ["Kanu77blau9", "Fjord31rot8"]),
        ("비밀번호를 Kanu77blau9에서 Fjord31rot8로 바꿨어요", ["Kanu77blau9", "Fjord31rot8"]),
    ],
)
def test_both_passwords_of_a_change_are_found(text: str, both: list[str]) -> None:
    assert passwords(text) == both


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong, and user2 cannot log in to server01 with the password",
        "your password is at least 8 characters long, use PBKDF2 or bcrypt12",
        "the password manager is KeePassXC and runs on vps-03",
        "Das Passwort ist falsch. Auf server01 ist das Passwort abgelaufen.",
        "Passwort ist ein Pflichtfeld, Windows11 fragt danach",
        "le mot de passe est incorrect sur web01",
        "la contraseña es obligatoria en IPv4",
        "hasło jest nieprawidłowe, wersja v2.3.1",
        "пароль неверен, сервер web01",
        "şifre yanlış, sunucu web01",
        "密码错误，请在60秒后重试",
        "パスワードは8文字以上にしてください",
        "비밀번호가 틀렸습니다 (오류 401)",
        "รหัสผ่านไม่ถูกต้อง 403",
        "كلمة المرور غير صحيحة 401",
        "הסיסמה שגויה 401",
        "पासवर्ड गलत है 401",
        "user name or password is too long for the SOCKSv5 protocol",
        "the passphrase was not changed since %.4s-%.2s-%.2s",
        "password: os.environ['DB_PASSWORD'], see RFC2898 and sha256sum",
        "tests pass on python3.12 and node22",
        "the password is stored in config2.yml on db01.internal",
        "mail bob@example.com the password of web01",
    ],
)
def test_sentences_about_passwords_pass(text: str) -> None:
    assert passwords(text) == []
