"""torch's names of one step of recurrent networks."""

from __future__ import annotations

import torch

from manualconv.functional.overrides import asking
from manualconv.functional.recurrent import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from manualconv.swap.table.spelling import Operation

TABLE: dict[Operation, Operation] = {
    torch.rnn_tanh_cell: asking(rnn_tanh_cell),
    torch.rnn_relu_cell: asking(rnn_relu_cell),
    torch.lstm_cell: asking(lstm_cell),
    torch.gru_cell: asking(gru_cell),
}
