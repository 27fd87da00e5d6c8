"""Twins of every engine on loopback, and the traffic of eleven agents: practice before the incident."""
