"""Correctness and quality: what claw does, compared with recorded, labelled or counted data."""
