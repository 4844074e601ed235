"""Autocast, decided by hand: which dtype a layer runs in when an autocast block is active.

``torch.amp.custom_fwd`` does not work with ``setup_context`` (pytorch#132388), so each layer casts its tensors here,
as torch's own cast policy for that layer would, and its Function then runs with autocast switched off.

`POLICY` says it for every function.  One that is not in it keeps its dtypes, as torch's does: activations, signals' and
images' pools, batch and instance normalisation, dropout.

Source: "Automatic Mixed Precision package", op-specific behaviour, in PyTorch's documentation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.function import autocast_is_on
from manualconv.torch_internals import any_autocast

#: Matrix products run in the autocast dtype; losses and long sums in float32, some on the CPU or elsewhere alone.
LOWERED, WIDENED, WIDENED_ON_THE_CPU, WIDENED_ELSEWHERE = "lowered", "widened", "on the CPU", "elsewhere"

#: By our function's name.  One torch function that is several operators has the name of the operator.
POLICY = {
    **{f"conv{n}d": LOWERED for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": LOWERED for n in (1, 2, 3)},
    **dict.fromkeys(("linear", "scaled_dot_product_attention"), LOWERED),
    **dict.fromkeys(("nll_loss", "cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits"), WIDENED),
    **dict.fromkeys(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"), WIDENED),
    **{f"subsample{n}d": WIDENED for n in (1, 2, 3)},
    **{f"fractional_max_pool{n}d": WIDENED for n in (2, 3)},
    **dict.fromkeys(("adaptive_avg_pool3d", "adaptive_max_pool3d"), WIDENED),
    **{f"reflection_pad{n}d": WIDENED for n in (1, 2)},
    **{f"replication_pad{n}d": WIDENED for n in (1, 2, 3)},
    # Its average pooling is avg_pool3d, but of signals.
    "local_response_norm": WIDENED,
    "local_response_norm of signals": WIDENED_ELSEWHERE,
    # Without indices: torch knows the operator that gives them by another name.
    "max_pool3d": WIDENED_ON_THE_CPU,
    **dict.fromkeys(("avg_pool3d", "lp_pool3d"), WIDENED_ON_THE_CPU),
    **{f"max_unpool{n}d": WIDENED_ON_THE_CPU for n in (1, 2, 3)},
    **dict.fromkeys(("softmax", "softmin", "log_softmax", "layer_norm", "group_norm"), WIDENED_ELSEWHERE),
}


def _dtype(name: str, device: str) -> torch.dtype | None:
    """What a function computes in on a device inside autocast; None if in what it is given."""
    policy = POLICY.get(name)
    if policy == LOWERED:
        return torch.get_autocast_dtype(device)
    widens = (WIDENED, WIDENED_ON_THE_CPU if device == "cpu" else WIDENED_ELSEWHERE)
    return torch.float32 if policy in widens else None


def _cast(t: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    # float64 keeps its precision under autocast, as do integers and complex numbers.
    return t if t is None or not t.is_floating_point() or t.dtype == torch.float64 else t.to(dtype)


def cast(name: str, *tensors: Any) -> Any:
    """A function's tensors, Nones among them, in the dtypes that it runs in; as they came outside autocast."""
    if not any_autocast():
        return tensors
    device = tensors[0].device.type
    dtype = _dtype(name, device) if autocast_is_on(device) else None
    return tensors if dtype is None else tuple(_cast(t, dtype) for t in tensors)
