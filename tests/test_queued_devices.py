"""On a device that runs behind the program no layer reads an entry, which would wait for all that is queued there.

No such device is needed: fake tensors have no entries to read, and raise where one is asked for.  `make gpu` asks the
same of a real one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensor, FakeTensorMode
from torch.autograd import grad

import manualconv.nn
from manualconv import functional
from manualconv.torch_internals import tensors
from tests.layers import DRAWN, PAIRS, Example
from train.models import NETWORKS

#: A kind of device that torch knows and whose backward pass needs no driver.
DEVICE = torch.device("lazy:0")
EVERY = PAIRS | DRAWN
#: One for all tests: positions that a window has computed on the device are kept for the next call.
MODE = FakeTensorMode(allow_non_fake_inputs=True)


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fake tensors of `DEVICE` are taken for ordinary ones of a queued device."""
    really = tensors.is_plain
    monkeypatch.setattr(tensors, "QUEUED", {DEVICE.type})
    for name, module in list(sys.modules.items()):
        if name.startswith("manualconv") and getattr(module, "is_plain", None) is really:
            monkeypatch.setattr(
                module, "is_plain", lambda *tensors: all(isinstance(t, FakeTensor) or really(t) for t in tensors)
            )
    with MODE:
        yield


@pytest.mark.parametrize("layer", EVERY.values(), ids=EVERY)
def test_two_orders_read_nothing(layer: Example) -> None:
    leaves = [torch.empty(shape, device=DEVICE).requires_grad_() for shape in layer.shapes]
    y = layer.by_hand(*leaves)
    cotangent = torch.empty_like(y).requires_grad_()
    first = [g for g in grad(y, leaves, cotangent, create_graph=True) if g.requires_grad]
    grad(first, [*leaves, cotangent], [torch.empty_like(g) for g in first], materialize_grads=True)
    assert y.device == DEVICE


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_reads_nothing(name: str) -> None:
    network = NETWORKS[name]
    with DEVICE:
        model, criterion = network.build(manualconv.nn), network.criterion(manualconv.nn)
        shape = network.takes if network.takes not in (None, (1, 28, 28)) else (28, 28)
        images, targets = torch.zeros(2, *shape, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = criterion(model(network.scale(images, torch.float32, DEVICE)), targets)
    loss.backward()
    optimizer.step()
    assert loss.device == DEVICE


def test_a_reading_layer_would_be_noticed() -> None:
    def reading(z: Tensor) -> Tensor:
        return functional.relu(z) * float(z.sum())

    with pytest.raises(DataDependentOutputException):
        test_two_orders_read_nothing(Example("relu", ((3,),), form=lambda _: reading))
