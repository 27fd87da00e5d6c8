"""The core's few verbs, here and over a socket."""
