"""Right implementations, written in other ways: whoever accuses one of them is wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.geometry import per_axis
from manualconv.kernels.correlation.chooser import ALGORITHMS
from manualconv.kernels.correlation.settings import accuracy, algorithm
from manualconv.testing.faults import (
    activation,
    adaptive_pooling,
    average_pooling,
    batch_normalization,
    dropout,
    folding,
    fractional_pooling,
    loss,
    max_pooling,
    normalization,
    padding,
    transposed_convolution,
)
from manualconv.testing.faults.bank import RIGHT, Entry, enter
from manualconv.testing.faults.convolution.apart import RIGHT as RULES
from manualconv.testing.faults.of_exams import convolved, normed, pooled
from manualconv.testing.laws.convolution.implementations import by_einsum, by_loops, by_taps, layer
from manualconv.testing.pair import Pair

#: Ours that sum each output over its own window.
DIRECT = tuple(name for name, each in ALGORITHMS.items() if each.accuracy == "exact")
#: The one that computes dense layers and nothing else.
DENSE = "matrix"
#: Written by others: (package, what is theirs).
PEERS = {"scipy": "scipy.signal.correlate", "einconv": "einconv's convolution", "unfoldNd": "unfoldNd's windows"}


def right(name: str, family: str, operation: str, thing: Any, tier: str = "direct", compiled: bool = False) -> None:
    """Enter one."""
    enter(Entry(name, family, operation, thing, RIGHT, "right", tier, compiled))


def torch_s(input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **options: Any) -> Tensor:
    """torch's own convolution, of contiguous operands."""
    return F.conv2d(input.contiguous(), weight.contiguous(), bias, *args, **options)


def ours_by(name: str) -> Callable[..., Tensor]:
    """Ours by one algorithm, for forward and backward."""
    layer = functional.linear if name == DENSE else functional.conv2d

    def by_name(*args: Any, **options: Any) -> Tensor:
        try:
            with algorithm(name):
                return layer(*args, **options)
        except RuntimeError as error:
            if "does not compute this layer" in str(error):
                raise NotImplementedError(str(error)) from error
            raise

    return by_name


def ours_fast(*args: Any, **options: Any) -> Tensor:
    """Ours with Fourier and minimal filtering admitted."""
    with accuracy("fast"):
        return functional.conv2d(*args, **options)


