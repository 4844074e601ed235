"""Faults of channels, bias and particular shapes."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.faults.convolution.apart import plant, to_bias, to_input, to_weight
from manualconv.testing.laws.convolution.implementations import layer, spread
from manualconv.testing.referee import convolution

# ------------------------------------------------------------------------------------------------------- groups


def _only_group_0(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    first = x.chunk(window.groups, 1)[0]
    return convolution(torch.cat([first] * window.groups, 1), w, b, window)


def _interleaved(t: Tensor, groups: int, axis: int) -> Tensor:
    """Axis ``(g c)`` → ``(c g)``."""
    apart: Tensor = t.unflatten(axis, (groups, -1))
    return apart.transpose(axis, axis + 1).flatten(axis, axis + 1)


def _multiplier_order(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    y = convolution(x, w, None, window)
    y = _interleaved(y, window.groups, 1)
    return y if b is None else y + spread(b, window)


def _groups_ignored_in_weight_gradient(x: Tensor, y: Tensor, window: Window) -> Tensor:
    size = x.shape[1] // window.groups
    dense = replace(window, groups=1)
    return to_weight(x[:, :size], y, dense)


plant(
    "groups",
    ("only the first group is read", layer(_only_group_0)),
    ("output channels (m C) for (C m)", layer(_multiplier_order), "#1972"),
    (
        "input channels (c g) for (g c)",
        layer(lambda x, w, b, window: convolution(_interleaved(x, window.groups, 1), w, b, window)),
    ),
    (
        "weight gradient mixes groups",
        {"to_weight": lambda x, y, window: to_weight(x.roll(x.shape[1] // window.groups, 1), y, window)},
        "tensorflow#50397",
    ),
    (
        "input gradient mixes groups",
        {"to_input": lambda w, y, window: to_input(w, y.roll(y.shape[1] // window.groups, 1), window)},
    ),
    ("weight gradient of the first group's channels", {"to_weight": _groups_ignored_in_weight_gradient}),
)

# --------------------------------------------------------------------------------------------------------- bias


def _per_group(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    if b is not None:
        b = b.view(window.groups, -1)[:1].expand(window.groups, -1).flatten()
    return convolution(x, w, b, window)


def _mean(y: Tensor) -> Tensor:
    return to_bias(y) / max(y[:, :1].numel(), 1)


def _over_samples_only(y: Tensor) -> Tensor:
    return y.sum(0).flatten(1)[:, 0]


plant(
    "bias",
    ("bias gradient a mean", {"to_bias": _mean}),
    ("bias forgotten", layer(lambda x, w, b, window: convolution(x, w, None, window))),
    ("bias of the first group for all", layer(_per_group)),
    ("bias gradient summed over samples only", {"to_bias": _over_samples_only}),
    ("bias gradient summed over positions of one sample", {"to_bias": lambda y: to_bias(y[:1])}),
    (
        "bias added again",
        layer(lambda x, w, b, window: convolution(x, w, b, window) + (0 if b is None else spread(b, window))),
    ),
)

# --------------------------------------------------------------------------------------------- particular shapes


def wrong_if(name: str, holds: Callable[[Tensor, Tensor, Window], bool], origin: str = "", by: str = "D1") -> None:
    """A layer whose first output channel is twice what it should be for some shapes."""

    def forward(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        y = convolution(x, w, b, window)
        return torch.cat([2 * y[:, :1], y[:, 1:]], 1) if holds(x, w, window) else y

    plant("particular shapes", (name, layer(forward), origin), by=by)


def _prime(number: int) -> bool:
    return all(number % n for n in range(2, number))


wrong_if("wrong for kernels of one tap", lambda x, w, window: set(window.kernel_size) == {1}, "#21597")
wrong_if("wrong for one input channel", lambda x, w, window: x.shape[1] == 1)
wrong_if("wrong for one sample", lambda x, w, window: x.shape[0] == 1)
wrong_if("wrong for one output position", lambda x, w, window: set(window.output_size) == {1})
wrong_if(
    "wrong for a kernel longer than the input",
    lambda x, w, window: any(e > i for e, i in zip(window.extent, window.input_size)),
)
wrong_if("wrong for three samples", lambda x, w, window: x.shape[0] == 3)
wrong_if("wrong above 32 × 32", lambda x, w, window: min(window.input_size) > 32, by="D15")


def _tail_of_a_block(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    channels = x.shape[1]
    if channels < 17 or not _prime(channels) or window.groups > 1:
        return convolution(x, w, b, window)
    whole = channels - channels % 8
    return convolution(x[:, :whole], w[:, :whole], b, window)


plant("particular shapes", ("the tail of a block of channels dropped", layer(_tail_of_a_block)), by="D15")
