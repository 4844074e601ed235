"""Calls of one step of recurrent networks."""

from __future__ import annotations

import torch

from tests.swap.calls.call import Calls


def _shapes(gates: int) -> tuple[tuple[int, ...], ...]:
    """Input, state, weights and biases of a step with so many gates: three numbers in, two of state."""
    return (4, 3), (4, 2), (2 * gates, 3), (2 * gates, 2), (2 * gates,), (2 * gates,)


CALLS: Calls = {
    torch.rnn_tanh_cell: [(torch.rnn_tanh_cell, _shapes(1)), (torch.rnn_tanh_cell, _shapes(1)[:4])],
    torch.rnn_relu_cell: [(torch.rnn_relu_cell, _shapes(1))],
    torch.lstm_cell: [
        (lambda x, h, *w: torch.cat(torch.lstm_cell(x, (h, h * h), *w)), _shapes(4)),
        (lambda x, h, w, u: torch.lstm_cell(x, (h, 2 * h), w, u)[1], _shapes(4)[:4]),
    ],
    torch.gru_cell: [(torch.gru_cell, _shapes(3)), (torch.gru_cell, _shapes(3)[:4])],
}
