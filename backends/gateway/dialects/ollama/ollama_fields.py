"""What claw does with every field of Ollama's `POST /api/chat` and `/api/generate`.

Source: ollama 0.6 for Python, _types.py, and docs/api.md of Ollama, read on 2026-11-30.
"""

from backends.gateway.dialects.field_table import ACCEPTED, CARRIED, THOUGHTS, Field, FieldTable

_OWN = Field("named", "the engine's own setting holds")
_PROBABILITIES = Field("refused", "no engine's probabilities are passed on", (False, 0))

FIELDS: dict[str, dict[str, Field]] = {
    "": {
        "context": Field("named", "send the earlier texts", ([],)),
        "format": CARRIED,
        "images": CARRIED,
        "keep_alive": Field("accepted", "the engine's own setting holds"),
        "logprobs": _PROBABILITIES,
        "messages": CARRIED,
        "model": Field("translated", "a route, an agent, an engine's model, or a name of gateway.models"),
        "options": CARRIED,
        "prompt": CARRIED,
        "raw": Field("named", "the model's own template is used", (False,)),
        "shift": Field("accepted", "a prompt beyond the window is refused"),
        "stream": CARRIED,
        "suffix": Field("refused", "no engine here fills in the middle", ("",)),
        "system": CARRIED,
        "template": Field("named", "the model's own template is used", ("",)),
        "think": Field("translated", "the engine's measure of thinking; false is the least that it can"),
        "tools": CARRIED,
        "top_logprobs": _PROBABILITIES,
        "truncate": Field("accepted", "a prompt beyond the window is refused"),
    },
    "options": {
        "frequency_penalty": CARRIED,
        "min_p": CARRIED,
        "num_ctx": _OWN,
        "num_predict": Field("translated", "the most output tokens; below 0 is no limit"),
        "presence_penalty": CARRIED,
        "seed": CARRIED,
        "stop": CARRIED,
        "temperature": CARRIED,
        "top_k": CARRIED,
        "top_p": CARRIED,
    }
    | dict.fromkeys(
        ("low_vram", "main_gpu", "num_batch", "num_gpu", "num_keep", "num_thread", "numa", "use_mlock", "use_mmap"),
        Field("accepted", "the engine's own setting holds"),
    ),
    "messages[]": {
        "content": CARRIED,
        "images": CARRIED,
        "name": CARRIED,
        "role": CARRIED,
        "thinking": THOUGHTS,
        "tool_call_id": CARRIED,
        "tool_calls": CARRIED,
        "tool_name": CARRIED,
    },
    "tool_calls[]": {"function": CARRIED, "id": CARRIED, "index": ACCEPTED, "type": ACCEPTED},
    "tool_calls[].function": {"arguments": CARRIED, "index": ACCEPTED, "name": CARRIED},
    "tools[]": {"function": CARRIED, "type": CARRIED},
    "tools[].function": {"description": CARRIED, "name": CARRIED, "parameters": CARRIED, "strict": CARRIED},
}
"""By place in the body; "" is the body itself."""

TABLE = FieldTable(FIELDS)
