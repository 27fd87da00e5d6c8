"""How Ollama describes its models: in tags, show and ps."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from backends.rehearsal.behaviour import Behaviour, TwinModel
from backends.rehearsal.loaded_models import ResidentModel

VERSION = "0.13.1"
PULLED = datetime(2026, 1, 5, 9, 30, tzinfo=UTC).isoformat()


def tag(model: TwinModel) -> dict[str, Any]:
    """One entry of /api/tags."""
    entry: dict[str, Any] = {
        "name": model.name,
        "model": model.name,
        "modified_at": PULLED,
        "size": model.size_b,
        "digest": digest(model.name),
        "details": details(model),
    }
    if model.remote_host:
        entry |= {"remote_model": model.name.removesuffix("-cloud"), "remote_host": model.remote_host}
    return entry


def show(model: TwinModel) -> dict[str, Any]:
    """The body of /api/show."""
    family = details(model)["family"]
    body: dict[str, Any] = {
        "license": "Apache License, Version 2.0",
        "modelfile": f"FROM {model.name}\n",
        "parameters": 'stop                           "<|im_end|>"',
        "template": "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}",
        "details": details(model),
        "model_info": {
            "general.architecture": family,
            "general.parameter_count": 14_770_033_664 if family == "qwen2" else 136_727_040,
            f"{family}.attention.head_count": model.heads,
            f"{family}.attention.head_count_kv": model.kv_heads,
            f"{family}.block_count": model.layers,
            f"{family}.context_length": model.context,
            f"{family}.embedding_length": model.width,
        },
        "capabilities": list(model.capabilities),
        "modified_at": PULLED,
    }
    if model.remote_host:
        body |= {"remote_model": model.name.removesuffix("-cloud"), "remote_host": model.remote_host}
    return body


def process(resident: ResidentModel, behaviour: Behaviour) -> dict[str, Any]:
    """One entry of /api/ps: the weights and the window's cache, and how much of both lies on the GPU."""
    model = behaviour.model(resident.name) or TwinModel(name=resident.name)
    size = model.size_b + resident.window * model.kv_bytes
    return {
        "name": model.name,
        "model": model.name,
        "size": size,
        "digest": digest(model.name),
        "details": details(model),
        "expires_at": resident.expires_at.isoformat(),
        "size_vram": int(size * behaviour.vram_share),
        "context_length": resident.window,
    }


def details(model: TwinModel) -> dict[str, Any]:
    qwen = "completion" in model.capabilities
    family = "qwen2" if qwen else "nomic-bert"
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": "14.8B" if qwen else "137M",
        "quantization_level": "Q4_K_M" if qwen else "F16",
    }


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()
