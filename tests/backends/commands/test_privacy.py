"""`claw privacy explain`: parts, kinds and places of what the gate sees, and never a value."""

import json
from pathlib import Path
from typing import Any

import pytest

from backends.commands import main

MAIL, KEY = "lena.ortiz@webmail.net", "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z"
CALL = {"id": "c1", "type": "function", "function": {"name": "exec", "arguments": json.dumps({"command": "env"})}}
BODY = {
    "model": "auto",
    "messages": [
        {"role": "system", "content": f"You help Lena.\nHer mail is {MAIL}."},
        {"role": "user", "content": "What is set?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": f"TOKEN={KEY}"},
        {"role": "assistant", "content": "A token."},
        {"role": "user", "content": "Which one?"},
    ],
    "tools": [{"type": "function", "function": {"name": "mail", "description": f"writes to {MAIL}"}}],
}


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAW_HOME", str(tmp_path / "home"))


def explained(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    (tmp_path / "given").write_text(text)
    assert main(["privacy", "explain", str(tmp_path / "given"), *more]) == 0
    said = capsys.readouterr().out
    assert MAIL not in said and KEY not in said
    return said


def test_a_recorded_request_is_explained_by_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(explained(tmp_path, json.dumps(BODY), capsys, "--json"))
    assert (found["sensitive"], found["why"]) == (True, "e-mail")
    places = {each["part"]: each for each in found["findings"]}
    assert set(places) == {"system prompt", "result of exec 1 turn ago", "tool description mail"}
    system = places["system prompt"]
    text: Any = BODY["messages"][0]["content"]  # type: ignore[index]
    assert text[system["start"] : system["end"]] == MAIL
    assert (system["line"], system["message"], system["secret"]) == (2, 0, False)
    assert places["result of exec 1 turn ago"]["secret"]
    assert places["tool description mail"]["line"] is None
    said = explained(tmp_path, json.dumps({"agent": "writer", "headers": {}, "body": BODY}, indent=1), capsys)
    assert "e-mail: system prompt, message 1, line 2, characters" in said


def test_a_finding_in_a_tool_says_in_what_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string", "default": MAIL}}}
    tools = [{"type": "function", "function": {"name": "mail", "description": "Writes.", "parameters": schema}}]
    calls = [{"id": "c", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": MAIL})}}]
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": calls}]
    found = json.loads(
        explained(tmp_path, json.dumps({"model": "auto", "messages": messages, "tools": tools}), capsys, "--json")
    )
    assert [each["part"] for each in found["findings"]] == ["arguments of mail of this turn", "tool schema mail"]


@pytest.mark.parametrize("text", [f"one\ntwo {MAIL}\n", f'{{"to": "{MAIL}"}}', f"[{MAIL}"])
def test_what_is_no_request_is_plain_text(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(explained(tmp_path, text, capsys, "--json"))
    assert [each["kind"] for each in found["findings"]] == ["e-mail"]


def test_each_of_several_requests_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    said = explained(tmp_path, f"{json.dumps(clean)}\n{json.dumps(BODY)}\n", capsys)
    assert said.startswith("nothing private in 1 part\n\nsensitive: 3 findings")
    (tmp_path / "given").write_text(f"{json.dumps(clean)}\n{{}}\n")
    assert main(["privacy", "explain", str(tmp_path / "given")]) == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize("name", [f"mail_{MAIL}", KEY])
def test_a_tools_name_that_is_private_itself_is_not_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = CALL | {"function": {"name": name, "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "go on"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": f"sent to {MAIL}"},
    ]
    tools = [{"type": "function", "function": {"name": name, "description": "writes"}}]
    body = {"model": "auto", "messages": messages, "tools": tools}
    found = json.loads(explained(tmp_path, json.dumps(body), capsys, "--json"))
    parts = {each["part"] for each in found["findings"]}
    assert {"arguments of a tool of this turn", "result of a tool of this turn", "tool name"} <= parts


def test_ten_thousand_findings_are_cut_on_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = "".join(f"m{number}.ortiz@webmail.net\n" for number in range(10_000))
    said = explained(tmp_path, many, capsys)
    assert said.splitlines()[-1] == "  and 9800 more: --json has them all"
    assert len(json.loads(explained(tmp_path, many, capsys, "--json"))["findings"]) == 10_000


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_cannot_be_read_is_wrong_use(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "explain", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.startswith("claw: ")


@pytest.mark.parametrize(
    "data",
    [
        b"one line, " * 1_000_000 + MAIL.encode(),
        b"\xff\xfe\x80 " + MAIL.encode() + b" \xc3(",
        b'{"model": "auto", "messages": [{"role": "user", "content": "\\ud800 ' + MAIL.encode() + b'"}]}',
        b"[" * 100_000 + MAIL.encode(),
    ],
    ids=["10 MB of one line", "no UTF-8", "half a surrogate", "deep nesting"],
)
def test_whatever_a_file_holds_is_explained(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given").write_bytes(data)
    assert main(["privacy", "explain", str(tmp_path / "given"), "--json"]) == 0
    said = capsys.readouterr().out
    assert MAIL not in said
    assert [each["kind"] for each in json.loads(said)["findings"]] == ["e-mail"]


def test_an_empty_file_holds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(tmp_path, "", capsys).startswith("nothing private")


@pytest.mark.parametrize("words", [["allow", "writer"], ["keep-home", "writer"], ["redact"], ["withdraw", "writer"]])
def test_an_answer_to_an_alert_names_agent_and_id(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["act", *words]) == 2
    assert f"use `claw act {words[0]} AGENT" in capsys.readouterr().err
