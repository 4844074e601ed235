"""`manualconv compile`: every loop is compiled by it, and then no layer compiles anything."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba")
from manualconv import cli
from manualconv.kernels import beforehand, compiling

if not compiling.is_installed():
    pytest.skip("Numba is told to compile nothing", allow_module_level=True)

#: A training step and the families of layers that have loops, on other sizes, strides, dilations and groups.
LAYERS = """
import torch
from manualconv import functional as F, nn

def differentiated(y, *leaves):
    grads = torch.autograd.grad(y, leaves, torch.randn_like(y), create_graph=True)
    torch.autograd.grad(sum((g * g).sum() for g in grads), leaves, allow_unused=True)

torch.manual_seed(0)
for dtype in (torch.float32, torch.float64):
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 10),
    ).to(dtype)
    x = torch.randn(64, 1, 28, 28, dtype=dtype)
    nn.CrossEntropyLoss()(net(x), torch.randint(0, 10, (64,))).backward()
    for groups, stride, dilation in ((1, 1, 1), (8, 1, 1), (4, 2, 1), (1, (2, 1), 2), (8, 2, 3)):
        x = torch.randn(4, 8, 60, 52, dtype=dtype, requires_grad=True)
        w = torch.randn(16, 8 // groups, 3, 3, dtype=dtype, requires_grad=True)
        differentiated(F.conv2d(x, w, None, stride, 1, dilation, groups), x, w)
    x = torch.randn(2, 4, 16, 30, 30, dtype=dtype, requires_grad=True)
    differentiated(F.conv3d(x, torch.randn(4, 4, 3, 3, 3, dtype=dtype)), x)
    differentiated(F.max_pool3d(x, 3, 2, 1), x)
    differentiated(F.avg_pool3d(x, 3, 1, 1), x)
    x = torch.randn(8, 32, 1024, dtype=dtype, requires_grad=True)
    differentiated(F.conv1d(x, torch.randn(32, 1, 9, dtype=dtype), None, 1, 4, 1, 32), x)
    differentiated(F.max_pool1d(x, 300, 1, 150, 1), x)
    x = torch.randn(4, 8, 64, 64, dtype=dtype, requires_grad=True)
    y, index = F.max_pool2d(x, 3, 2, return_indices=True)
    differentiated(F.max_unpool2d(y, index, 3, 2, output_size=(64, 64)), x)
    differentiated(F.adaptive_max_pool2d(x, 7), x)
    differentiated(F.avg_pool2d(x, 5, 1, 2), x)
"""


def misses() -> set[str]:
    """The loops that this process had to compile, by their types."""
    return {f"{loop.py_func.__name__}{types}" for loop in compiling.LOOPS for types in loop.stats.cache_misses}


def test_after_it_no_layer_compiles_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile"]) == 0
    assert "kept under " in capsys.readouterr().out
    before = misses()
    assert cli.main(["compile"]) == 0
    assert capsys.readouterr().out.startswith("all loops were compiled, kept under ")
    exec(compile(LAYERS, "layers", "exec"), {})
    assert misses() == before


def test_no_loop_is_left_out() -> None:
    """One that no sample layer runs would be compiled in somebody's first step."""
    kernels = Path(compiling.__file__).parent
    for path in kernels.rglob("compiled_*.py"):
        import_module(".".join(("manualconv.kernels", *path.relative_to(kernels).with_suffix("").parts)))
    beforehand.compile_loops()
    ours = [loop for loop in compiling.LOOPS if loop.py_func.__module__.startswith("manualconv.kernels.")]
    # Code that was kept has what it calls in it.
    called = {name for loop in ours for name in loop.py_func.__code__.co_names}
    first = {loop.py_func.__name__: loop for loop in ours if loop.py_func.__name__ not in called}
    assert len(first) >= 5
    assert [name for name, loop in first.items() if not loop.overloads] == []


def test_without_numba_there_is_nothing_to_compile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "is_installed", lambda: False)
    monkeypatch.setattr(beforehand, "is_installed", lambda: False)
    assert cli.main(["compile"]) == 0
    assert "nothing to compile" in capsys.readouterr().out
    assert beforehand.compile_loops() == 0


def test_a_machine_without_a_folder_for_it_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def count() -> Any:
        return 3

    monkeypatch.setattr(beforehand, "compile_loops", count)
    monkeypatch.setattr(beforehand, "folder", lambda: "")
    assert cli.main(["compile"]) == 0
    assert "compiled 3 loops in " in (said := capsys.readouterr().out) and "kept nowhere" in said
