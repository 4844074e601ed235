"""The maps of docs/DERIVATIVES.md, run from that page, in every mode, against torch's derivative of plain forms."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from tests.capabilities.modes import MODES
from tests.capabilities.operations import Operation
from tests.capabilities.proofs import FORMAT, NOT_ASKED, RIGHT, tried
from tests.layers import close, spread_out
from tests.pages import defined_on

pytestmark = pytest.mark.usefixtures("forgotten")

PAGE = defined_on("DERIVATIVES.md")
F = Callable[..., Tensor]

#: What the page defines, the same in plain operations, and the shapes of the tensors that it takes.
MAPS: dict[str, tuple[F, F, tuple[tuple[int, ...], ...]]] = {
    "Snake": (lambda z: PAGE.Snake.call(z, 0.7), lambda z: z + (0.7 * z).sin() ** 2 / 0.7, ((2, 3, 4, 5),)),
    "Softsign": (PAGE.Softsign.call, lambda z: z / (1 + z.abs()), ((2, 3, 4, 5),)),
    "HardShrink": (
        lambda z: PAGE.HardShrink.call(z, 0.7),
        lambda z: torch.where(z.abs() > 0.7, z, 0 * z),
        ((2, 3, 4, 5),),
    ),
    "RunningSum": (lambda x: PAGE.running_sum(x, 1), lambda x: x.cumsum(1), ((2, 3, 4, 5),)),
    "Product": (PAGE.Product.call, torch.matmul, ((2, 3, 4), (2, 4, 5))),
}
POINTWISE = ["Snake", "Softsign", "HardShrink"]
HOLOMORPHIC = ["Snake", "RunningSum", "Product"]


@pytest.fixture(params=MAPS)
def case(request: pytest.FixtureRequest) -> tuple[F, F, list[Tensor]]:
    """A map, its plain form, and leaves."""
    return of(request.param)


def of(name: str, dtype: torch.dtype = torch.float64) -> tuple[F, F, list[Tensor]]:
    """One of the maps, its plain form, and leaves of a dtype."""
    ours, plain, shapes = MAPS[name]
    leaves = [spread_out(shape, n) for n, shape in enumerate(shapes)]
    if dtype.is_complex:
        leaves = [torch.complex(t, spread_out(t.shape, 7) / 3) for t in leaves]
    return ours, plain, [t.to(dtype).requires_grad_() for t in leaves]


def derivatives(f: F, leaves: list[Tensor], orders: int = 3) -> list[Tensor]:
    """The result and its gradients of every order, each under a cotangent of its own."""
    results = [f(*leaves)]
    found = list(results)
    for order in range(orders):
        cotangents = [spread_out(r.shape, 11 + order + n).to(r.dtype) for n, r in enumerate(results)]
        results = list(grad(results, leaves, cotangents, create_graph=True, materialize_grads=True))
        if not all(r.requires_grad for r in results):
            results = [r + 0 * sum((t.sum() for t in leaves), torch.zeros((), dtype=r.dtype)) for r in results]
        found += results
    return found


@pytest.mark.filterwarnings("ignore")  # torch's own, in modes that make it warn
@pytest.mark.parametrize("group", MODES)
@pytest.mark.parametrize("name", MAPS)
def test_every_mode_of_the_capabilities_gives_what_the_plain_form_does(name: str, group: str) -> None:
    ours, plain, shapes = MAPS[name]
    operation = Operation(ours, plain, plain, shapes)
    allowed = {RIGHT, NOT_ASKED} if name in POINTWISE else {RIGHT, NOT_ASKED, FORMAT}
    for column, mode in MODES[group].items():
        if column == "compile, symbolic batch" and len(shapes) > 1:
            continue  # of the first tensor alone, while both share it
        for dtype in mode.dtypes:
            if dtype.is_floating_point or (dtype.is_complex and name in HOLOMORPHIC):
                assert tried(ours, operation, mode, dtype) in allowed, (column, dtype)


def test_a_slope_that_is_constant_between_kinks_has_zeros_not_none() -> None:
    ours, _, (z,) = of("HardShrink")
    (slope,) = grad(ours(z), z, spread_out(z.shape, 3), create_graph=True)
    (second,) = grad(slope, z, spread_out(z.shape, 5))
    assert torch.equal(second, torch.zeros_like(z))


def test_second_order_of_a_graph(case: Any) -> None:
    """Dynamo traces an autograd.Function with grad mode off, so that terms would be lost."""
    ours, plain, leaves = case
    compiled = torch.compile(ours, backend="eager", fullgraph=True)
    close(derivatives(compiled, leaves, 2), derivatives(plain, leaves, 2))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", POINTWISE)
def test_half_precision_rounds_once(name: str, dtype: torch.dtype) -> None:
    ours, plain, leaves = of(name, dtype)
    exact = [t.detach().double().requires_grad_() for t in leaves]
    y, expected = ours(*leaves), plain(*exact)
    assert y.dtype == dtype
    unit = torch.finfo(dtype).eps
    assert torch.all((y.double() - expected).abs() <= 0.51 * unit * expected.abs())
    cotangent = spread_out(y.shape, 3).to(dtype)
    (got,), (right,) = grad(y, leaves, cotangent), grad(expected, exact, cotangent.double())
    # Softsign's slope is made of the rounded y.
    assert got.dtype == dtype and torch.all((got.double() - right).abs() <= 3 * unit * cotangent.double().abs())


def test_empty_tensors(case: Any) -> None:
    ours, plain, leaves = case
    leaves = [t.detach()[:0].requires_grad_() for t in leaves]
    for got, expected in zip(derivatives(ours, leaves, 2), derivatives(plain, leaves, 2)):
        assert got.shape == expected.shape


def test_the_layer_of_the_page_learns_its_parameter() -> None:
    net = PAGE.net.double()
    x, labels = spread_out((5, 1, 8, 8)), torch.arange(5)
    PAGE.nn.CrossEntropyLoss()(net(x), labels).backward()
    layer = net[1]
    (expected,) = grad(
        torch.nn.functional.cross_entropy(net[3](net[2](MAPS["Snake"][1](net[0](x) * layer.scale))), labels),
        layer.scale,
    )
    # The layer's α is 0.5, that of the plain form 0.7.
    assert layer.alpha == 0.5 and not torch.allclose(layer.scale.grad, expected)
    layer.alpha, layer.scale.grad = 0.7, None
    PAGE.nn.CrossEntropyLoss()(net(x), labels).backward()
    close(layer.scale.grad, expected)
