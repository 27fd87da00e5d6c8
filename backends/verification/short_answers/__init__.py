"""The learned score for answers that are an option or a number, and what it reads.

`card.json` says what the weights were trained on, how far they may be trusted and where they may not.
"""
