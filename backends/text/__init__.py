"""Text for people: amounts, durations, counts, the words of an explanation, and foreign text made safe to print."""
