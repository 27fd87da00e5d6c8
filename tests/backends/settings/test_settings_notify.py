"""`[[notify]]` and `[heartbeat]`: what is refused, and that no secret of theirs is shown."""

import json
from pathlib import Path

import pytest

from backends.errors import WrongSettings
from backends.settings.loading import load
from console import entry

NTFY = '[[notify]]\nname = "phone"\nkind = "ntfy"\nurl = "https://ntfy.sh/SECRET-topic"\n'
RUNS = '[[notify]]\nname = "desk"\nkind = "command"\nargv = ["notify-send", "SECRET-token"]\n'


def loaded(home: Path, text: str):  # type: ignore[no-untyped-def]
    home.mkdir(exist_ok=True)
    path = home / "claw.toml"
    path.write_text(text)
    return load(path).settings


def test_several_receivers_are_read_with_what_is_built_in(home: Path) -> None:
    settings = loaded(home, NTFY + RUNS + '[heartbeat]\nurl = "https://hc-ping.com/SECRET"\n')
    phone, desk = settings.notify
    assert (phone.severity, phone.events, phone.timeout_s) == ("critical", ("raised", "changed", "ended"), 10.0)
    assert desk.argv == ("notify-send", "SECRET-token")
    assert settings.heartbeat.every_s == 60.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NTFY + NTFY, "notify[1].name"),
        (NTFY.replace("phone", "my phone"), "name"),
        (NTFY.replace("/SECRET-topic", ""), "topic"),
        (NTFY.replace("https", "ftp"), "url"),
        (NTFY.replace("SECRET-topic", "ü"), "url"),
        (NTFY.replace("url", "url_env") + 'url = "https://x/y"\n', "only one of them"),
        (NTFY + 'argv = ["x"]\n', "argv"),
        (NTFY + 'quiet = "22-7"\n', "quiet"),
        (NTFY + 'timezone = "Nowhere/Land"\n', "timezone"),
        (NTFY + 'events = ["sometimes"]\n', "notify"),
        (NTFY + 'sevrity = "warning"\n', "notify.severity"),
        (RUNS.replace('"notify-send", "SECRET-token"', ""), "argv"),
        (RUNS + 'url = "https://x/y"\n', "argv"),
        (RUNS + 'token_env = "TOKEN"\n', "token_env"),
        ('[heartbeat]\nurl = "nowhere"\n', "heartbeat.url"),
        ('[heartbeat]\nurl = "https://x"\nevery_s = 1\n', "heartbeat.every_s"),
        ('[heartbeat]\nurl = "https://x"\nfail_path = "fail"\n', "heartbeat.fail_path"),
    ],
)
def test_what_is_wrong_is_named_without_the_address(home: Path, text: str, says: str) -> None:
    with pytest.raises(WrongSettings) as wrong:
        loaded(home, text)
    assert says in str(wrong.value)
    assert "SECRET" not in str(wrong.value)


@pytest.mark.parametrize("words", [["config"], ["config", "--json"]])
def test_no_secret_is_shown(home: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    loaded(home, NTFY + RUNS + '[heartbeat]\nurl = "https://hc-ping.com/SECRET"\n')
    assert entry.main(words) == 0
    shown = capsys.readouterr().out
    if words[1:]:  # JSON is in ASCII
        shown = str(json.loads(shown))
    assert "SECRET" not in shown
    assert "https://ntfy.sh/…" in shown
    assert "https://hc-ping.com/…" in shown


def test_setting_the_heartbeat_does_not_print_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["config", "set", "heartbeat.url", '"https://hc-ping.com/SECRET"']) == 0
    assert "SECRET" not in capsys.readouterr().out
