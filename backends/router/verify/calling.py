"""Does the answer call a tool where one must be called, and are its calls readable?"""

from backends.engines import written_calls
from backends.router.verify.word import Answered, Word, failed, passed, unknown
from backends.types import Request

CHECK = "calling"


def must_call(request: Request) -> bool:
    """Does the request's tool_choice ask for a call?"""
    return bool(request.tools) and request.tool_choice not in ("auto", "none")


def called(answered: Answered) -> Word:
    """Fail where a call was asked for and none, or another tool's, was made."""
    request = answered.request
    if not must_call(request):
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
