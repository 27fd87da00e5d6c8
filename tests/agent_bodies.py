"""Bodies as agents' programs send them, in the shapes of their APIs: every text here is our own.

One conversation in five dialects, and one first turn of each of several programs with the headers that it sends.
"""

from typing import Any

SYSTEM = "You are the assistant of a workshop.\n## Tools\nUse them when they help.\n" + "Keep answers short. " * 40
MEMORY = "## Notes\nThe workshop closes at six. Spare keys hang behind the door."
FIRST = "What is in the stock list?"
SAID = "Let me look."
RESULT = "12 bolts\n7 hinges"
SECOND = "And how many hinges are that?"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"path": {"type": "string", "description": "a file"}},
    "required": ["path"],
}
ARGUMENTS = {"path": "stock.txt"}

CHAT: dict[str, Any] = {
    "model": "auto",
    "max_completion_tokens": 800,
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": SYSTEM}, {"type": "text", "text": MEMORY}]},
        {"role": "user", "content": FIRST},
        {
            "role": "assistant",
            "content": SAID,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path":"stock.txt"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": RESULT},
        {"role": "user", "content": SECOND},
    ],
    "tools": [{"type": "function", "function": {"name": "read", "description": "Reads a file", "parameters": SCHEMA}}],
}

RESPONSES: dict[str, Any] = {
    "model": "auto",
    "max_output_tokens": 800,
    "input": [
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": SYSTEM}, {"type": "input_text", "text": MEMORY}],
        },
        {"role": "user", "content": FIRST},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VjcmV0"},
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": SAID, "annotations": []}],
        },
        {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": '{"path":"stock.txt"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": RESULT},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": SECOND}]},
    ],
    "tools": [
        {"type": "function", "name": "read", "description": "Reads a file", "parameters": SCHEMA, "strict": False}
    ],
    "store": False,
}

ANTHROPIC: dict[str, Any] = {
    "model": "auto",
    "max_tokens": 800,
    "system": [
        {"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": MEMORY},
    ],
    "messages": [
        {"role": "user", "content": FIRST},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "A file holds it.", "signature": "c2ln"},
                {"type": "text", "text": SAID},
                {"type": "tool_use", "id": "call_1", "name": "read", "input": ARGUMENTS},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": RESULT}]},
                {"type": "text", "text": SECOND, "cache_control": {"type": "ephemeral"}},
            ],
        },
    ],
    "tools": [{"name": "read", "description": "Reads a file", "input_schema": SCHEMA}],
}

OLLAMA: dict[str, Any] = {
    "model": "auto",
    "messages": [
        {"role": "system", "content": f"{SYSTEM}\n{MEMORY}"},
        {"role": "user", "content": FIRST},
        {
            "role": "assistant",
            "content": SAID,
            "tool_calls": [{"function": {"name": "read", "arguments": ARGUMENTS}}],
        },
        {"role": "tool", "tool_name": "read", "content": RESULT},
        {"role": "user", "content": SECOND},
    ],
    "tools": [{"type": "function", "function": {"name": "read", "description": "Reads a file", "parameters": SCHEMA}}],
    "options": {"num_predict": 800},
    "stream": False,
}

GEMINI: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": FIRST}]},
        {
            "role": "model",
            "parts": [{"text": SAID}, {"functionCall": {"name": "read", "args": ARGUMENTS}}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "read", "response": {"output": RESULT}}}]},
        {"role": "user", "parts": [{"text": SECOND}]},
    ],
    "systemInstruction": {"parts": [{"text": SYSTEM}, {"text": MEMORY}]},
    "tools": [
        {"functionDeclarations": [{"name": "read", "description": "Reads a file", "parametersJsonSchema": SCHEMA}]}
    ],
    "generationConfig": {"maxOutputTokens": 800},
}

CONVERSATIONS: dict[str, dict[str, Any]] = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "ollama": OLLAMA,
    "gemini": GEMINI,
}
"""The same conversation, by dialect."""


def _function(name: str, **parameters: Any) -> dict[str, Any]:
    function = {"name": name, "description": f"The tool {name}"}
    return {"type": "function", "function": function | ({"parameters": SCHEMA | parameters} if parameters else {})}


