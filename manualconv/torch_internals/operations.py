"""Operations that torch reaches under private names too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manualconv.torch_internals.optional import private

#: Operations that torch reaches under private names too.  One that is missing cannot be called: what stands here then
#: is never met.
UNDERSCORED: dict[str, Callable[..., Any]] = {
    key: private(dotted, lambda *_, **__: None)
    for key, dotted in (
        *((name.strip("_"), f"torch.{name}") for name in ("_convolution", "_convolution_mode")),
        *((name.strip("_"), f"torch.{name}") for name in ("_softmax", "_log_softmax")),
        *((f"_adaptive_avg_pool{ndim}d", f"torch._adaptive_avg_pool{ndim}d") for ndim in (2, 3)),
        ("pad_circular", "torch._C._nn._pad_circular"),
        *(
            (name, f"torch._C._nn.{name}")
            for name in (
                *("im2col", "col2im", "pad"),
                *(f"{kind}_pad{ndim}d" for kind in ("reflection", "replication") for ndim in (1, 2, 3)),
                *(f"max_{kind}" for kind in ("pool2d_with_indices", "pool3d_with_indices", "unpool2d", "unpool3d")),
                *(f"{kind}_pool{n}d" for kind in ("adaptive_avg", "adaptive_max", "fractional_max") for n in (2, 3)),
                *("cross_entropy_loss", "nll_loss_nd", "nll_loss", "nll_loss2d", "binary_cross_entropy"),
                *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
                *("elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu6", "silu"),
                *("elu_", "gelu_", "hardsigmoid_", "hardswish_", "hardtanh_", "leaky_relu_", "mish_", "relu6_"),
                "silu_",
            )
        ),
    )
}
