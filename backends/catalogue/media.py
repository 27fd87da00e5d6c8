"""Which files a model can be shown, by MIME type.

Source: ai.google.dev/gemini-api/docs/image-understanding, /document-processing, /audio, read on 2026-11-30. GIF is not
among them: Gemini answers it with 400.
"""

from backends.catalogue.gemini_models import MediaKind, Model

MIME_TYPES: dict[MediaKind, frozenset[str]] = {
    "image": frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}),
    "pdf": frozenset({"application/pdf"}),
    "audio": frozenset(
        {"audio/wav", "audio/mp3", "audio/mpeg", "audio/aiff", "audio/aac", "audio/ogg", "audio/flac", "audio/x-wav"}
    ),
}


def takes(model: Model, media_type: str) -> bool:
    """Can `model` be shown a file of this type, in lower case and without parameters?"""
    return any(media_type in MIME_TYPES[kind] for kind in model.media)
