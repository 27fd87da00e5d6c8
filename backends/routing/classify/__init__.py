"""What a prompt asks for and how hard it is, read from its text alone.

Intents: chat, extraction, classification, summarising, translation, rewriting, creative-writing, coding, debugging,
maths-logic, planning, research, audit, trend-analysis, health-check, tool-use. `card.json` says what the weights were
trained on, when, how well they do and where they do not.
"""
