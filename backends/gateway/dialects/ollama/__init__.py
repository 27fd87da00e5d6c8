"""Ollama's own API: chat and generate."""
