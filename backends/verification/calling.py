"""Does the answer call a tool where one must be called, and are its calls readable?"""

from backends.engines import written_calls
from backends.verification.word import Answered, Word, failed, passed, unknown

CHECK = "calling"


def called(answered: Answered) -> Word:
    """Fail where a call was asked for and none, or another tool's, was made."""
    request = answered.request
    if not request.must_call:
        return unknown(CHECK)
    if not answered.calls:
        return failed(CHECK, "no tool is called, though tool_choice asks for it")
    if request.tool_choice != "required" and any(call.name != request.tool_choice for call in answered.calls):
        return failed(CHECK, "another tool is called than tool_choice names")
    return passed(CHECK)


def readable(answered: Answered) -> Word:
    """Fail where the text is meant as a tool call, and no tool was called by it."""
    request = answered.request
    if answered.calls or not request.tools or request.tool_choice == "none":
        return unknown(CHECK)
    tools = {tool.name: tool.parameters for tool in request.tools}
    if written_calls.read(answered.text, tools, of_json=request.response_format.kind != "text").failed:
        return failed(CHECK, "a tool call that cannot be read")
    return unknown(CHECK)
