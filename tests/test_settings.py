"""A layer under the settings that change how torch runs: dtypes, autocast, grad modes, anomaly mode, hooks.

What torch does is asked of torch, here and now: where it raises, ours raises the same type.
"""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from tests.layers import AFFINE, PAIRS, TWINS, WEIGHTED, Example, Layer, close

EVERY = pytest.mark.parametrize("layer", PAIRS.values(), ids=PAIRS)
EVERY_WEIGHTED = pytest.mark.parametrize("layer", WEIGHTED.values(), ids=WEIGHTED)
#: Evaluation folds the weight into one factor of the input, so that a weight without a gradient is not saved.
SAVING = {name: layer for name, layer in AFFINE.items() if name != "batch_norm in evaluation"}
EVERY_SAVING = pytest.mark.parametrize("layer", SAVING.values(), ids=SAVING)
EVERY_MODULE = pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)

NARROW = (torch.int32, torch.int16, torch.int8)

# --------------------------------------------------------------------------------------------------------- dtypes


@EVERY_WEIGHTED
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_narrow_integers_convolve_as_wide_ones(layer: Example, dtype: torch.dtype) -> None:
    """torch takes them without dilation only; where it does, it agrees.  Others: docs/CAPABILITIES.md."""
    wide, narrow = (tuple((t / 4).to(kind) for t in layer.integers()) for kind in (torch.int64, dtype))
    assert torch.equal(layer.by_hand(*narrow), layer.by_hand(*wide).to(dtype))


@EVERY_WEIGHTED
def test_bits_are_refused_as_torch_refuses_them(layer: Example) -> None:
    bits = tuple(t.bool() for t in layer.integers())
    with pytest.raises(RuntimeError, match="Bool") as refusal:
        layer.referee(*bits)
    with pytest.raises(refusal.type):
        layer.by_hand(*bits)


@EVERY
def test_autocast_leaves_float64_alone(layer: Example) -> None:
    inputs = layer.leaves()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer.by_hand(*inputs)
    assert y.dtype == layer.referee(*inputs).dtype == torch.float64
    close(y, layer.referee(*inputs))


# ----------------------------------------------------------------------------------------------- grad modes, anomaly


@EVERY_SAVING
def test_an_inference_tensor_in_a_graph_is_refused_as_torch_refuses_it(layer: Example) -> None:
    x, w, b = layer.leaves()
    with torch.inference_mode():
        w = w * 1
    for apply in (layer.referee, layer.by_hand):
        with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
            apply(x, w, b)


@EVERY_WEIGHTED
@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
@pytest.mark.filterwarnings("ignore:Error detected in")
def test_anomaly_mode_passes_and_names_our_node(layer: Example) -> None:
    inputs = layer.leaves()
    with torch.autograd.detect_anomaly():
        layer.by_hand(*inputs).pow(2).sum().backward()
        y = layer.by_hand(*inputs)
        with pytest.raises(RuntimeError, match=r"Function '\w*(Convolution|View)\w*' returned nan values"):
            grad(y, inputs, torch.full_like(y, torch.nan))


# ---------------------------------------------------------------------------------------------------------- hooks


def heard(module: torch.nn.Module, image: Tensor) -> list[Any]:
    """What every kind of hook is told, in order."""
    told: list[Any] = []
    handles = [
        module.register_forward_pre_hook(lambda m, args: told.append(("before", args[0].detach()))),
        module.register_forward_hook(lambda m, args, y: told.append(("after", y.detach()))),
        module.register_full_backward_pre_hook(lambda m, g: told.append(("cotangent", g[0]))),
        module.register_full_backward_hook(lambda m, g_in, g_out: told.append(("gradient", g_in[0], g_out[0]))),
    ]
    for name, p in module.named_parameters():
        handles += [
            p.register_hook(lambda g, name=name: told.append((f"gradient of {name}", g))),
            p.register_post_accumulate_grad_hook(lambda p, name=name: told.append((f"kept for {name}", p.grad))),
        ]
    leaf = image.clone().requires_grad_()
    inner = leaf * 1
    inner.retain_grad()
    y = module(inner)
    y.register_hook(lambda g: told.append(("tensor", g)))
    y.pow(2).sum().backward()
    for handle in handles:
        handle.remove()
    return [*told, ("leaf", leaf.grad), ("retained", inner.grad)]


@EVERY_MODULE
def test_every_hook_is_told_what_torch_s_is(twins: Layer) -> None:
    ours, theirs = (heard(module, twins.image()) for module in twins.make())
    order = {name: n for n, (name, *_) in enumerate(theirs)}
    assert {name: n for n, (name, *_) in enumerate(ours)}.keys() == order.keys()
    for name in order:
        got, expected = ([t for n, *told in side if n == name for t in told] for side in (ours, theirs))
        assert len(got) == len(expected)
        close(sorted(got, key=lambda t: t.shape), sorted(expected, key=lambda t: t.shape))


@EVERY_MODULE
def test_a_hook_may_change_the_gradient(twins: Layer) -> None:
    results = []
    for module in twins.make():
        leaf = twins.image().requires_grad_()
        module.register_full_backward_pre_hook(lambda m, g: (2 * g[0],))
        module.weight.register_hook(lambda g: -g)
        module(leaf).pow(2).sum().backward()
        results.append((leaf.grad, module.weight.grad, module.bias.grad))
    close(*results)
