from tests.backends.engines.twins import gemini, gemini_twin, ollama, ollama_twin

__all__ = ["gemini", "gemini_twin", "ollama", "ollama_twin"]
