"""Which code ran is asked of the interpreter, and what it says of itself of the source."""

from __future__ import annotations

import pytest
import torch

import manualconv
from manualconv.autograd.correlation import Convolution
from manualconv.autograd.softmax import Softmax
from manualconv.explain.worked.ran import equation, stated, watched
from manualconv.functional import conv2d, relu


def test_the_kernel_that_was_asked_for_is_the_one_that_ran() -> None:
    x, w = torch.ones(1, 1, 6, 6), torch.ones(1, 1, 3, 3)
    for name in ("lowering", "shifting", "fourier"):
        with manualconv.algorithm(name):
            _, ran = watched(lambda: conv2d(x, w))
        assert [code.name for code in ran] == ["Convolution", f"{name}.to_output"]
        assert f"kernels/correlation/{name}.py" in ran[1].place


def test_watching_leaves_the_profiler_that_was_there_and_the_call_s_error_alone() -> None:
    import sys

    def profiler(*_: object) -> None:
        """Somebody else's."""

    sys.setprofile(profiler)
    try:
        with pytest.raises(ZeroDivisionError):
            watched(lambda: 1 // 0)
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    value, ran = watched(lambda: relu(torch.tensor([-1.0, 2])).tolist())
    assert value == [0, 2]
    assert [code.name for code in ran] == ["ReLU"]


def test_equations_are_read_from_the_source() -> None:
    from manualconv.autograd import softmax as module

    assert equation(Convolution).text.startswith("y[n, (g o), p] = b[(g o)] + Σ_{c,k}")
    assert equation(Softmax).text == "p = e^d / Σ e^d"
    assert stated(module, "LogSoftmax   ∂y_i").place.startswith("manualconv/autograd/softmax.py:")
    with pytest.raises(LookupError, match="does not say 'no such words'"):
        stated(module, "no such words")
