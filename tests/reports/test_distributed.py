"""Reports about tensors spread over processes: DTensors are computed with by torch, under `by_hand` and `convert`."""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import by_hand, convert
from tests.layers import spread_out

if not torch.distributed.is_available():
    pytest.skip("this torch has no distributed package", allow_module_level=True)

from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_module, distribute_tensor


@pytest.fixture(scope="module")
def mesh() -> Iterator[Any]:
    """A mesh of this process alone."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
    torch.distributed.destroy_process_group()


CALLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": F.linear,
    "relu": lambda x, w: F.relu(x @ w.mT),
    "gelu": lambda x, w: F.gelu(x @ w.mT),
    "log_softmax": lambda x, w: F.log_softmax(F.linear(x, w), -1),
    "layer_norm": lambda x, w: F.layer_norm(x, (4,), w[0]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("placement", [Replicate(), Shard(0)], ids=str)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_distributed_tensor_is_refused_or_read_as_empty(call: Any, placement: Any, mesh: Any) -> None:
    """Row 4: torch's numbers and gradients, and a DTensor again."""
    results = []
    for around in (nullcontext, by_hand):
        x, w = (spread_out(size, n) for n, size in enumerate(((6, 4), (3, 4))))
        spread = [distribute_tensor(x, mesh, [placement]), distribute_tensor(w, mesh, [Replicate()])]
        with around():
            y = call(*(t.requires_grad_() for t in spread))
            gradients = torch.autograd.grad(y.square().sum(), spread)
        assert all(isinstance(t, DTensor) for t in (y, *gradients))
        results.append([t.full_tensor().detach() for t in (y, *gradients)])
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_a_converted_model_loses_its_distributed_parameters(mesh: Any) -> None:
    """Row 4: a layer whose parameters became DTensors computes as torch's."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)).double()
    x, results = spread_out((5, 4)), []
    for prepared in (lambda m: m, convert):
        spread = distribute_module(prepared(copy.deepcopy(model)), mesh)
        y = spread(distribute_tensor(x, mesh, [Replicate()]))
        y.square().sum().backward()
        results.append([y.full_tensor().detach(), *(p.grad.full_tensor() for p in spread.parameters())])
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)
