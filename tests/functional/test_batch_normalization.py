"""batch_norm and instance_norm: statistics kept as torch keeps them, dtypes, layouts."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases import Normalization, normalizations
from manualconv.testing.cases.tensors import laid_out
from manualconv.testing.catalogue.normalization import running
from manualconv.testing.referee import leaves
from tests.layers import spread_out

KEPT = normalizations(kinds=("batch", "instance"))


def near(ours: Any, theirs: Any) -> None:
    """Equal up to the order of float64 additions, third powers of 1/√ε among their factors."""
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@given(case=KEPT, momentum=st.sampled_from((0.1, 0.5, 0.0, 1.0, -0.3)))
def test_running_statistics_are_torch_s(case: Normalization, momentum: float) -> None:
    if case.kind == "instance":  # torch's has no answer for no samples
        case = replace(case, shape=(case.shape[0] or 1, *case.shape[1:]))
    results = []
    for library in (functional, F):
        layer, statistics = getattr(library, f"{case.kind}_norm"), running(case)
        layer(case.input(), *statistics, None, None, True, momentum, case.eps)
        results.append(statistics)
    near(*results)


def kept() -> tuple[Tensor, Tensor]:
    """Running statistics."""
    return spread_out((3,), 3), 0.5 + spread_out((3,), 4).abs()


def test_captured_by_torch_func_they_are_kept_as_torch_keeps_them() -> None:
    x, found = spread_out((4, 3, 2)), []
    for library in (functional, F):
        mean, variance = kept()
        layer = partial(library.batch_norm, running_mean=mean, running_var=variance, training=True)
        slope = torch.func.grad(lambda x, layer=layer: layer(x).exp().sum())(x)
        found.append((slope, mean, variance))
    near(*found)


def test_under_vmap_training_is_torch_s_error_and_evaluation_is_right() -> None:
    samples = spread_out((5, 4, 3, 2))
    for library in (functional, F):
        mean, variance = kept()
        with pytest.raises(RuntimeError, match="Batch norm got a batched tensor as input while the running_mean"):
            torch.func.vmap(partial(library.batch_norm, running_mean=mean, running_var=variance, training=True))(
                samples
            )
    for mean, variance in ((None, None), kept()):
        options = {"running_mean": mean, "running_var": variance, "training": mean is None}
        near(*(torch.func.vmap(partial(library.batch_norm, **options))(samples) for library in (functional, F)))
    both = [
        torch.func.vmap(lambda x, m, v, layer=library.batch_norm: (layer(x, m, v, training=True), m, v))(
            samples, *(t.expand(5, 3).clone() for t in kept())
        )
        for library in (functional, F)
    ]
    near(*both)


LAYERS: dict[str, Any] = {
    "batch_norm": lambda library, x, w, b: library.batch_norm(x, None, None, w, b, True),
    # Statistics that every dtype holds exactly.
    "batch_norm, evaluation": lambda library, x, w, b: library.batch_norm(
        x, *((8 * t).round().to(w.dtype) / 8 for t in kept()), w, b
    ),
    "instance_norm": lambda library, x, w, b: library.instance_norm(x, None, None, w, b),
    "layer_norm": lambda library, x, w, b: library.layer_norm(x, (3,), w, b),
    "group_norm": lambda library, x, w, b: library.group_norm(x, 3, w, b),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("mixed", [False, True])
def test_dtypes_are_torch_s_and_half_precision_is_rounded_once(layer: Any, dtype: torch.dtype, mixed: bool) -> None:
    x, w, b = (spread_out(shape, n).to(dtype) for n, shape in enumerate(((4, 3, 5, 3), (3,), (3,))))
    w, b = (t.float() if mixed else t for t in (w, b))
    results = []
    for library in (functional, F):
        inputs = leaves(x, w, b)
        y = layer(library, *inputs)
        results.append([y, *grad(y, inputs, spread_out(tuple(y.shape), 5).to(y.dtype))])
    assert [t.dtype for t in results[0]] == [t.dtype for t in results[1]]
    z, *affine = (t.double() for t in (x, w, b))
    exact, unit = layer(functional, z, *affine), torch.finfo(dtype).eps / 2 if dtype != torch.float32 else 0.0
    # Entries close together lie far from 0 in deviations: how far a rounding of each to float32 moves the result.
    nudges = (
        1 + 2.0**-24 * (2 * torch.randint(0, 2, (16, *x.shape), generator=torch.Generator().manual_seed(0)) - 1)
    ).double()
    moved = torch.stack([(layer(functional, z * nudge, *affine) - exact).abs() for nudge in nudges]).amax(0)
    bound = 1.01 * unit * exact.abs() + 4 * moved + 8 * 2.0**-24 * (1 + exact.abs())
    assert torch.all((results[0][0].double() - exact).abs() <= bound)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_results_lie_in_memory_as_torch_s_do(layer: Any, ndim: int) -> None:
    shape = (*(2, 3, 4, 5, 3)[: ndim + 1], 3)
    for layout in ("contiguous", "channels_last", "transposed", "sliced"):
        found = []
        for library in (functional, F):
            (x,) = leaves(laid_out(spread_out(shape), layout))
            y = layer(library, x, spread_out((3,)), spread_out((3,), 1))
            slope = grad(y, x, spread_out(shape, 2).as_strided(y.shape, y.stride()))[0]
            found.append((y.stride(), slope.stride()))
        assert found[0] == found[1], layout


def test_without_gamma_and_beta_the_output_may_be_edited_in_place() -> None:
    (x,) = leaves(spread_out((4, 3, 5, 3)))
    for y in (functional.batch_norm(x, None, None, training=True), functional.layer_norm(x, (3,))):
        edited = y.relu_()
        assert not edited._is_view()
        assert torch.isfinite(grad(edited.exp().sum(), x)[0]).all()


def test_of_nothing_the_gradients_of_one_channel_s_coefficients_are_0() -> None:
    for library in (torch.nn.functional, functional):
        w, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        y = library.batch_norm(torch.ones(0, 1, 2), None, None, w, b, True)
        assert y.shape == (0, 1, 2)
        assert [g.tolist() for g in grad(y.sum(), (w, b))] == [[0.0], [0.0]]
