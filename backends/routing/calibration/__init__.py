"""Corrections of the router's estimates, learned from ratings and checks."""
