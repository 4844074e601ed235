"""Per-sample gradients, ``vmap(grad)``: a loop's for every kind of layer, at about the loop's arithmetic."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from manualconv import nn
from tests.layers import TWINS, Layer, close, spread_out

SAMPLES = 4

PADDED = {
    f"{name}, {mode}": Layer(name, (2, 4, (3, 2)[:n] + (2,) * (n > 2), 1, (1, 2, 1)[:n], 1, 2, True, mode), shape)
    for n, name, shape in ((1, "Conv1d", (1, 2, 5)), (2, "Conv2d", (1, 2, 4, 5)), (3, "Conv3d", (1, 2, 3, 4, 3)))
    for mode in ("zeros", "reflect", "replicate", "circular")
}


def of_one_sample(module: torch.nn.Module, unbatched: bool = True) -> Callable[[dict[str, Tensor], Tensor], Any]:
    """The gradient of a loss of one sample, without a batch axis or as a batch of one, by the parameters."""

    def one(parameters: dict[str, Tensor], image: Tensor) -> Tensor:
        image = image if unbatched else image[None]
        return torch.func.functional_call(module, parameters, (image,)).pow(3).sum()

    return torch.func.grad(one)


#: A batch normalisation standardises over the batch: it has no gradient of one sample, as in torch.
APART = {name: twins for name, twins in {**TWINS, **PADDED}.items() if not name.startswith("BatchNorm")}


@pytest.mark.parametrize("twins", APART.values(), ids=APART)
def test_per_sample_gradients_are_a_loop_s(twins: Layer) -> None:
    ours, theirs = twins.make()
    images = spread_out((SAMPLES, *twins.input[1:]))
    parameters = {name: p.detach() for name, p in ours.named_parameters()}
    got = torch.vmap(of_one_sample(ours, twins.unbatched), (None, 0))(parameters, images)
    one_by_one = [of_one_sample(theirs, twins.unbatched)(parameters, image) for image in images]
    close(got, {name: torch.stack([g[name] for g in one_by_one]) for name in parameters})


class Products(TorchDispatchMode):
    """Multiplications and additions of the matrix products that run.

    A FlopCounterMode is told the definition's count of a convolution, whatever is computed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket in PRODUCTS:
            self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


PRODUCTS = (torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.addmm, torch.ops.aten.baddbmm)


def flops(run: Callable[[], object]) -> int:
    """Multiplications and additions of matrix products."""
    with Products() as products:
        run()
    return products.flops


GROUPED = {
    "depthwise": nn.Conv2d(8, 8, 3, padding=1, groups=8),
    "groups": nn.Conv2d(12, 8, 3, groups=4),
    "one group": nn.Conv2d(4, 6, 3, stride=2),
    "conv1d": nn.Conv1d(8, 12, 3, groups=4),
    "conv3d": nn.Conv3d(4, 4, 2, groups=2),
    "transposed": nn.ConvTranspose2d(12, 8, 3, groups=4),
}


@pytest.mark.parametrize("module", GROUPED.values(), ids=GROUPED)
def test_no_arithmetic_is_wasted_between_groups_or_samples(module: torch.nn.Module) -> None:
    channels = module.in_channels
    images = spread_out((SAMPLES, channels, *(6, 5, 4)[: module.weight.dim() - 2])).float()
    parameters = {name: p.detach() for name, p in module.named_parameters()}
    together = flops(lambda: torch.vmap(of_one_sample(module), (None, 0))(parameters, images))
    one_by_one = sum(flops(lambda i=i: of_one_sample(module)(parameters, images[i])) for i in range(SAMPLES))
    assert 0 < together <= 1.1 * one_by_one
