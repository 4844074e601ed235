"""Training programs, and what changes weights beside them: pruning, parametrisations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.snippet import snippet


@snippet("torch.nn.utils.prune", "torch")
def pruned(model: Module, x: Tensor, target: Tensor) -> Any:
    """Weights set to zero by size, and the gradient of what is left."""
    from torch.nn.utils import prune

    prune.l1_unstructured(model[3], "weight", amount=0.5)
    loss = torch.nn.functional.cross_entropy(model(x), target)
    return loss, torch.autograd.grad(loss, model[3].weight_orig)
