import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backends.telemetry import gpu_process
from benchmarks.evaluation.fake_nvml import FakeNvml

ROOT = Path(__file__).parents[3]

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "backends.telemetry.gpu_process", "0.05"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(3600)
"""


@pytest.fixture
def nvml(tmp_path: Path) -> FakeNvml:
    return FakeNvml(tmp_path)


@pytest.fixture
def environment(nvml: FakeNvml) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{nvml.folder}{os.pathsep}{ROOT}"}


def test_it_ends_when_its_stdin_does(environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "backends.telemetry.gpu_process", "3600"]
    done = subprocess.run(words, env=environment, input=b"", capture_output=True, timeout=30, check=True)
    assert json.loads(done.stdout)["state"] == "ok"
    assert done.stderr == b""


def test_a_hung_process_dies_with_its_parent(environment: dict[str, str], nvml: FakeNvml) -> None:
    nvml.fail("hang")
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        while not nvml.starts:
            assert parent.poll() is None
        descriptor = os.pidfd_open(child)
        parent.send_signal(signal.SIGKILL)
    assert select.select([descriptor], [], [], 20)[0], "the child outlived its parent"
    os.close(descriptor)


def test_the_sampling_itself(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that coverage sees it."""
    monkeypatch.syspath_prepend(str(nvml.folder))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    import pynvml

    assert gpu_process.sample(pynvml, 0)[0] == "no-gpu"
    state, _, gpus = gpu_process.sample(pynvml, 2)
    assert (state, len(gpus)) == ("ok", 2)
    assert gpus[0]["name"] == "Fake \x1b[31mGPU"
    nvml.fail("lost")
    state, detail, gpus = gpu_process.sample(pynvml, 2)
    assert (state, len(gpus)) == ("lost", 1)
    assert detail.startswith("GPU 1: ")
    nvml.fail("bare")
    assert gpu_process.gpu_figures(pynvml, 0)["processes"] is None
    monkeypatch.delitem(sys.modules, "pynvml")


@pytest.mark.parametrize(("fault", "state"), [("no-driver", "no-driver"), ("", "ok"), ("no-gpu", "no-gpu")])
def test_a_run_writes_one_line_where_there_is_nothing_more_to_sample(nvml: FakeNvml, fault: str, state: str) -> None:
    nvml.fail(fault)
    done = subprocess.run(
        [sys.executable, "-m", "backends.telemetry.gpu_process", "0.01"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PYTHONPATH": f"{nvml.folder}:{Path(gpu_process.__file__).parents[2]}"},
        check=True,
    )
    assert json.loads(done.stdout)["state"] == state
