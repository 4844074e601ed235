"""LeNet-5 as the article of 1998 describes it: 60,000 trainable parameters.

    C1  6 maps 28×28    convolution 5×5                           156
    S2  6 maps 14×14    trainable sub-sampling 2×2                 12
    C3  16 maps 10×10   convolution 5×5 of some of S2's maps    1,516    `C3_TABLE`
    S4  16 maps 5×5     trainable sub-sampling 2×2                 32
    C5  120 maps 1×1    convolution 5×5                        48,120
    F6  84 units        fully connected                        10,164
    out 10 units        squared distance to a fixed code            0    y_i = Σ_j (x_j − w_ij)²

Every layer up to F6 ends in the scaled tanh 1.7159·tanh(2z/3).  The codes w_i are bitmaps of the digits, ±1.

*The loss* is the article's equation 9 with its constant j: the right distance small, and the wrong ones large,

    E = y_D + log(e^(−j) + Σ_i e^(−y_i)),

which is the cross-entropy of the eleven logits (−y_0, …, −y_9, −j), the last one of the class "none of these".

Left out of the article: its second-order learning rates; training here is `train.training`'s.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section II.B
and II.C, table I, equations 7 and 9, appendix A (the tanh and the initial weights).
"""

import math
from collections.abc import Sequence
from itertools import groupby
from types import ModuleType

import torch
from torch import Tensor, nn

from train.models.characters import codes
from train.models.torch_only import scaled_tanh, subsample

# Row o: the maps of S2 that map o of C3 sees.
C3_TABLE = (
    *(tuple(sorted((o + n) % 6 for n in range(3))) for o in range(6)),
    *(tuple(sorted((o + n) % 6 for n in range(4))) for o in range(6)),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)

# The squared distance from a code to the midpoint between it and the nearest other one, 3 and 8: their Hamming
# distance.  An F6 farther than that from every code belongs to none.
J = 11.0


class PartialConvolution(nn.Module):
    """A convolution each of whose maps sees only the maps in its row of a table.

    Rows of one length that follow each other share one grouped convolution, a group a map, of the input maps laid out
    row after row; so there is a kernel for every connection and nothing at all for the others.
    """

    def __init__(self, layers: ModuleType, table: Sequence[Sequence[int]], kernel_size: int) -> None:
        super().__init__()
        self.runs = [[list(row) for row in rows] for _, rows in groupby(table, len)]
        self.convolutions = layers.ModuleList(
            layers.Conv2d(sum(map(len, rows)), len(rows), kernel_size, groups=len(rows)) for rows in self.runs
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, C, H, W) → (N, rows of the table, H − k + 1, W − k + 1)."""
        seen = [x[:, [c for row in rows for c in row]] for rows in self.runs]
        return torch.cat([convolution(maps) for convolution, maps in zip(self.convolutions, seen)], 1)


class RadialBasis(nn.Module):
    """y_i = Σ_j (x_j − w_ij)² for fixed w: a buffer, no parameter."""

    codes: Tensor

    def __init__(self, layers: ModuleType, codes: Tensor) -> None:
        super().__init__()
        self.square_of_difference = layers.MSELoss(reduction="none")
        self.register_buffer("codes", codes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, J) → (N, I) distances, from codes (I, J)."""
        shape = (len(x), *self.codes.shape)
        squares: Tensor = self.square_of_difference(x.unsqueeze(1).expand(shape), self.codes.expand(shape))
        return squares.sum(2)


class Nearness(nn.Module):
    """−y: a score that is largest where the distance is smallest."""

    def forward(self, y: Tensor) -> Tensor:
        """Any shape, the same out."""
        return -y


class NearestCodeLoss(nn.Module):
    """E = y_D + log(e^(−j) + Σ_i e^(−y_i)), the mean over the batch; D is the target."""

    def __init__(self, layers: ModuleType, j: float = J) -> None:
        super().__init__()
        self.j = j
        self.cross_entropy = layers.CrossEntropyLoss()

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        """scores: (N, I), −y; target: (N,) int64."""
        none_of_these = scores.new_full((len(scores), 1), -self.j)
        loss: Tensor = self.cross_entropy(torch.cat([scores, none_of_these], 1), target)
        return loss


def lenet5_1998(layers: ModuleType) -> nn.Sequential:
    """x: (N, 1, 32, 32), paper −0.1 and ink 1.175 → scores (N, 10), the squared distances with a minus."""
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(1, 6, 5),  # C1: (N, 6, 28, 28)
        scaled_tanh(layers),
        subsample(layers, 6, scaled_tanh(layers)),  # S2: (N, 6, 14, 14)
        PartialConvolution(layers, C3_TABLE, 5),  # C3: (N, 16, 10, 10)
        scaled_tanh(layers),
        subsample(layers, 16, scaled_tanh(layers)),  # S4: (N, 16, 5, 5)
        layers.Conv2d(16, 120, 5),  # C5: (N, 120, 1, 1)
        scaled_tanh(layers),
        layers.Flatten(),
        layers.Linear(120, 84),  # F6
        scaled_tanh(layers),
        RadialBasis(layers, codes()),
        Nearness(),
    )
    network.apply(_draw)
    return network


def _draw(layer: nn.Module) -> None:
    """Uniform in ±2.4/F, where F is the number of inputs of a unit: the article's initial weights."""
    weight = getattr(layer, "weight", None)
    if weight is None:
        return
    inputs = math.prod(weight.shape[1:]) if weight.dim() > 1 else 4  # of a sub-sampling unit: its 2×2 window
    for parameter in layer.parameters(recurse=False):
        nn.init.uniform_(parameter, -2.4 / inputs, 2.4 / inputs)
