"""Layer, group and local response normalisation.

    layer_norm             x̂ over the last axes               y = γ·x̂ + β, γ and β of those axes' shape
    group_norm             x̂ over C/G channels and positions  y = γ·x̂ + β, γ and β one number a channel
    local_response_norm    y[c] = x[c] / (k + α·Σ_{c'} x[c']²/size)^β        c − ⌊size/2⌋ ≤ c' ≤ c + ⌊(size − 1)/2⌋

The first two are `Standardize` over other axes than batch normalisation's.  The last is AlexNet's: the sum is that of
average pooling, along channels.  Half precision is computed in float32 and rounded once, at the end.

Source: Ba, Kiros and Hinton, *Layer Normalization*, arXiv 1607.06450; Wu and He, *Group Normalization*, arXiv
1803.08494; Krizhevsky, Sutskever and Hinton, *ImageNet Classification with Deep CNNs*, section 3.3.
"""

from __future__ import annotations

from functools import reduce
from math import prod

import torch
from torch import Tensor

from manualconv.autograd.standardization import Standardize
from manualconv.autograd.summation import SumWindows
from manualconv.functional.affine import arranged, behind
from manualconv.functional.precision import cast
from manualconv.functional.refusals import normalization as validation
from manualconv.geometry import Window
from manualconv.kernels.precision import single
from manualconv.torch_internals import shaped


def _promoted(x: Tensor, number: float | Tensor) -> Tensor:
    """A tensor of the axes of x and the dtype that x has after arithmetic with a number."""
    return x if isinstance(number, (float, int)) else x.new_empty((1,) * x.dim(), dtype=torch.result_type(x, number))


def layer_norm(
    input: Tensor,
    normalized_shape: list[int] | tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer normalisation over the last axes, its derivatives right at every order.

    Args:
        input: ``(*, *normalized_shape)``; floating point.
        normalized_shape: the sizes of the axes that are standardised together, at least one.
        weight, bias: γ and β, each of shape `normalized_shape`, or None.
        eps: added to the variance, under the root.

    Returns:
        The shape and dtype of `input`, contiguous.

    Raises:
        TypeError: an argument of another kind.
        RuntimeError: no axis to standardise over; shapes or dtypes that do not fit.
        NotImplementedError: another dtype than floating point.

        All as torch.nn.functional.layer_norm.
    """
    shape, eps = validation.check_layer_norm(input, normalized_shape, weight, bias, eps)
    x, weight, bias = cast("layer_norm", input, weight, bias)
    axes = tuple(range(x.dim() - len(shape), x.dim()))
    gamma, beta = (behind(t, x.dim() - len(shape), 0) for t in (weight, bias))
    y: Tensor = Standardize.call(x.contiguous(), gamma, beta, axes, eps, "layer")[2]
    return y


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Group normalisation: each sample is standardised over every group of channels with their positions.

    Args:
        input: ``(N, C, *I)``; floating point.
        num_groups: G, a divisor of C.
        weight, bias: γ and β, ``(C,)`` each, or None.
        eps: added to the variance, under the root.

    Returns:
        ``(N, C, *I)`` of the dtype of `input`; channels_last if `input` is.

    Raises:
        AttributeError: `input` is no tensor.
        TypeError: another argument of another kind.
        ZeroDivisionError: `num_groups` is 0.
        ValueError: one value a group, of a single sample.
        RuntimeError: fewer than two axes, channels that G does not divide, no channels or positions; shapes or dtypes
            that do not fit.
        NotImplementedError: another dtype than floating point.

        All as torch.nn.functional.group_norm.
    """
    num_groups = validation.check_group_sizes(input, num_groups)
    return normalized_by_group(input, num_groups, weight, bias, eps)


def normalized_by_group(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`group_norm` as ``torch.group_norm`` takes it: a single value is its own mean."""
    num_groups, eps = validation.check_group_norm(input, num_groups, weight, bias, eps)
    if not input.is_floating_point():  # without entries, which torch asks for no dtype
        return input.clone()
    x, weight, bias = cast("group_norm", input, weight, bias)
    x = arranged(x)
    n, c, *size = x.shape
    groups = (num_groups, c // num_groups)
    gamma, beta = (behind(t if t is None else t.reshape(groups), 1, len(size)) for t in (weight, bias))
    axes = tuple(range(2, 3 + len(size)))
    y = Standardize.call(x.reshape(n, *groups, *size), gamma, beta, axes, eps, "group")[2]
    return shaped(y, x.shape)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Local response normalisation: each entry divided by a power of its neighbours' mean square along the channels.

    Args:
        input: ``(N, C, *I)`` with at least one axis behind the channels; floating point or int64.
        size: how many channels are neighbours; beyond the first and the last channel they count as zeros.
        alpha, beta, k: as in the formula above.

    Returns:
        ``(N, C, *I)`` of the dtype of `input`; for int64 the default dtype, and unlike torch's no mean is truncated.

    Raises:
        AttributeError: `input` is no tensor.
        TypeError: another argument of another kind.
        ValueError: fewer than three axes.
        RuntimeError: a `size` that is not positive.
        NotImplementedError: complex, bool or unsigned input.

        All as torch.nn.functional.local_response_norm.
    """
    size = validation.check_local_response_norm(input, size, alpha, beta, k)
    if input.numel() == 0:
        return input
    alpha, beta, k = (n if isinstance(n, (float, int, complex, Tensor)) else n.item() for n in (alpha, beta, k))
    (x,) = cast("local_response_norm" if input.dim() > 3 else "local_response_norm of signals", input)
    wide = single(x) if x.is_floating_point() else x.to(torch.get_default_dtype())
    n, c, *places = wide.shape
    squares = (wide * wide).reshape(n, 1, c, prod(places))
    window = Window((c, prod(places)), (size, 1), (1, 1), (1, 1), ((size // 2, (size - 1) // 2), (0, 0)))
    total: Tensor = SumWindows.call(squares, window)
    y: Tensor = wide / ((total / size).reshape(wide.shape) * alpha + k).pow(beta)
    # Half precision goes back to what it was, unless a tensor among the numbers has more.
    return y.to(reduce(_promoted, (alpha, k, beta), x).dtype) if x.is_floating_point() else y
