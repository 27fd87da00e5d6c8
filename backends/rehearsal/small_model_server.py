"""The small model's own process: llama.cpp's HTTP server on a free loopback port, which it writes to stdout."""

import json
import sys
import threading
from typing import Any

from backends.rehearsal.parent_watchdog import die, when_parent_ends

CONTEXT = 4_096
SLOTS = 2


def main(path: str, threads: int) -> int:
    """Serve the GGUF file at `path` with so many threads until the parent ends."""
    when_parent_ends(die)
    server = _serve(path, threads)
    sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdout.flush()
    threading.Event().wait()
    return 0


def _serve(path: str, threads: int) -> Any:
    from xllamacpp import CommonParams, Server

    # No niceness: ggml's threads wait for each other, and on a busy machine nice 5 makes 3 tokens/s of 30.
    params = CommonParams()
    params.model.path = path
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT * SLOTS
    params.n_parallel = SLOTS
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cpuparams.poll = params.cpuparams_batch.poll = 0  # polling threads starve each other on a busy machine
    params.n_gpu_layers = 0
    params.cache_ram_mib = 64
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.warmup = False  # half a second of start
    params.ui = False
    params.verbosity = -1
    return Server(params)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))
