"""What an engine's address says: which server it is, and whether that is this machine."""

from urllib.parse import urlsplit


def origin(url: str) -> str:
    """Scheme, host and port, without user, path or query; empty where there is no host."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def relayed_by_name(model: str) -> bool:
    """Does its name say that Ollama passes this model's prompts on to another machine?"""
    tag = model.rpartition(":")[2]
    return tag == "cloud" or tag.endswith("-cloud")
