"""Addresses of hosts that the settings mark as internal; images, which are not read, by setting."""

from pathlib import Path

import pytest

from backends.errors import WrongSettings
from backends.privacy import PrivacyGate
from backends.settings.loading import load
from backends.settings.privacy import Privacy
from backends.types import Media, Message, Request

MARKED = PrivacyGate(Privacy(internal_hosts=("*.corp.example", "vault", "10.0.0.0/8", "192.168.7.9", "fd00::/8")))


def found(text: str, gate: PrivacyGate = MARKED) -> list[str]:
    verdict = gate.inspect(Request(id="r", messages=(Message(role="user", text=text),)), agent_sensitive=False)
    return [text[each.start : each.end] for each in verdict.findings if each.kind == "internal-host"]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("why is db7.eu.corp.example slow?", ["db7.eu.corp.example"]),
        ("https://GIT.Corp.Example/x", ["GIT.Corp.Example"]),
        ("ping 10.1.2.3 and 10.300.2.3", ["10.1.2.3"]),
        ("192.168.7.9:8080 refused, 192.168.7.10 not", ["192.168.7.9"]),
        ("ssh vault; the vaults", ["vault"]),
        ("fd12:3456::1 is up", ["fd12:3456::1"]),
        ("corp.example, notcorp.example.org, 11.0.0.1, at 12:30:45, 1.2.3.4.5", []),
    ],
)
def test_marked_hosts_are_found_and_no_others(text: str, hosts: list[str]) -> None:
    assert found(text) == hosts


def test_without_a_mark_no_host_is_private() -> None:
    assert found("ping 10.1.2.3 at db7.corp.example", PrivacyGate(Privacy())) == []


def test_why_names_the_kind() -> None:
    request = Request(id="r", messages=(Message(role="user", text="ping 10.1.2.3"),))
    assert MARKED.inspect(request, agent_sensitive=False).why == "internal host"


@pytest.mark.parametrize("host", ["10.0.0.0/99", "a b", "http://x", ""])
def test_what_is_neither_host_nor_network_is_wrong_settings(host: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"internal_hosts\[1\]"):
        PrivacyGate(Privacy(internal_hosts=("fine.example", host)))
    file = tmp_path / "claw.toml"
    file.write_text(f'[privacy]\ninternal_hosts = ["fine.example", "{host}"]\n')
    with pytest.raises(WrongSettings, match=r"claw\.toml.*privacy\.internal_hosts\[1\]"):
        load(file, {})


def test_images_pass_or_stay_as_the_setting_says() -> None:
    image = Media(media_type="image/png", data=b"\x89PNG")
    request = Request(id="r", messages=(Message(role="user", text="what is this?", media=(image,)),))
    assert not PrivacyGate(Privacy()).inspect(request, agent_sensitive=False).sensitive
    verdict = PrivacyGate(Privacy(images="local")).inspect(request, agent_sensitive=False)
    assert (verdict.sensitive, verdict.why) == (True, "image")
