"""The self-test: a core of its own between twins, in a home of its own, and what must hold whatever fails around it."""