def claude_code(ask: str) -> dict[str, Any]:
    """System blocks, a system role inside the messages, adaptive thinking, and the session as JSON text."""
    user_id = '{"device_id":"d-1","account_uuid":"","session_id":"5e551011-aaaa-4bbb-8ccc-000000000001"}'
    return {
        "model": "auto",
        "max_tokens": 32000,
        "stream": True,
        "system": [
            {"type": "text", "text": "x-workshop-billing: none"},
            {"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": f"<system-reminder>\n{MEMORY}\n</system-reminder>"},
                    {"type": "text", "text": ask, "cache_control": {"type": "ephemeral"}},
                ],
            },
            {"role": "system", "content": "The date is 2026-11-30."},
        ],
        "tools": [
            {"name": "Read", "description": "Reads", "input_schema": SCHEMA},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
        ],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": user_id},
    }


def codex(ask: str) -> dict[str, Any]:
    """The Responses API with a namespace and a built-in tool, the environment before the question."""
    environment = (
        "<environment_context>\n  <cwd>/home/user/workshop</cwd>\n  <shell>bash</shell>\n</environment_context>"
    )
    return {
        "model": "auto",
        "stream": True,
        "store": False,
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": SYSTEM}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": environment}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": ask}]},
        ],
        "tools": [
            {"type": "function", "name": "shell", "description": "Runs", "strict": False, "parameters": SCHEMA},
            {
                "type": "namespace",
                "name": "helpers",
                "description": "",
                "tools": [{"type": "function", "name": "spawn", "parameters": SCHEMA}],
            },
            {"type": "web_search", "external_web_access": False},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "5e551011-0000-7000-8000-000000000002",
        "client_metadata": {"thread_id": "5e551011-0000-7000-8000-000000000002"},
    }


def qwen_code(ask: str) -> dict[str, Any]:
    """Reminders before the question in one message, and a tool without parameters."""
    reminder = f"<system-reminder>\n{MEMORY}\n</system-reminder>\n"
    return {
        "model": "auto",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": [{"type": "text", "text": reminder}, {"type": "text", "text": ask}]},
        ],
        "tools": [_function("read", required=["path"]), _function("list_agents")],
    }


def opencode(ask: str) -> dict[str, Any]:
    return {
        "model": "auto",
        "max_tokens": 4000,
        "stream": True,
        "stream_options": {"include_usage": True},
        "tool_choice": "auto",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ask}],
        "tools": [_function("bash", required=[]), _function("read", required=["path"])],
    }


def pi(ask: str) -> dict[str, Any]:
    """The role developer, strict tools, store and an effort."""
    tool = _function("read", required=["path"])
    tool["function"]["strict"] = False
    return {
        "model": "auto",
        "stream": True,
        "stream_options": {"include_usage": True},
        "store": False,
        "max_completion_tokens": 4000,
        "reasoning_effort": "medium",
        "messages": [
            {"role": "developer", "content": SYSTEM},
            {"role": "user", "content": [{"type": "text", "text": ask}]},
        ],
        "tools": [tool],
    }


def openclaw_ollama(ask: str) -> dict[str, Any]:
    return {
        "model": "auto",
        "stream": True,
        "think": False,
        "truncate": False,
        "shift": False,
        "options": {},
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ask}],
        "tools": [_function("read", required=["path"])],
    }


def openclaw_google(ask: str) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [{"text": ask}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": SYSTEM}]},
        "tools": [{"functionDeclarations": [{"name": "read", "description": "Reads", "parametersJsonSchema": SCHEMA}]}],
        "generationConfig": {},
    }


PROGRAMS: dict[str, tuple[Any, dict[str, str]]] = {
    "Claude Code": (claude_code, {"user-agent": "claude-cli/2.1.0 (external, cli)", "anthropic-version": "2023-06-01"}),
    "Codex": (codex, {"User-Agent": "codex_exec/0.171.0", "session-id": "5e551011-0000-7000-8000-000000000002"}),
    "Qwen Code": (qwen_code, {"User-Agent": "QwenCode/0.9.0 (linux; x64)"}),
    "opencode": (opencode, {"User-Agent": "opencode/1.18.33", "X-Session-Id": "ses_workshop1"}),
    "pi": (pi, {"User-Agent": "OpenAI/JS 6.26.0"}),
    "OpenClaw on Ollama": (openclaw_ollama, {"user-agent": "undici"}),
    "OpenClaw on Google": (openclaw_google, {"User-Agent": "google-genai-sdk/2.22.0 gl-node/v24.22.3"}),
}
"""A first turn of each program, by the question, with its headers."""

CHAT_PROGRAMS = ("Qwen Code", "opencode", "pi")
"""Those that speak chat completions."""
