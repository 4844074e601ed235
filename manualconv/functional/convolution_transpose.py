"""Transposed convolution in any number of dimensions: the adjoint of a convolution, with a bias.

    y[n, (g c), i] = b[(g c)] + Σ_{o,k,p : s·p + d·k − a = i} x[n, (g o), p] · w[(g o), c, k]

What is an output position p there is this layer's input position, and the other way round: the window is that of the
convolution whose input gradient this is.  Its right padding is smaller by ``output_padding``, which adds positions at
the far border that hold the bias alone.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285, section 4.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from manualconv.autograd.correlation import TransposedConvolution
from manualconv.autograd.rules import Rules, in_force, under_rules
from manualconv.functional.convolution import Padding
from manualconv.functional.layout import is_channels_last
from manualconv.functional.precision import cast
from manualconv.functional.refusals.arguments import check_tensors
from manualconv.functional.refusals.convolution import check_kinds, read_numbers, transposed_convolution_window
from manualconv.geometry import Numbers, transposed_window
from manualconv.kernels.correlation.settings import under_settings


def _conv_transpose(
    ndim: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Numbers,
    padding: Padding,
    output_padding: Numbers,
    groups: int,
    dilation: Numbers,
    rules: Rules | None,
) -> Tensor:
    check_tensors(("bias",), input=input, weight=weight, bias=bias)
    given = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    numbers = read_numbers(False, **given, dilation=dilation)
    sizes = (input.shape, weight.shape, None if bias is None else bias.shape)
    window = transposed_convolution_window(ndim, *sizes, *numbers)
    x, w, b = cast(f"conv_transpose{ndim}d", input, weight, bias)
    check_kinds(x, w, b)
    batched = x.dim() != ndim + 1
    x = x if batched else x.unsqueeze(0)
    window = under_settings(window)
    if is_channels_last(x, w):
        window = replace(window, channels_last=True)
    rules = in_force(rules)
    y: Tensor
    if rules is None:
        y = TransposedConvolution.call(w, x, b, window)
    else:
        y = under_rules(x, w, b, transposed_window(window), rules)
    return y if batched else y.squeeze(0)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
    *,
    rules: Rules | None = None,
) -> Tensor:
    """1-D transposed convolution of signals: the input gradient of `conv1d` as a layer of its own.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``; floating point, complex or integer.
        weight: ``(C, O/groups, K)``, of the input's dtype and device.
        bias: ``(O,)`` or None.
        stride, dilation: an int or a tuple of one; of the convolution that is transposed.
        padding: an int, a tuple, or a ``(lo, hi)`` pair per axis; cut off the output.
        output_padding: an int or a tuple, below stride or dilation; positions added at the far border.
        groups: channel blocks; divides C.
        rules: derivative rules instead of the exact ones; see `manualconv.Rules`.

    Returns:
        ``(N, O, P)`` or ``(O, P)`` with ``P = stride·(L − 1) + dilation·(K − 1) + 1 − lo − hi + output_padding``.

    Raises:
        TypeError: an argument of another kind, or a number of more than 64 bits inside a tuple.
        ValueError: a number of more than 64 bits.
        RuntimeError: dtypes, shapes, channels, groups or an output that do not fit, with the numbers of the rule.
        NotImplementedError: bool, unsigned integers but uint8, floats of one byte.

        All as torch.nn.functional.conv_transpose1d.
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation, rules)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
    *,
    rules: Rules | None = None,
) -> Tensor:
    """2-D transposed convolution: `conv_transpose1d` on ``(N, C, H, W)``, weight ``(C, O/groups, KH, KW)``."""
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation, rules)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
    *,
    rules: Rules | None = None,
) -> Tensor:
    """3-D transposed convolution: `conv_transpose1d` on ``(N, C, D, H, W)``, weight ``(C, O/groups, KD, KH, KW)``."""
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation, rules)
