"""Calls that no example of the catalogue makes: raw names with other arguments, names by word, cells of networks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.cases.tensors import spread_out
from manualconv.testing.catalogue.dropout import seeded
from manualconv.testing.catalogue.max_pooling import backwards
from manualconv.torch_internals import UNDERSCORED

IMAGES, ROWS, VOLUMES = (2, 4, 6, 5), (2, 3, 4), (1, 2, 3, 4, 4)
Call = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
Calls = dict[Callable[..., Any], list[Call]]


def first(results: Any) -> Tensor:
    """The values of a pooling that also gives indices."""
    assert results[1].dtype == torch.int64
    return results[0]


# ------------------------------------------------------------------------------------------------- sums of products

WEIGHTS = ((2, 4, 5, 4), (4, 2, 3, 2), (4,))
TURNED = ((2, 4, 3, 2), (4, 3, 3, 2), (6,))
SAME = ((2, 4, 5, 4), (4, 2, 3, 1), (4,))


def generic(transposed: bool, *flags: bool) -> Callable[..., Tensor]:
    """``torch.convolution``, or the one with an underscore, in two dimensions."""
    apply = UNDERSCORED["convolution"] if flags else torch.convolution
    return lambda x, w, b: apply(
        x, w, b, [2, 1], [1, 0], [1, 2], transposed, [1, 0] if transposed else [0, 0], 2, *flags
    )


PRODUCTS: Calls = {
    torch.conv2d: [
        (lambda x, w, b: F.conv2d(x, w, bias=b, stride=[2, 1], padding=(1, 2), groups=2), WEIGHTS),
        (lambda x, w, b: torch.conv2d(input=x, weight=w, bias=b, padding="same", groups=2), SAME),
        (lambda x, w: torch.conv2d(x[0], w, groups=2), WEIGHTS[:2]),
    ],
    torch.conv_transpose1d: [(lambda x, w: F.conv_transpose1d(x, w, None, 2, 1, 1), ((2, 4, 8), (4, 2, 3)))],
    torch.convolution: [(generic(False), WEIGHTS), (generic(True), TURNED)],
    UNDERSCORED["convolution"]: [
        (generic(False, False, False, False, False), WEIGHTS),
        (generic(True, False, False, False, False), TURNED),
    ],
    UNDERSCORED["convolution_mode"]: [
        (lambda x, w, b: torch._convolution_mode(x, w, b, [1, 1], "same", [1, 2], 2), SAME)
    ],
    F.linear: [(lambda x, w: torch._C._nn.linear(x, weight=w), ((3, 4), (2, 4)))],
}

# ------------------------------------------------------------------------------------------- images and their windows

PLANAR = ((3, 2), (1, 2), (1, 0), (2, 1))
PLACED = {2: torch.linspace(0, 0.9, 16).double(), 3: torch.linspace(0, 0.9, 6).double()}
PADS = [1, 2, 0, 1, 2, 0]


WINDOWS: Calls = {
    UNDERSCORED["pad"]: [(lambda x: torch._C._nn.pad(x, [1, 2], "reflect", None), (ROWS,))],
    UNDERSCORED["pad_circular"]: [(lambda x: torch._C._nn._pad_circular(x, [1, 2]), (ROWS,))],
    torch.constant_pad_nd: [
        (lambda x: torch.constant_pad_nd(x, [1, 2]), (ROWS,)),
        (lambda x: torch.constant_pad_nd(x, (1, -1, 2, 0), 2.0), (ROWS,)),
    ],
    **{
        UNDERSCORED[f"{kind}_pad{n}d"]: [
            (
                partial(lambda raw, n, x: UNDERSCORED[raw](x, PADS[: 2 * n]), f"{kind}_pad{n}d", n),
                ((1, 2, 3, 4, 5)[: 2 + n],),
            )
        ]
        for kind in ("reflection", "replication")
        for n in (1, 2, 3)
    },
    F.fold: [(lambda y: F.fold(y, (6, 5), *PLANAR), ((2, 12, 9),))],
    UNDERSCORED["im2col"]: [(lambda x: torch._C._nn.im2col(x, *PLANAR), (IMAGES,))],
    UNDERSCORED["col2im"]: [(lambda y: torch._C._nn.col2im(y, (6, 5), *PLANAR), ((2, 12, 9),))],
    UNDERSCORED["max_unpool2d"]: [(lambda y: torch._C._nn.max_unpool2d(y, backwards(y, 2), (13, 9)), (IMAGES,))],
    UNDERSCORED["max_unpool3d"]: [
        (lambda y: torch._C._nn.max_unpool3d(y, backwards(y, 3), (4, 8, 8), (2, 2, 2), (0, 0, 0)), ((1, 2, 2, 4, 4),))
    ],
    torch.max_pool1d: [(lambda x: torch.max_pool1d(x, kernel_size=2), (ROWS,))],
    torch.max_pool2d: [(lambda x: torch.max_pool2d(x, 2, padding=1, ceil_mode=True), (IMAGES,))],
    torch.avg_pool1d: [(lambda x: F.avg_pool1d(x, kernel_size=2), (ROWS,))],
    F.avg_pool2d: [
        (
            lambda x: F.avg_pool2d(x, (3, 2), stride=(2, 1), padding=1, ceil_mode=True, count_include_pad=False),
            (IMAGES,),
        )
    ],
    F.avg_pool3d: [(lambda x: torch._C._nn.avg_pool3d(x, 2, divisor_override=-3), (VOLUMES,))],
    F.lp_pool2d: [(lambda x: F.lp_pool2d(x, torch.inf, (3, 2)), (IMAGES,))],
    torch.adaptive_avg_pool1d: [(lambda x: F.adaptive_avg_pool1d(input=x, output_size=(5,)), (ROWS,))],
    F.adaptive_avg_pool2d: [(lambda x: F.adaptive_avg_pool2d(x, (None, 3)), (IMAGES,))],
    UNDERSCORED["adaptive_avg_pool3d"]: [(lambda x: torch._C._nn.adaptive_avg_pool3d(x, 2), (VOLUMES,))],
    UNDERSCORED["_adaptive_avg_pool2d"]: [(lambda x: torch._adaptive_avg_pool2d(x, (4, 3)), (IMAGES,))],
    UNDERSCORED["_adaptive_avg_pool3d"]: [(lambda x: torch._adaptive_avg_pool3d(x, (2, 3, 2)), (VOLUMES,))],
    UNDERSCORED["adaptive_max_pool3d"]: [(lambda x: first(torch._C._nn.adaptive_max_pool3d(x, 2)), (VOLUMES,))],
    F.fractional_max_pool2d: [
        (
            lambda x: first(
                F.fractional_max_pool2d(
                    x, 2, None, (0.5, 0.6), return_indices=True, _random_samples=PLACED[2].reshape(2, 4, 2)
                )
            ),
            (IMAGES,),
        )
    ],
    UNDERSCORED["fractional_max_pool2d"]: [
        (lambda x: first(torch._C._nn.fractional_max_pool2d(x, 2, (3, 2), PLACED[2].reshape(2, 4, 2))), (IMAGES,))
    ],
    UNDERSCORED["fractional_max_pool3d"]: [
        (lambda x: first(torch._C._nn.fractional_max_pool3d(x, 1, (2, 3, 2), PLACED[3].reshape(1, 2, 3))), (VOLUMES,))
    ],
}

# ------------------------------------------------------------------------------------------- entry by entry, and norms


def kept() -> tuple[Tensor, Tensor]:
    """Running statistics, fresh for each call that may overwrite them."""
    return spread_out((4,), 5), spread_out((4,), 6).abs()


AFFINE = (IMAGES, (4,), (4,))

ENTRIES: Calls = {
    UNDERSCORED["elu"]: [
        (lambda z: torch._C._nn.elu(z, 1.5, 0.5, 2.0), (ROWS,)),
        (lambda z: torch._C._nn.elu(z, alpha=0.25, input_scale=0.5), (ROWS,)),
    ],
    F.logsigmoid: [(F.logsigmoid, (ROWS,)), (torch.nn.LogSigmoid(), (ROWS,))],
    F.softplus: [(lambda z: F.softplus(z, beta=2, threshold=1), (ROWS,))],
    torch.special.expit: [(torch.special.expit, (ROWS,))],
    **{
        f: [(lambda z, f=f: f(z, dim=-1, dtype=z.dtype), (ROWS,))]
        for f in (F.softmax, F.log_softmax, torch.softmax, torch.log_softmax, Tensor.softmax, Tensor.log_softmax)
    },
    UNDERSCORED["softmax"]: [(lambda z: torch._softmax(z, 1, False), (ROWS,))],
    UNDERSCORED["log_softmax"]: [(lambda z: torch._log_softmax(z, -1, False), (ROWS,))],
    torch.feature_dropout: [
        (partial(seeded, lambda x: torch.feature_dropout(x, 0.4, True)), (ROWS,)),
        (partial(seeded, lambda x: torch.feature_dropout(x, 0.4, False) * 1), (ROWS,)),
    ],
    torch.feature_dropout_: [(partial(seeded, lambda x: torch.feature_dropout_(x * 1, 0.4, True)), (ROWS,))],
    F.batch_norm: [
        (lambda x, w, b: F.batch_norm(x, *kept(), weight=w, bias=b, training=True, momentum=0.3, eps=0.1), AFFINE),
        (lambda x, w, b: F.batch_norm(x, *kept(), w, b), AFFINE),
    ],
    torch.batch_norm: [
        (lambda x, w, b: torch.batch_norm(x, w, b, *kept(), True, 0.3, 0.1, True), AFFINE),
        (
            lambda x, w, b: torch.batch_norm(
                x, w, b, *kept(), training=False, momentum=0, eps=0.1, cudnn_enabled=False
            ),
            AFFINE,
        ),
        (lambda x, w, b: torch.batch_norm(x, w, b, None, None, True, 0.3, 0.1, True), ((1, 4), (4,), (4,))),
    ],
    F.instance_norm: [(lambda x: F.instance_norm(x, *kept(), use_input_stats=False), (IMAGES,))],
    torch.instance_norm: [(lambda x, w, b: torch.instance_norm(x, w, b, *kept(), True, 0.3, 0.1, True), AFFINE)],
    torch.layer_norm: [(lambda x, w: torch.layer_norm(x, [5], w, eps=0.1, cudnn_enable=False), (IMAGES, (5,)))],
    torch.group_norm: [(lambda x, w, b: torch.group_norm(x, 2, w, b, 0.1, cudnn_enabled=False), AFFINE)],
}

# ----------------------------------------------------------------------------------------------------------- losses

RAW = torch._C._nn
#: Logits of three classes, for two samples of four places each.
CLASSES = torch.tensor([[0, 2, 1, -100], [2, 2, 0, 1]])
WEIGHT = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
PAIR, SQUARES = (ROWS, ROWS), ((2, 3, 2, 2),)


def half(loss: Callable[..., Tensor], *more: Any) -> Callable[..., Tensor]:
    """Of numbers in −2 … 2 as probabilities."""
    return lambda x, t: loss(x / 5 + 0.5, t / 5 + 0.5, *more)


def fifty(loss: Callable[..., Tensor], *more: Any) -> Callable[..., Tensor]:
    """Of a target that no input equals."""
    return lambda x, t: loss(x, t / 50, *more)


LOSSES: Calls = {
    F.cross_entropy: [
        (lambda z: F.cross_entropy(z, CLASSES, WEIGHT, label_smoothing=0.25), (ROWS,)),
        (lambda z, q: F.cross_entropy(z, q, reduction="none"), PAIR),
        (lambda z: torch.nn.CrossEntropyLoss(WEIGHT, ignore_index=2)(z, CLASSES.clamp(min=0)), (ROWS,)),
    ],
    RAW.cross_entropy_loss: [
        (lambda z: RAW.cross_entropy_loss(z, CLASSES, WEIGHT, 1, -100, 0.25), (ROWS,)),
        (lambda z, q: RAW.cross_entropy_loss(z, q, reduction=2, label_smoothing=0.5), PAIR),
        (lambda z: RAW.cross_entropy_loss(z, CLASSES), (ROWS,)),
    ],
    F.nll_loss: [
        (lambda y: F.nll_loss(y, CLASSES, WEIGHT, reduction="sum"), (ROWS,)),
        (lambda y: torch.nn.NLLLoss(ignore_index=0)(y, CLASSES.clamp(min=0)), (ROWS,)),
        (lambda y: F.nll_loss(y[0, :, 0], CLASSES[0, 0]), (ROWS,)),
    ],
    RAW.nll_loss_nd: [
        (lambda y: RAW.nll_loss_nd(y, CLASSES.clamp(min=0), WEIGHT, 1, 2), (ROWS,)),
        (lambda y: RAW.nll_loss_nd(y, CLASSES), (ROWS,)),
    ],
    RAW.nll_loss: [(lambda y: RAW.nll_loss(y, CLASSES[0, 1:], WEIGHT, reduction=1), ((3, 3),))],
    RAW.nll_loss2d: [(lambda y: RAW.nll_loss2d(y, CLASSES.reshape(2, 2, 2), WEIGHT, 2), SQUARES)],
    F.binary_cross_entropy: [
        (half(lambda x, t: F.binary_cross_entropy(x, t, spread_out((4,), 5))), PAIR),
    ],
    RAW.binary_cross_entropy: [
        (half(RAW.binary_cross_entropy), PAIR),
        (half(RAW.binary_cross_entropy, spread_out(ROWS, 5), 1), PAIR),
    ],
    F.binary_cross_entropy_with_logits: [
        (lambda z, t: torch.nn.BCEWithLogitsLoss(spread_out((3, 1), 5))(z, t), PAIR),
    ],
    torch.binary_cross_entropy_with_logits: [
        (torch.binary_cross_entropy_with_logits, PAIR),
        (lambda z, t: torch.binary_cross_entropy_with_logits(z, t, None, spread_out((4,), 5), 1), PAIR),
    ],
    F.mse_loss: [
        (lambda x, t: F.mse_loss(x, t, reduction="sum"), PAIR),
        (lambda x, t, w: F.mse_loss(x, t, weight=w), (ROWS, ROWS, ROWS)),
    ],
    RAW.mse_loss: [(RAW.mse_loss, PAIR), (lambda x, t: RAW.mse_loss(x, t, reduction=1), PAIR)],
    RAW.l1_loss: [(fifty(RAW.l1_loss, 2), (ROWS, (4,)))],
    F.smooth_l1_loss: [(fifty(lambda x, t: F.smooth_l1_loss(x, t, beta=0)), PAIR)],
    RAW.smooth_l1_loss: [
        (lambda x, t: RAW.smooth_l1_loss(x, t, 1, 0.7), PAIR),
        (lambda x, t: RAW.smooth_l1_loss(x, t, beta=0.7), PAIR),
    ],
    F.huber_loss: [(lambda x, t, w: F.huber_loss(x, t, "sum", 0.7, w), (ROWS, ROWS, ROWS))],
    RAW.huber_loss: [
        (lambda x, t: RAW.huber_loss(x, t, 1, 0.7), PAIR),
        (lambda x, t: RAW.huber_loss(x, t, delta=0.7), PAIR),
    ],
}

# --------------------------------------------------------------------------------------- attention and recurrent cells

ATTENDED = ((2, 2, 4, 3), (2, 2, 5, 3), (2, 2, 5, 2))
#: The third query looks nowhere.
LOOKS = torch.tensor([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)

ATTENTION: Calls = {
    F.scaled_dot_product_attention: [
        (F.scaled_dot_product_attention, ATTENDED),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, LOOKS), ATTENDED),
        (lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.7), (*ATTENDED, (4, 5))),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), ATTENDED),
        (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
            ((2, 6, 4, 3), (2, 2, 5, 3), (2, 3, 5, 2)),
        ),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v), ((4, 3), (5, 3), (5, 2))),
    ]
}


def _shapes(gates: int) -> tuple[tuple[int, ...], ...]:
    """Input, state, weights and biases of a step with so many gates: three numbers in, two of state."""
    return (4, 3), (4, 2), (2 * gates, 3), (2 * gates, 2), (2 * gates,), (2 * gates,)


CELLS: Calls = {
    torch.rnn_tanh_cell: [(torch.rnn_tanh_cell, _shapes(1)), (torch.rnn_tanh_cell, _shapes(1)[:4])],
    torch.rnn_relu_cell: [(torch.rnn_relu_cell, _shapes(1))],
    torch.lstm_cell: [
        (lambda x, h, *w: torch.cat(torch.lstm_cell(x, (h, h * h), *w)), _shapes(4)),
        (lambda x, h, w, u: torch.lstm_cell(x, (h, 2 * h), w, u)[1], _shapes(4)[:4]),
    ],
    torch.gru_cell: [(torch.gru_cell, _shapes(3)), (torch.gru_cell, _shapes(3)[:4])],
}

SPELLED: Calls = {**PRODUCTS, **WINDOWS, **ENTRIES, **LOSSES, **ATTENTION, **CELLS}
#: Raw names whose arguments are not those of the function that they spell.
OTHERWISE = {
    *(UNDERSCORED[name] for name in ("fractional_max_pool2d", "fractional_max_pool3d")),
    *(UNDERSCORED[name] for name in ("max_unpool2d", "max_unpool3d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d")),
    *(UNDERSCORED[name] for name in ("_adaptive_avg_pool3d", "adaptive_max_pool3d", "softmax", "log_softmax")),
    *(torch.batch_norm, torch.instance_norm, torch.binary_cross_entropy_with_logits),
    *(f for f in LOSSES if f.__module__ == "torch._C._nn"),
}
