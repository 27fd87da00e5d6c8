"""The way of one request; `pipeline` reads like the list."""