def _sliding(x: Any, w: Any, stride: Any, dilation: Any) -> Any:
    """(N, C, K…, P…) of a framed x."""
    span = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:])]
    v = np.lib.stride_tricks.sliding_window_view(x, span, (2, 3))
    return v[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _framed(x: Any, padding: Any, groups: int) -> Any:
    if groups != 1 or isinstance(padding, str) or x.ndim != 4:
        raise NotImplementedError("one group, numbers, and a batch alone")
    p, q = per_axis(padding, 2)
    return np.pad(x, ((0, 0), (0, 0), (p, p), (q, q))), (p, q)


def numpy_forward(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    """Windows as a strided view, summed by einsum; images of one group alone."""
    x, _ = _framed(x, padding, groups)
    y = np.einsum("nchwij,ocij->nohw", _sliding(x, w, per_axis(stride, 2), per_axis(dilation, 2)), w)
    return y if b is None else y + b[:, None, None]


def numpy_backward(g, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    """The same windows for dW; for dX tap after tap."""
    framed, (p, q) = _framed(x, padding, groups)
    s, d = per_axis(stride, 2), per_axis(dilation, 2)
    dw = np.einsum("nchwij,nohw->ocij", _sliding(framed, w, s, d), g)
    dx = np.zeros_like(framed)
    for i, j in np.ndindex(*w.shape[2:]):
        rows = slice(i * d[0], i * d[0] + s[0] * (g.shape[2] - 1) + 1, s[0])
        columns = slice(j * d[1], j * d[1] + s[1] * (g.shape[3] - 1) + 1, s[1])
        dx[:, :, rows, columns] += np.einsum("nohw,oc->nchw", g, w[:, :, i, j])
    dx = dx[:, :, p : dx.shape[2] - p, q : dx.shape[3] - q]
    return (dx, dw) if b is None else (dx, dw, g.sum((0, 2, 3)))


def unfolded(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    columns: Callable[..., Tensor] = F.unfold,
) -> Tensor:
    """unfold and a product of matrices."""
    if groups != 1 or isinstance(padding, str) or input.dim() != 4 or not input.numel():
        raise NotImplementedError("one group, numbers, and a batch with samples alone")
    s, p, d = (per_axis(v, 2) for v in (stride, padding, dilation))
    if any(isinstance(v, tuple) for v in p):
        raise NotImplementedError("padding alike on both sides")
    size = [(i + 2 * a - e * (k - 1) - 1) // t + 1 for i, a, e, k, t in zip(input.shape[2:], p, d, weight.shape[2:], s)]
    v = columns(input, tuple(weight.shape[2:]), dilation=d, padding=p, stride=s)
    y: Tensor = (weight.flatten(1) @ v).unflatten(2, tuple(size))
    return y if bias is None else y + bias[:, None, None]


def _by_scipy() -> Pair:
    """scipy.signal.correlate of each pair of channels, at stride one without dilation or padding."""
    from scipy.signal import convolve, correlate

    def checked(x: Any, w: Any, options: dict[str, Any]) -> None:
        plain = all(per_axis(options.get(name, 1), 2) == (1, 1) for name in ("stride", "dilation"))
        if not plain or options.get("padding", 0) not in (0, (0, 0)) or options.get("groups", 1) != 1 or x.ndim != 4:
            raise NotImplementedError("stride one, one group, no dilation and no padding")
        if not x.size:
            raise NotImplementedError("no samples")

    def summed(rule: Any, a: Any, b: Any, mode: str) -> Any:
        return sum(rule(a[c], b[c], mode, "direct") for c in range(len(a)))

    def forward(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
        checked(x, w, options)
        y = np.stack([np.stack([summed(correlate, image, kernel, "valid") for kernel in w]) for image in x])
        return y if b is None else y + b[:, None, None]

    def backward(g: Any, x: Any, w: Any, b: Any = None, **options: Any) -> Any:
        dx = np.stack([np.stack([summed(convolve, each, w[:, c], "full") for c in range(x.shape[1])]) for each in g])
        dw = np.stack(
            [np.stack([summed(correlate, x[:, c], g[:, o], "valid") for c in range(x.shape[1])]) for o in range(len(w))]
        )
        return (dx, dw) if b is None else (dx, dw, g.sum((0, 2, 3)))

    return Pair(forward, backward)


def forward_only(z: Tensor) -> Tensor:
    """A ReLU by NumPy, without a graph."""
    return torch.from_numpy(np.maximum(z.detach().numpy(), 0))


class AveragePool(torch.nn.Module):
    """A module with torch.nn's constructor: windows as a view, and their mean."""

    def __init__(self, kernel_size: Any, stride: Any = None) -> None:
        super().__init__()
        self.kernel = per_axis(kernel_size, 2)
        self.stride = per_axis(kernel_size if stride is None else stride, 2)

    def forward(self, x: Tensor) -> Tensor:
        """The means."""
        (k, m), (s, t) = self.kernel, self.stride
        return x.unfold(-2, k, s).unfold(-2, m, t).sum((-2, -1)) / prod(self.kernel)


class Dense(torch.nn.Module):
    """One with parameters, under other names than torch.nn's."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.kernel = torch.nn.Parameter(torch.randn(out_features, in_features))
        self.shift = torch.nn.Parameter(torch.randn(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """``x·Wᵀ + b``."""
        y = x @ self.kernel.T
        return y if self.shift is None else y + self.shift


def absent() -> list[str]:
    """Peers that are not installed, which are listed and not counted."""
    return [name for name in PEERS if find_spec(name) is None]


CONVOLUTION = "convolution"
right("torch", CONVOLUTION, "conv2d", torch_s, compiled=True)
enter(Entry("nothing replaced", CONVOLUTION, "conv2d", convolved(RULES), RIGHT, "right", without=("autocast",)))
for _name in DIRECT:
    _family, _operation = ("linear", "linear") if _name == DENSE else (CONVOLUTION, "conv2d")
    right(f"ours by {_name}", _family, _operation, ours_by(_name))
right("ours, fast", CONVOLUTION, "conv2d", ours_fast, tier="fast")
right("the loops of manualconv.definitions", CONVOLUTION, "conv2d", convolved(layer(by_loops)))
right("a strided view and einsum", CONVOLUTION, "conv3d", convolved(layer(by_einsum)))
right("a sum over taps", CONVOLUTION, "conv1d", convolved(layer(by_taps)))
right("unfold and matmul", CONVOLUTION, "conv2d", unfolded)
right("NumPy, images of one group", CONVOLUTION, "conv2d", Pair(numpy_forward, numpy_backward))
if find_spec("scipy"):
    right("scipy.signal", CONVOLUTION, "conv2d", _by_scipy())
if find_spec("unfoldNd"):
    from unfoldNd import unfoldNd

    right("unfoldNd", CONVOLUTION, "conv2d", partial(unfolded, columns=unfoldNd))
if find_spec("einconv"):
    from einconv.functionals import convNd

    right("einconv", CONVOLUTION, "conv2d", convNd)
UNCHANGED: dict[str, tuple[str, Any]] = {
    "max_pool2d": ("max pooling", pooled(max_pooling.by_rules())),
    "batch_norm": ("normalisation", normed(batch_normalization.by_rules())),
    "layer_norm": ("normalisation", normalization.layer_norm()),
    "group_norm": ("normalisation", normalization.group_norm()),
    "instance_norm": ("normalisation", normalization.instance_norm()),
    "local_response_norm": ("normalisation", normalization.response()),
    "conv_transpose2d": ("transposed convolution", transposed_convolution.changed()),
    "avg_pool2d": ("average pooling", average_pooling.right(2)),
    "lp_pool2d": ("average pooling", average_pooling.power(2)),
    "adaptive_avg_pool2d": ("adaptive pooling", adaptive_pooling.by_intervals(2, adaptive_pooling.mean)),
    "adaptive_max_pool2d": ("adaptive pooling", adaptive_pooling.by_intervals(2, adaptive_pooling.first_maximum)),
    "fractional_max_pool2d": ("fractional pooling", fractional_pooling.with_samples(2, lambda u: u)),
    "elu": ("activations", activation.sloped(F.elu, lambda x, y: torch.where(x > 0, 1.0, y + 1))),
    "pad": ("padding", padding.padded(lambda pads, mode: (pads, mode))),
    "unfold": ("folding", folding.unfolded(lambda numbers: {})),
    "fold": ("folding", folding.folded(lambda numbers: {})),
    "dropout": ("dropout", dropout.dropped(F.dropout)),
    "mse_loss": ("losses", F.mse_loss),
    "cross_entropy": ("losses", F.cross_entropy),
    "nll_loss": ("losses", loss.nll),
    "relu": ("cheats", torch.relu),
    "tanh": ("activations", torch.tanh),
}
for _operation, (_family, _thing) in UNCHANGED.items():
    right("nothing replaced", _family, _operation, _thing)
right("torch", "softmax", "softmax", F.softmax, compiled=True)
right("ours", "normalisation", "layer_norm", functional.layer_norm, compiled=True)
right("forward alone, by NumPy", "activations", "relu", forward_only)
right("a Module class without parameters", "average pooling", "avg_pool2d", AveragePool)
right("a Module class with parameters", "linear", "linear", Dense, compiled=True)
