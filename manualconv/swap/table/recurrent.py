"""One step of torch's recurrent networks, put together from dense layers and our sigmoid, tanh and ReLU.

    RNN     h′ = φ(W·x + b + U·h + d)                                              φ = tanh or ReLU
    LSTM    (i, f, g, o) = W·x + b + U·h + d        c′ = σ(f) ⊙ c + σ(i) ⊙ tanh g        h′ = σ(o) ⊙ tanh c′
    GRU     (r, z, n) = W·x + b, (r′, z′, n′) = U·h + d
            h′ = (1 − u) ⊙ tanh(n + σ(r + r′) ⊙ n′) + u ⊙ h,        u = σ(z + z′)

Source: the equations in the documentation of torch.nn.RNNCell, LSTMCell and GRUCell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from manualconv.functional import linear, relu, sigmoid, tanh
from manualconv.swap.table.spelling import Operation


def _rnn(activation: Callable[[Tensor], Tensor]) -> Operation:
    """``rnn_tanh_cell``, ``rnn_relu_cell``."""

    def cell(
        input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
    ) -> Tensor:
        return activation(linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh))

    return cell


def _lstm(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    h, c = hx
    i, f, g, o = (linear(input, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def _gru(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    r, z, n = linear(input, w_ih, b_ih).chunk(3, -1)
    r_h, z_h, n_h = linear(hx, w_hh, b_hh).chunk(3, -1)
    u = sigmoid(z + z_h)
    return (1 - u) * tanh(n + sigmoid(r + r_h) * n_h) + u * hx


TABLE: dict[Operation, Operation] = {
    torch.rnn_tanh_cell: _rnn(tanh),
    torch.rnn_relu_cell: _rnn(relu),
    torch.lstm_cell: _lstm,
    torch.gru_cell: _gru,
}
