"""How well each engine would answer a prompt, and the dial between cost and quality that compares them.

`card.json` says what the weights were trained on, how well they do and where they do not.
"""
