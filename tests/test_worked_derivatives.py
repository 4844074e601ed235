"""The maps of docs/DERIVATIVES.md, run from that page, in every mode, against torch's derivative of plain forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, grad
from torch.func import hessian, jacrev, jvp, vmap

from tests.layers import close, spread_out
from tests.pages import defined_on, links_of

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


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def test_every_link_of_the_page_leads_to_a_file() -> None:
    links = links_of("DERIVATIVES.md")
    assert len(links) > 5
    assert [link for link in links if not link.exists()] == []


def test_three_orders(case: Any) -> None:
    ours, plain, leaves = case
    close(derivatives(ours, leaves), derivatives(plain, leaves))


def test_a_slope_that_is_constant_between_kinks_has_zeros_not_none() -> None:
    ours, _, (z,) = of("HardShrink")
    (slope,) = grad(ours(z), z, spread_out(z.shape, 3), create_graph=True)
    (second,) = grad(slope, z, spread_out(z.shape, 5))
    assert torch.equal(second, torch.zeros_like(z))


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_complex(name: str) -> None:
    ours, plain, leaves = of(name, torch.complex128)
    close(derivatives(ours, leaves, 2), derivatives(plain, leaves, 2))
    tangents = tuple(t.detach().flip(0) * (1 - 2j) for t in leaves)
    primals = tuple(t.detach() for t in leaves)
    close(jvp(ours, primals, tangents), jvp(plain, primals, tangents))


def test_forward_mode_and_nested(case: Any) -> None:
    ours, plain, leaves = case
    primals = tuple(t.detach() for t in leaves)
    tangents = tuple(spread_out(t.shape, 5) for t in leaves)

    def pushed(f: F) -> F:
        return lambda *args: jvp(f, args, tangents)[1]

    with forward_ad.dual_level():
        dual = [forward_ad.make_dual(p, t) for p, t in zip(primals, tangents)]
        tangent = forward_ad.unpack_dual(ours(*dual)).tangent
    close(tangent, pushed(plain)(*primals))
    for times in range(3):
        f, g = ours, plain
        for _ in range(times + 1):
            f, g = pushed(f), pushed(g)
        close(f(*primals), g(*primals))


def test_transforms(case: Any) -> None:
    ours, plain, leaves = case
    arguments = tuple(range(len(leaves)))
    primals = [t.detach()[:1] for t in leaves]
    weights = spread_out(plain(*primals).shape, 3)
    for transform in (torch.func.grad, hessian, jacrev):
        results = [transform(lambda *a, f=f: (f(*a) ** 2 * weights).sum(), arguments)(*primals) for f in (ours, plain)]
        close(*[list(torch.utils._pytree.tree_leaves(r)) for r in results])
    # The reverse pass as a program that is mapped and pushed forward.
    (first,) = (transform_of(ours, weights, arguments)(*primals),)
    close(list(first), list(transform_of(plain, weights, arguments)(*primals)))


def transform_of(f: F, weights: Tensor, arguments: tuple[int, ...]) -> Callable[..., tuple[Tensor, ...]]:
    """The tangent of a gradient."""
    loss = torch.func.grad(lambda *a: (f(*a) ** 2 * weights).sum(), arguments)
    return lambda *primals: jvp(loss, primals, tuple(p.flip(0) + 1 for p in primals))[1]


@pytest.mark.parametrize("axis", [0, 1])
def test_mapped_axes(case: Any, axis: int) -> None:
    ours, plain, leaves = case
    primals = [t.detach() for t in leaves]
    mapped = [torch.stack([p, p.flip(-1) + 1, 2 * p], axis) for p in primals]
    for one in range(len(leaves)):  # one tensor mapped alone, then all
        in_dims = tuple(axis if n == one else None for n in range(len(leaves)))
        args = [m if at is not None else p for m, p, at in zip(mapped, primals, in_dims)]
        close(vmap(ours, in_dims)(*args), vmap(plain, in_dims)(*args))
    assert vmap(ours, axis, 1)(*mapped).shape == vmap(plain, axis, 1)(*mapped).shape

    def per_sample(f: F) -> list[Tensor]:
        slopes = torch.func.grad(lambda *a: (f(*a) ** 3).sum(), tuple(range(len(leaves))))
        return list(vmap(slopes, axis)(*mapped))

    close(per_sample(ours), per_sample(plain))


@pytest.mark.parametrize(("backend", "dynamic"), [("aot_eager", False), ("eager", True)], ids=["static", "dynamic"])
def test_one_graph(case: Any, backend: str, dynamic: bool) -> None:
    ours, plain, leaves = case
    compiled = torch.compile(lambda *a: ours(*a) * 2, backend=backend, fullgraph=True, dynamic=dynamic)
    for size in (2, 1):
        part = [t.detach()[:size].requires_grad_() for t in leaves]
        y, expected = compiled(*part), plain(*part) * 2
        cotangent = spread_out(y.shape, 3)
        close([y, *grad(y, part, cotangent)], [expected, *grad(expected, part, cotangent)])


def test_second_order_of_a_graph(case: Any) -> None:
    """Dynamo traces an autograd.Function with grad mode off, so that terms would be lost."""
    ours, plain, leaves = case
    compiled = torch.compile(ours, backend="eager", fullgraph=True)
    close(derivatives(compiled, leaves, 2), derivatives(plain, leaves, 2))


def test_autocast_changes_nothing(case: Any) -> None:
    ours, _, leaves = case
    leaves = [t.detach().float().requires_grad_() for t in leaves]
    expected = derivatives(ours, leaves, 2)
    with torch.autocast("cpu", torch.bfloat16):
        got = derivatives(ours, leaves, 2)
    assert {t.dtype for t in got} == {torch.float32}
    close(got, expected)


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


@pytest.mark.parametrize("name", POINTWISE)
def test_channels_last_stays(name: str) -> None:
    ours, plain, (z,) = of(name)
    z = z.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    y = ours(z)
    cotangent = spread_out(y.shape, 3).contiguous(memory_format=torch.channels_last)
    (slope,) = grad(y, z, cotangent)
    close([y, slope], [plain(z), grad(plain(z), z, cotangent)[0]])
    assert all(t.is_contiguous(memory_format=torch.channels_last) for t in (y, slope))


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
