"""What claw does with every field of Gemini's `generateContent`, which its servers take in camelCase and in snake_case.

Source: google-genai 2.22.0, types.py, read on 2026-11-30.
"""

from backends.gateway.dialects.field_table import ACCEPTED, CARRIED, THOUGHTS, Field, FieldTable

_HERE = Field("named", "only Google's own servers do this")
_TEXT = Field("refused", "answers are text")
_PROBABILITIES = Field("refused", "no engine's probabilities are passed on", (False, 0))

FIELDS: dict[str, dict[str, Field]] = {
    "": {
        "cachedContent": Field("refused", "no contents are kept here: send them"),
        "contents": CARRIED,
        "generationConfig": CARRIED,
        "labels": ACCEPTED,
        "model": Field("translated", "a route, an agent, an engine's model, or a name of gateway.models"),
        "safetySettings": _HERE,
        "serviceTier": ACCEPTED,
        "store": Field("named", "nothing is stored for later calls", (False,)),
        "systemInstruction": CARRIED,
        "toolConfig": CARRIED,
        "tools": CARRIED,
    },
    "contents[]": {"parts": CARRIED, "role": CARRIED},
    "parts[]": {
        "codeExecutionResult": _HERE,
        "executableCode": _HERE,
        "fileData": Field("refused", "files are not fetched: send inlineData"),
        "functionCall": CARRIED,
        "functionResponse": CARRIED,
        "inlineData": Field("translated", "an image, a PDF or a recording"),
        "mediaProcessing": ACCEPTED,
        "mediaResolution": Field("named", "each engine sees images in its own resolution"),
        "partMetadata": ACCEPTED,
        "text": CARRIED,
        "thought": THOUGHTS,
        "thoughtSignature": CARRIED,
        "toolCall": _HERE,
        "toolResponse": _HERE,
        "videoMetadata": _HERE,
    },
    "functionCall": {"args": CARRIED, "id": CARRIED, "name": CARRIED},
    "functionResponse": {
        "id": CARRIED,
        "name": CARRIED,
        "parts": Field("named", "send files beside the result"),
        "response": Field("translated", "its output or result where it has nothing else, otherwise all of it as JSON"),
        "scheduling": _HERE,
        "willContinue": _HERE,
    },
    "inlineData": {"data": CARRIED, "displayName": ACCEPTED, "mimeType": CARRIED},
    "tools[]": {"functionDeclarations": CARRIED},
    "functionDeclarations[]": {
        "behavior": _HERE,
        "description": CARRIED,
        "name": CARRIED,
        "parameters": Field("translated", "JSON schema"),
        "parametersJsonSchema": CARRIED,
        "response": Field("accepted", "what a tool returns is not checked"),
        "responseJsonSchema": Field("accepted", "what a tool returns is not checked"),
    },
    "toolConfig": {
        "functionCallingConfig": CARRIED,
        "includeServerSideToolInvocations": _HERE,
        "retrievalConfig": _HERE,
    },
    "functionCallingConfig": {
        "allowedFunctionNames": CARRIED,
        "mode": Field("translated", "ANY is required, VALIDATED is auto"),
        "streamFunctionCallArguments": ACCEPTED,
    },
    "generationConfig": {
        "audioTimestamp": _HERE,
        "candidateCount": Field("translated", "as many calls"),
        "enableEnhancedCivicAnswers": _HERE,
        "frequencyPenalty": CARRIED,
        "logprobs": _PROBABILITIES,
        "maxOutputTokens": CARRIED,
        "mediaResolution": Field("named", "each engine sees images in its own resolution"),
        "presencePenalty": CARRIED,
        "responseJsonSchema": CARRIED,
        "responseLogprobs": _PROBABILITIES,
        "responseMimeType": CARRIED,
        "responseModalities": Field("refused", "answers are text", (["TEXT"], ["text"], [])),
        "responseSchema": Field("translated", "JSON schema"),
        "routingConfig": _HERE,
        "seed": CARRIED,
        "speechConfig": _TEXT,
        "stopSequences": CARRIED,
        "temperature": CARRIED,
        "thinkingConfig": CARRIED,
        "topK": CARRIED,
        "topP": CARRIED,
    },
    "thinkingConfig": {
        "includeThoughts": Field("named", "thoughts are not passed on", (False,)),
        "thinkingBudget": Field("translated", "the most thinking tokens; -1 leaves it to the engine"),
        "thinkingLevel": Field("translated", "the engine's measure of thinking"),
    },
}
"""By place in the body, in camelCase; "" is the body itself."""

TABLE = FieldTable(FIELDS)
