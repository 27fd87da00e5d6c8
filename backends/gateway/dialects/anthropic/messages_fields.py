"""What claw does with every field of Anthropic's `POST /v1/messages`, betas included.

Source: anthropic 2.14.0, types/message_create_params.py and types/beta/, read on 2026-11-30.
"""

from backends.gateway.dialects.field_table import ACCEPTED, CACHED, CARRIED, THOUGHTS, Field, FieldTable

_HERE = Field("named", "only Anthropic's own servers do this")

FIELDS: dict[str, dict[str, Field]] = {
    "": {
        "cache_control": CACHED,
        "compaction": _HERE,
        "container": _HERE,
        "context_management": _HERE,
        "diagnostics": ACCEPTED,
        "inference_geo": _HERE,
        "max_tokens": CARRIED,
        "mcp_servers": _HERE,
        "messages": CARRIED,
        "metadata": Field("translated", "the session that user_id names, where no header names one"),
        "model": Field("translated", "a route, an agent, an engine's model, or a name of gateway.models"),
        "output_config": CARRIED,
        "output_format": Field("translated", "output_config.format"),
        "service_tier": ACCEPTED,
        "speed": Field("named", "engines here have one speed", ("standard",)),
        "stop_sequences": CARRIED,
        "stream": CARRIED,
        "system": CARRIED,
        "temperature": CARRIED,
        "thinking": CARRIED,
        "tool_choice": CARRIED,
        "tools": CARRIED,
        "top_k": CARRIED,
        "top_p": CARRIED,
        "user_profile_id": ACCEPTED,
        "workspace_id": ACCEPTED,
    },
    "thinking": {
        "budget_tokens": Field("translated", "the most thinking tokens"),
        "display": Field("accepted", "thoughts are not passed on"),
        "type": Field("translated", "disabled is the least that the engine can"),
    },
    "output_config": {
        "effort": Field("translated", "the engine's measure of thinking; max is xhigh"),
        "format": CARRIED,
        "task_budget": _HERE,
    },
    "tool_choice": {"disable_parallel_tool_use": CARRIED, "name": CARRIED, "type": CARRIED},
    "messages[]": {"content": CARRIED, "id": ACCEPTED, "role": CARRIED},
    "content[]": {
        "cache_control": CACHED,
        "caller": ACCEPTED,
        "citations": ACCEPTED,
        "content": CARRIED,
        "context": Field("translated", "a text before the document"),
        "data": THOUGHTS,
        "id": CARRIED,
        "input": CARRIED,
        "is_error": Field("accepted", "the result's text says it"),
        "name": CARRIED,
        "signature": THOUGHTS,
        "source": CARRIED,
        "text": CARRIED,
        "thinking": THOUGHTS,
        "title": Field("translated", "a text before the document"),
        "tool_use_id": CARRIED,
        "type": Field("carried", "text, image, document, tool_use, tool_result; thinking is skipped, others are named"),
    },
    "tools[]": {
        "allowed_callers": ACCEPTED,
        "cache_control": CACHED,
        "defer_loading": Field("named", "every tool is declared at once", (False,)),
        "description": CARRIED,
        "eager_input_streaming": ACCEPTED,
        "input_examples": Field("named", "give examples in the description"),
        "input_schema": CARRIED,
        "name": CARRIED,
        "strict": CARRIED,
        "type": Field("carried", "custom; tools of Anthropic's own types are named"),
    },
}
"""By place in the body; "" is the body itself, "content[]" a block of any message, of a result, or of `system`."""

TABLE = FieldTable(FIELDS)
