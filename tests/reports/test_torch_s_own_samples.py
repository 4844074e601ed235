"""What torch's own test-suite calls its functions and modules with, through ours: values, gradients, dtypes, errors.

``OpInfo`` and ``ModuleInfo`` are torch's tables of inputs for its tests.  They are private, and import a package that
torch does not ask for; where they cannot be had these tests are left out.
"""

import sys
import types
import unittest
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

import manualconv.functional as M
import manualconv.nn as MN


def _tables() -> tuple[Any, Any]:
    """torch's lists of operators and modules; expecttest, which compares printed text, is not used by them."""
    if "expecttest" not in sys.modules:
        try:
            import expecttest  # type: ignore[import-not-found]  # noqa: F401
        except ImportError:
            stand_in = types.ModuleType("expecttest")
            stand_in.TestCase = unittest.TestCase  # type: ignore[attr-defined]
            stand_in.assert_expected_inline = None  # type: ignore[attr-defined]
            sys.modules["expecttest"] = stand_in
    try:
        from torch.testing._internal import common_methods_invocations, common_modules
    except Exception as error:
        pytest.skip(f"torch's own tables cannot be imported: {error}", allow_module_level=True)
    return common_methods_invocations.op_db, common_modules.module_db


OPERATORS, MODULES = _tables()
OURS = {
    info.name + "/" + info.variant_test_name: info
    for info in OPERATORS
    if info.name.split(".")[-1] in M.__all__ and not info.name.startswith("masked") and info.name != "unfold"
}
LAYERS = {info.module_cls.__name__: info for info in MODULES if hasattr(MN, info.module_cls.__name__)}
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.complex64, torch.int64, torch.uint8, torch.bool)
#: Numbers of one sum add up in another order: relative to the largest entry.
BOUNDS = {torch.float64: 1e-9, torch.float32: 3e-4, torch.bfloat16: 5e-2, torch.complex64: 3e-4}
#: Whose sums half precision rounds in torch's kernels and ours at other places.
ROUNDED = ("softmax", "log_softmax", "softmin", "cross_entropy")
#: Of this many samples in a row every one is called, of more only some.
MANY = 6
#: So many samples take seconds to make.
COSTLY = 250

#: What we take and torch does not, or otherwise: a part of the operator's name, of torch's or of our message.
APART = (
    ("avg_pool3d", "\"avg_pool3d_out_frame\" not implemented for 'BFloat16'"),
    ("conv", "slow_conv"),
    ("dropout", "\"bernoulli_scalar_cpu_\" not implemented for 'ComplexFloat'"),
    ("", "does not support automatic differentiation for outputs with complex dtype"),
    ("hardsigmoid", "the sixth of the slope is rounded to single precision"),
)


def _copied(values: Any) -> Any:
    def copy(t: Any) -> Any:
        return t.detach().clone().requires_grad_(t.requires_grad) if isinstance(t, Tensor) else t

    return tree_map(copy, values)


def _outcome(call: Callable[..., Any], args: Any, kwargs: Any) -> tuple[str, Any, Any]:
    """An error's type and message, or results and gradients."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            outputs = [t for t in tree_leaves(call(*args, **kwargs)) if isinstance(t, Tensor)]
        except Exception as error:
            return type(error).__name__, str(error), None
        leaves = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor) and t.requires_grad]
        wanted = [t for t in outputs if t.requires_grad]
        if not wanted or not leaves:
            return "", outputs, []
        cotangents = [(torch.arange(t.numel()) % 5 - 2).reshape(t.shape).to(t.dtype) for t in wanted]
        return "", outputs, torch.autograd.grad(wanted, leaves, cotangents, allow_unused=True)


def _compare(theirs: list[Tensor | None], ours: list[Tensor | None], where: str, strides: bool) -> None:
    assert len(theirs) == len(ours), where
    for a, b in zip(theirs, ours):
        if a is None or b is None:
            assert a is b, where
            continue
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        a, b = a.detach(), b.detach()
        bound = BOUNDS.get(a.dtype, 0)
        largest = float(a.abs().nan_to_num(0, 0, 0).max()) if a.numel() and bound else 1.0
        torch.testing.assert_close(b, a, rtol=0, atol=bound * max(largest, 1.0), equal_nan=True, msg=where)
        if strides:
            axes = [axis for axis, size in enumerate(a.shape) if size > 1]
            assert [a.stride(x) for x in axes] == [b.stride(x) for x in axes] or a.numel() == 0, where


def _same(name: str, theirs: Callable[..., Any], ours: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """One call of torch's function and of ours."""
    t_args, t_kwargs = _copied((args, kwargs))
    o_args, o_kwargs = _copied((args, kwargs))
    error, expected, slopes = _outcome(theirs, t_args, t_kwargs)
    raised, results, gradients = _outcome(ours, o_args, o_kwargs)
    shown = tree_map(lambda t: (tuple(t.shape), t.dtype) if isinstance(t, Tensor) else t, (args, kwargs))
    where = f"{name}{shown}: {error} {expected if error else ''} | {raised} {results if raised else ''}"
    if error and any(part in name and words in expected for part, words in APART):
        return
    if not error and expected[0].numel() == 0 and not expected[0].is_floating_point():
        return  # whole numbers, and none of them
    if not error and name in ROUNDED and expected[0].dtype == torch.bfloat16:
        return
    assert raised == error, where
    if not error:
        _compare(expected, results, where, strides=True)
        if name != "hardsigmoid" or expected[0].dtype != torch.float64:
            _compare(slopes, gradients, where, strides=False)


