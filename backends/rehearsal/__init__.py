"""Twins of both engines on loopback, and the traffic of eleven agents: practice before the incident."""
