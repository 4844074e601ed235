"""The fully connected layer: the trilinear form with zero spatial axes.

    y[n, o] = b[o] + Σ_c x[n, c] · w[o, c]          z = x·Wᵀ + b;   dx = dz·W,   dW = dzᵀ·x,   db = Σ dz

Source: notes on convolution and collected notes (fully connected layer, B13).
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd.correlation import Convolution
from manualconv.autograd.rules import Rules, in_force, under_rules
from manualconv.functional.precision import cast
from manualconv.functional.refusals.arguments import check_tensors
from manualconv.functional.refusals.convolution import check_linear
from manualconv.geometry import Window
from manualconv.torch_internals import shaped

_PLACEMENT = Window((), (), (), (), ())


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, rules: Rules | None = None) -> Tensor:
    """Apply ``y = x·Wᵀ + b`` along the last axis.

    Args:
        input: ``(*, C)``; floating point, complex or integer.
        weight: ``(O, C)`` or ``(C,)``, of the input's dtype and device.
        bias: ``(O,)`` or whatever spreads over the result as torch spreads it; a scalar, of any
            dtype that the input's can hold, for a 1-D weight; or None.
        rules: derivative rules instead of the exact ones; see `manualconv.Rules`.

    Returns:
        ``(*, O)``, or ``(*)`` for a 1-D weight.

    Raises:
        TypeError: an argument that is no tensor.
        RuntimeError: dtypes or shapes that do not fit.
        NotImplementedError: bool, unsigned integers but uint8.

        All as torch.nn.functional.linear.
    """
    check_tensors(("bias",), input=input, weight=weight, bias=bias)
    x, w, b = cast("linear", input, weight, bias)
    check_linear(x, w, b)
    rows = x.flatten(0, -2) if x.dim() != 1 else x.unsqueeze(0)
    over_result = None
    if w.dim() == 1:
        w, b = w.unsqueeze(0), b if b is None else b.to(x).reshape(1)
    elif b is not None and b.dim() > 1:
        over_result, b = b, None
    elif b is not None and b.shape != w.shape[:1]:
        b = b.expand(w.shape[0])
    rules = in_force(rules)
    y: Tensor = (
        Convolution.call(rows, w, b, _PLACEMENT) if rules is None else under_rules(rows, w, b, _PLACEMENT, rules)
    )
    if weight.dim() == 1:
        return y.squeeze(-1).reshape(x.shape[:-1])
    y = y if x.dim() == 2 else shaped(y, (*x.shape[:-1], w.shape[0]))
    return y if over_result is None else (y + over_result).reshape(y.shape)
