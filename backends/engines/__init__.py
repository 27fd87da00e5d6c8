"""Engines: real clients behind one verb, `stream`."""
