"""On a system that lacks what Linux has: the package, the command line and the training program do without.

What is not here is simulated: another name of the system, no fork, no affinity, no /proc, no modules of POSIX, no team
of torch's threads, and a system encoding that has ASCII alone.  None of it shows that Windows runs the tests; each has
been what breaks a program there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.conftest import write_data
from tests.train.programs import FILES

ROOT = Path(__file__).resolve().parents[1]

#: Run before anything of ours is imported; torch and NumPy know their own system and are loaded as they are.
LACKING = """
import builtins, io, os, pathlib, re, signal, sys, sysconfig, warnings
import numpy, torch
sysconfig.get_config_vars()  # Python 3.10 asks its own system only now
for name in ("fork", "register_at_fork", "sched_getaffinity", "getuid", "uname", "mkfifo"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGPIPE", "SIGHUP"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fcntl", "resource", "pwd", "termios", "pty"):
    sys.modules[name] = None
as_it_was = io.open
OURS = r"(manualconv|train)(\\.|$)"
def opened(file, mode="r", buffering=-1, encoding=None, *rest, **options):
    if str(file).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", str(file))
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if "b" not in mode and encoding is None and re.match(OURS, caller):
        raise EncodingWarning(f"{caller} opens {file} in the system's encoding")
    return as_it_was(file, mode, buffering, encoding, *rest, **options)
io.open = builtins.open = opened
if hasattr(pathlib, "_NormalAccessor"):  # Python 3.10's Path has taken io.open by then
    pathlib._NormalAccessor.open = staticmethod(opened)
sys.platform = SYSTEM
# What a Path opens is warned of where the Path is asked.
warnings.filterwarnings("error", category=EncodingWarning, module=OURS)
"""

PACKAGE = """
import manualconv
from manualconv import functional
from manualconv.bench.machine import cpu_name
from manualconv.kernels import compiling
from manualconv.torch_internals import threads
from manualconv.cli import main
compiling.thread_team = lambda: None  # of wheels that bring another OpenMP
torch.set_num_threads(2)
compiling.SHARED = 0
x = torch.arange(2 * 32 * 40 * 40.0).view(2, 32, 40, 40) % 7
w = torch.arange(32 * 9.0).view(32, 1, 3, 3) % 5
for kernel, sizes in ((w, {"groups": 32}), (w.repeat(1, 32, 1, 1), {})):
    leaves = [t.clone().requires_grad_() for t in (x, kernel)]
    ours, theirs = (torch.autograd.grad(f(*leaves, **sizes).square().sum(), leaves)
                    for f in (functional.conv2d, torch.conv2d))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)
assert torch.equal(functional.max_pool2d(x, 3, 2, 1), torch.max_pool2d(x, 3, 2, 1))
assert cpu_name()
assert main(["choice", "--input", "2,32,40,40", "--weight", "32,1,3,3", "--groups", "32"]) == 0
"""

TRAINING = """
from train.cli import main
from train import measurement
assert measurement.memory("VmRSS") is None
words = ["--backend", "manual", "--data-dir", sys.argv[1], "--batch-size", "110", "--epochs", "1", "--threads", "1"]
assert main([*words, "--no-report", "--out", sys.argv[2]]) == 0
"""

TRYING = """
def tried(fault):
    try:
        exec(fault)
    except Exception as error:
        return type(error).__name__
"""


def run(program: str, system: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it on such a system."""
    # Python then opens text as ASCII, what is said too: as Windows' cp1252, it lacks the mathematical letters.
    lacking = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    code = f"SYSTEM = {system!r}\n{LACKING}{program}"
    command = [sys.executable, "-X", "warn_default_encoding", "-c", code, *map(str, words)]
    return subprocess.run(command, env=os.environ | lacking, capture_output=True, text=True, encoding="ascii")


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_package_its_command_line_and_the_training_program(system: str, tmp_path: Path) -> None:
    ended = run(PACKAGE + TRAINING, system, write_data(tmp_path / "data"), tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "to_output: " in ended.stdout
    assert "test accuracy" in ended.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_every_text_file_is_opened_with_an_encoding() -> None:
    """By ruff's rule, which is still a preview; what it cannot see, a path of unknown type, the simulation meets."""
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--isolated", "--preview", "--select", "PLW1514"]
    ended = subprocess.run([*command, "manualconv", "train", "tests"], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_a_file_opened_in_the_system_s_encoding_is_noticed() -> None:
    """That the simulation can fail: what it warns of, /proc, and a module that is not there."""
    in_train = "exec({call!r}, {{**globals(), '__name__': 'train.x'}})"
    faults = {
        in_train.format(call="open(sys.executable)"): "EncodingWarning",
        in_train.format(call="pathlib.Path(sys.executable).read_text()"): "EncodingWarning",
        "import fcntl": "ModuleNotFoundError",
        "pathlib.Path('/proc/self/status').read_text(encoding='ascii')": "FileNotFoundError",
    }
    ended = run(f"{TRYING}for fault in {list(faults)}:\n    print(tried(fault))", "win32")
    assert ended.stdout.splitlines() == list(faults.values()), ended.stderr
