"""What claw does with every field of OpenAI's `POST /v1/responses`.

Source: openai 3.57.0, types/responses/response_create_params.py and the types it refers to, read on 2026-11-30.
"""

from backends.gateway.dialects.field_table import ACCEPTED, CACHED, CARRIED, THOUGHTS, Field, FieldTable

_HERE = Field("named", "only OpenAI's own servers do this")
_STORED = Field("named", "nothing is stored for later calls")

FIELDS: dict[str, dict[str, Field]] = {
    "": {
        "access_programs": ACCEPTED,
        "background": Field("refused", "answers are not kept for later", (False,)),
        "background_options": ACCEPTED,
        "client_metadata": ACCEPTED,
        "context_management": _HERE,
        "conversation": Field("named", "it names the session where no header does; nothing is stored for later calls"),
        "image": _HERE,
        "include": Field("accepted", "what engines here report is in every answer"),
        "input": CARRIED,
        "instructions": CARRIED,
        "max_output_tokens": CARRIED,
        "max_tool_calls": Field("named", "it limits OpenAI's own tools"),
        "metadata": ACCEPTED,
        "model": Field("translated", "a route, an agent, an engine's model, or a name of gateway.models"),
        "moderation": Field("named", "nothing is moderated here"),
        "parallel_tool_calls": CARRIED,
        "previous_response_id": _STORED,
        "prompt": Field("refused", "no prompts are kept here: send the text"),
        "prompt_cache_key": Field("translated", "the session, where no header names one"),
        "prompt_cache_options": CACHED,
        "prompt_cache_retention": CACHED,
        "reasoning": CARRIED,
        "safety_identifier": ACCEPTED,
        "service_tier": ACCEPTED,
        "store": Field("named", "nothing is stored for later calls", (False,)),
        "stream": CARRIED,
        "stream_options": ACCEPTED,
        "temperature": CARRIED,
        "text": CARRIED,
        "tool_choice": CARRIED,
        "tools": CARRIED,
        "top_logprobs": Field("refused", "no engine's probabilities are passed on", (0,)),
        "top_p": CARRIED,
        "truncation": Field("named", "a prompt beyond the window is refused", ("disabled",)),
        "user": ACCEPTED,
    },
    "reasoning": {
        "effort": Field("translated", "the engine's measure of thinking; none is its least, max is xhigh"),
        "generate_summary": Field("accepted", "thoughts are not passed on"),
        "summary": Field("accepted", "thoughts are not passed on"),
    },
    "text": {
        "format": CARRIED,
        "verbosity": Field("named", "say in the prompt how long the answer is to be", ("medium",)),
    },
    "text.format": {
        "description": Field("translated", "the schema's own description, where it has none"),
        "name": CARRIED,
        "schema": CARRIED,
        "strict": CARRIED,
        "type": CARRIED,
    },
    "input[]": {
        "arguments": CARRIED,
        "call_id": CARRIED,
        "caller": ACCEPTED,
        "content": CARRIED,
        "encrypted_content": THOUGHTS,
        "id": ACCEPTED,
        "input": CARRIED,
        "name": CARRIED,
        "namespace": ACCEPTED,
        "output": CARRIED,
        "phase": ACCEPTED,
        "role": Field("translated", "developer is system"),
        "status": ACCEPTED,
        "summary": THOUGHTS,
        "type": Field(
            "carried",
            "message, function_call, custom_tool_call and their outputs; reasoning is skipped, others are named",
        ),
    },
    "content[]": {
        "annotations": ACCEPTED,
        "detail": Field("named", "each engine sees images in its own resolution", ("auto",)),
        "file_data": Field("translated", "the bytes of a PDF"),
        "file_id": Field("refused", "no files are kept here: send the bytes"),
        "file_url": Field("refused", "files are not fetched: send file_data"),
        "filename": ACCEPTED,
        "image_url": Field("translated", "the bytes of a data: URL; nothing is fetched"),
        "input_audio": CARRIED,
        "logprobs": ACCEPTED,
        "prompt_cache_breakpoint": CACHED,
        "refusal": Field("translated", "text"),
        "text": CARRIED,
        "type": Field("carried", "input_text, output_text, input_image, input_file, input_audio, refusal"),
    },
    "tools[]": {
        "allowed_callers": ACCEPTED,
        "defer_loading": Field("named", "every tool is declared at once", (False,)),
        "description": CARRIED,
        "name": CARRIED,
        "output_schema": Field("accepted", "what a tool returns is not checked"),
        "parameters": CARRIED,
        "strict": CARRIED,
        "type": Field("carried", "function; namespaces and tools of other types are named"),
    },
}
"""By place in the body; "" is the body itself, "content[]" a part of any item's content or output."""

TABLE = FieldTable(FIELDS)