def _calls(info: Any) -> Iterator[tuple[Any, Any]]:
    """Some of an operator's samples in every dtype; those that torch cannot make for a dtype are none.

    To make a thousand takes longer than to call the few: float64's are cast to the other dtypes then.
    """
    cast: list[tuple[Any, Any]] = []
    for dtype in DTYPES:
        differentiable = dtype.is_floating_point or dtype.is_complex

        def converted(t: Any, dtype: torch.dtype = dtype, differentiable: bool = differentiable) -> Any:
            fractional = isinstance(t, Tensor) and t.is_floating_point()
            return t.detach().to(dtype).requires_grad_(differentiable) if fractional else t

        if cast:
            yield from (tree_map(converted, call) for call in cast)
            continue
        try:
            torch.manual_seed(0)
            # `sample_inputs` would look through the stack for the name of torch's test at every sample.
            samples = list(info.sample_inputs_func(info, "cpu", dtype, differentiable))
        except Exception:
            continue
        some = [((s.input, *s.args), s.kwargs) for s in samples[:: max(1, len(samples) // MANY)]]
        cast = some if len(samples) > COSTLY else []
        yield from some


@pytest.mark.parametrize("operator", OURS)
def test_a_sample_of_torch_s_own_tests_comes_out_as_torch_s(operator: str) -> None:
    """CASES row 21: values, gradients, dtypes and strides; a dtype that torch refuses is refused with its error."""
    info = OURS[operator]
    name = info.name.split(".")[-1]
    theirs = getattr(F, name, None) or getattr(torch, name)
    for args, kwargs in _calls(info):
        _same(name, theirs, getattr(M, name), args, kwargs)


@pytest.mark.parametrize("operator", [name for name, info in OURS.items() if info.error_inputs_func])
def test_what_torch_s_own_tests_expect_to_be_refused_is_refused(operator: str) -> None:
    """The same type of error as torch raises."""
    info = OURS[operator]
    name = info.name.split(".")[-1]
    theirs = getattr(F, name, None) or getattr(torch, name)
    for refused in info.error_inputs("cpu"):
        sample = refused.sample_input
        _same(name, theirs, getattr(M, name), (sample.input, *sample.args), sample.kwargs)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_a_module_of_torch_s_own_tests_does_what_torch_s_does(layer: str, training: bool) -> None:
    """Constructed and called with the inputs of torch's tests, in both modes: results, gradients, state."""
    info = LAYERS[layer]
    for dtype in (torch.float64,):
        inputs = info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training)
        for given in inputs:
            if given.forward_input is None:
                continue
            made, called = given.constructor_input, given.forward_input
            modules = []
            for library in (torch.nn, MN):
                torch.manual_seed(0)
                module = getattr(library, layer)(*made.args, **made.kwargs)
                modules.append(module.to(dtype).train(training))
            _same(layer, modules[0], modules[1], called.args, called.kwargs)
            states = [{k: t for k, t in m.state_dict().items() if torch.is_tensor(t)} for m in modules]
            assert states[0].keys() == states[1].keys()
            for key, t in states[0].items():
                torch.testing.assert_close(states[1][key], t, rtol=1e-4, atol=1e-5, equal_nan=True)
