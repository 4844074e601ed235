"""One step of torch's recurrent networks, put together from dense layers and our sigmoid, tanh and ReLU.

    RNN     h′ = φ(W·x + b + U·h + d)                                              φ = tanh or ReLU
    LSTM    (i, f, g, o) = W·x + b + U·h + d        c′ = σ(f) ⊙ c + σ(i) ⊙ tanh g        h′ = σ(o) ⊙ tanh c′
    GRU     (r, z, n) = W·x + b, (r′, z′, n′) = U·h + d
            h′ = (1 − u) ⊙ tanh(n + σ(r + r′) ⊙ n′) + u ⊙ h,        u = σ(z + z′)

Shapes, with G = 1, 4 or 3 for RNN, LSTM, GRU: x ``(N, C)`` or ``(C,)``; h, c, h′, c′ ``(N, H)`` or ``(H,)``;
W = w_ih ``(G·H, C)``; U = w_hh ``(G·H, H)``; b = b_ih and d = b_hh ``(G·H,)`` or None.  All of one floating dtype.

The steps have no public names: `manualconv.by_hand` reaches them.  What they refuse, they refuse as `linear` does.

Source: the equations in the documentation of torch.nn.RNNCell, LSTMCell and GRUCell.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from manualconv.functional.linear import linear
from manualconv.functional.rectifiers import relu
from manualconv.functional.sigmoidal import sigmoid, tanh


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """``h′`` of an RNN with φ = tanh."""
    return tanh(linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh))


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """``h′`` of an RNN with φ = ReLU."""
    return relu(linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh))


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """``(h′, c′)`` of an LSTM; hx is ``(h, c)``."""
    h, c = hx
    i, f, g, o = (linear(input, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """``h′`` of a GRU."""
    r, z, n = linear(input, w_ih, b_ih).chunk(3, -1)
    r_h, z_h, n_h = linear(hx, w_hh, b_hh).chunk(3, -1)
    u = sigmoid(z + z_h)
    return (1 - u) * tanh(n + sigmoid(r + r_h) * n_h) + u * hx
