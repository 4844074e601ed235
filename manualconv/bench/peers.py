"""Other ways to convolve, as courses and packages offer them: those that are installed and can express a row.

Each is called through its public functions, in the layout it takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.bench.contenders import Layer
from manualconv.bench.suite import Row
from manualconv.bench.timing import Call

#: The package that each peer needs.
PACKAGES = {
    "unfoldNd": "unfoldNd",
    "einconv": "einconv",
    "fft-conv-pytorch": "fft_conv_pytorch",
    "julius": "julius",
    "scipy oaconvolve": "scipy",
}


def _unfolded(row: Row) -> Layer:
    """``unfold`` and one matrix product a group, as courses write it."""

    def layer(x: Tensor, w: Tensor) -> Tensor:
        v = F.unfold(x, row.kernel, row.dilation, row.padding, row.stride)
        v = v.reshape(x.shape[0], row.groups, -1, v.shape[-1])
        y = w.reshape(1, row.groups, w.shape[0] // row.groups, -1) @ v
        return y.reshape(row.output)

    return layer


def _strided(row: Row) -> Layer:
    """A strided view of the windows and ``einsum``; two axes, one group."""
    letters = "hwd"[: row.ndim]
    taps = "ijk"[: row.ndim]

    def layer(x: Tensor, w: Tensor) -> Tensor:
        frame = F.pad(x, [side for p in reversed(row.padding) for side in (p, p)])
        n, c, *steps = frame.stride()
        size = (x.shape[0], x.shape[1], *row.output[2:], *row.kernel)
        strides = (n, c, *(s * t for s, t in zip(row.stride, steps)), *(d * t for d, t in zip(row.dilation, steps)))
        return torch.einsum(f"nc{letters}{taps},oc{taps}->no{letters}", frame.as_strided(size, strides), w)

    return layer


def _unfold_nd(row: Row) -> Layer:
    """unfoldNd: unfold in any dimension, then a product."""
    import unfoldNd

    def layer(x: Tensor, w: Tensor) -> Tensor:
        v = unfoldNd.unfoldNd(x, row.kernel, row.dilation, row.padding, row.stride)
        v = v.reshape(x.shape[0], row.groups, -1, v.shape[-1])
        y = w.reshape(1, row.groups, w.shape[0] // row.groups, -1) @ v
        folded: Tensor = y.reshape(row.output)
        return folded

    return layer


def _einconv(row: Row) -> Layer:
    """einconv: the convolution as one tensor network."""
    from einconv.functionals import convNd

    return lambda x, w: convNd(x, w, None, row.stride, row.padding, row.dilation, row.groups)


def _fft_conv(row: Row) -> Layer:
    """fft-conv-pytorch."""
    from fft_conv_pytorch import fft_conv

    return lambda x, w: fft_conv(x, w, None, row.padding, "constant", row.stride, row.dilation, row.groups)


def _julius(row: Row) -> Layer:
    """julius: overlap-save by FFT, one axis, one group."""
    from julius.fftconv import fft_conv1d

    return lambda x, w: fft_conv1d(x, w, None, row.stride[0], row.padding[0])


def _scipy(row: Row) -> Layer:
    """scipy.signal.oaconvolve, forward only: channel by channel."""
    import numpy as np
    from scipy.signal import oaconvolve

    def layer(x: Tensor, w: Tensor) -> Tensor:
        frame = F.pad(x, [side for p in reversed(row.padding) for side in (p, p)]).numpy()
        taps = np.flip(w.numpy(), tuple(range(2, w.dim())))
        axes = tuple(range(1, row.ndim + 1))
        y = [oaconvolve(frame[:, c], taps[None, c, 0], "valid", axes=axes) for c in range(row.groups)]
        return torch.from_numpy(np.stack(y, 1))

    return layer


#: Numbers a peer may unroll, or write into a pattern of connections: beyond it fills a machine's memory.
MOST_NUMBERS = 2**26


def _numbers(peer: str, row: Row) -> int:
    """What a peer writes out: every window; einconv also who is connected with whom, axis by axis."""
    windows = row.input[0] * row.input[1] * prod(row.kernel) * prod(row.output[2:])
    patterns = max(k * p * i for k, p, i in zip(row.kernel, row.output[2:], row.input[2:]))
    return {"einconv": max(windows, patterns)}.get(peer, windows)


def _supports(peer: str, row: Row) -> bool:
    if not (peer in ("fft-conv-pytorch", "julius", "scipy oaconvolve") or _numbers(peer, row) <= MOST_NUMBERS):
        return False
    plain = row.groups == 1 and row.kind == "conv"
    undilated = all(d == 1 for d in row.dilation) and all(s == 1 for s in row.stride)
    return {
        "unfold + matmul": row.kind == "conv" and row.ndim == 2,
        "as_strided + einsum": plain,
        "unfoldNd": row.kind == "conv",
        "einconv": row.kind == "conv",
        "fft-conv-pytorch": row.kind == "conv",
        "julius": plain and row.ndim == 1 and all(d == 1 for d in row.dilation),
        "scipy oaconvolve": row.kind == "conv" and row.groups == row.input[1] == row.outputs and undilated,
    }[peer]


_PEERS: dict[str, Callable[[Row], Layer]] = {
    "unfold + matmul": _unfolded,
    "as_strided + einsum": _strided,
    "unfoldNd": _unfold_nd,
    "einconv": _einconv,
    "fft-conv-pytorch": _fft_conv,
    "julius": _julius,
    "scipy oaconvolve": _scipy,
}
#: Their names.
ALL = tuple(_PEERS)
#: Peers without a backward pass.
FORWARD_ONLY = {"scipy oaconvolve"}


def peers(row: Row) -> dict[str, Callable[[], Layer]]:
    """The peers that are installed and support a row; each is imported when its layer is made."""
    return {
        name: partial(make, row)
        for name, make in _PEERS.items()
        if _supports(name, row) and (name not in PACKAGES or find_spec(PACKAGES[name]) is not None)
    }


def quiet(call: Call) -> Call:
    """A peer's call without its warnings, which are its own affair."""

    def quietly() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()

    return quietly
