"""How far a float may be from the exact result: the error counted in roundings of the terms it is a sum of.

    e = |y − y64| / (u·S),     S = Σ|x|·|w| (+ |b|),     u half the spacing of floats at 1

A sum of K products, in any order, has e ≤ K + 2.  Unlike a relative error, e does not explode where the terms cancel.
Below the smallest normal number a result is rounded to a fixed grid instead: half a step of it is not counted.

Source: Higham, *Accuracy and Stability of Numerical Algorithms*, sections 2.2 and 3.1.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: u: the relative error of one rounding.
ROUNDING = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}


def errors(y: Tensor, exact: Tensor, scale: Tensor) -> Tensor:
    """e of every entry with a scale S, in a row; it and `exact` are float64.  Zero scale demands an exact zero."""
    distance, scale = (y.detach().double() - exact.detach()).abs(), scale.detach()
    kind = torch.finfo(y.dtype)
    distance = (distance - kind.smallest_normal * kind.eps / 2).clamp(min=0)
    assert not distance.isnan().any()
    assert torch.all(distance[scale == 0] == 0)
    counted = scale > 0
    return distance[counted] / (ROUNDING[y.dtype] * scale[counted])


def error(y: Tensor, exact: Tensor, scale: Tensor) -> float:
    """The largest e of a tensor."""
    found = errors(y, exact, scale)
    return float(found.max()) if len(found) else 0.0
