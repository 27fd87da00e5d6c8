"""Samples of the GPUs, the host and the engines' servers."""
