"""Numbers far from one: rows 1, 2, 9 and 10 of the cases, and slopes at NaN and far out."""

from collections.abc import Callable
from math import exp, inf, log, nan
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad
from torch.nn.attention import SDPBackend, sdpa_kernel

from manualconv import by_hand, functional
from manualconv.testing.catalogue.activation import ENTRYWISE
from manualconv.testing.judge import ROUNDING

HALVES = (torch.float16, torch.bfloat16)
DTYPES = (torch.float64, torch.float32, *HALVES)
named = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: str(d)[6:])
halves = pytest.mark.parametrize("dtype", HALVES, ids=lambda d: str(d)[6:])


def value_and_slope(apply: Callable[[Tensor], Tensor], z: Tensor, create_graph: bool = False) -> tuple[Tensor, Tensor]:
    """y, and the gradient of its sum."""
    leaf = z.detach().clone().requires_grad_()
    y = apply(leaf)
    (slope,) = grad(y, leaf, torch.ones_like(y), create_graph=create_graph)
    return y.detach(), slope.detach()


def near(got: Tensor, exact: Tensor, roundings: float = 4) -> bool:
    """Relative to the exact number, or one step of the smallest; infinite beyond the dtype, NaN at its places."""
    kind, u = torch.finfo(got.dtype), ROUNDING[got.dtype]
    exact = torch.where(exact.abs() > kind.max * (1 + u), exact.sign() * inf, exact)
    room, got = roundings * u * exact.abs() + kind.smallest_normal * kind.eps, got.double()
    return bool(((got - exact).abs().le(room) | (got == exact) | (got.isnan() & exact.isnan())).all())


# -------------------------------------------------------------------------------------------- row 1: the normaliser


@pytest.mark.parametrize("offset", [-1e30, -1e8, -1000.0, 0.0, 1e4, 1e8, 1e30, 1e38])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_the_cross_entropy_of_two_equal_logits_is_log_2_however_large_they_are(
    dtype: torch.dtype, offset: float
) -> None:
    z = torch.full((1, 2), offset, dtype=dtype)
    loss, slope = value_and_slope(lambda t: functional.cross_entropy(t, torch.tensor([1])), z)
    assert near(loss, torch.tensor(log(2), dtype=torch.float64)) and slope.tolist() == [[0.5, -0.5]]
    assert functional.softmax(z, 1).tolist() == [[0.5, 0.5]] == functional.softmin(z, 1).tolist()
    q = torch.tensor([[0.25, 0.75]], dtype=dtype)
    for options in ({}, {"label_smoothing": 0.5}):
        loss, slope = value_and_slope(lambda t, o=options: functional.cross_entropy(t, q, **o), z)
        assert near(loss, torch.tensor(log(2), dtype=torch.float64))
        assert slope.abs().max() <= 0.25


@pytest.mark.parametrize("offset", [0.0, 1000.0, -1000.0, 2.0**20, -(2.0**26)])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_a_number_added_to_all_logits_changes_no_bit(name: str, axis: int, offset: float) -> None:
    """Of multiples of 8 the sums are exact, so that the same d comes out; in every mode, and in their derivatives."""
    z = 8 * torch.randint(-9, 10, (4, 5), generator=torch.Generator().manual_seed(0)).float()
    g = torch.arange(20.0).reshape(4, 5) - 7
    apply = getattr(functional, name)

    def all_modes(z: Tensor) -> list[Tensor]:
        leaf = z.clone().requires_grad_()
        y = apply(leaf, axis)
        (first,) = grad(y, leaf, g, create_graph=True)
        (second,) = grad(first, leaf, g.flip(0))
        tangent = torch.func.jvp(lambda t: apply(t, axis), (z,), (g,))[1]
        mapped = torch.func.vmap(lambda t: apply(t, -1), -1, -1)(z)
        return [y.detach(), first.detach(), second, tangent, mapped]

    for near_one, far in zip(all_modes(z), all_modes(z + offset)):
        assert torch.equal(near_one, far)


@halves
@pytest.mark.parametrize("entries", [2, 1000, 65504, 2**18])
def test_the_probabilities_of_many_equal_halves_add_up_to_one(dtype: torch.dtype, entries: int) -> None:
    z = torch.full((entries,), 100.0, dtype=dtype)
    p = functional.softmax(z, 0)
    assert (
        near(p, torch.full((entries,), 1 / entries, dtype=torch.float64), 1)
        or 1 / entries < torch.finfo(dtype).smallest_normal
    )
    assert abs(p.double().sum().item() - 1) <= ROUNDING[dtype] or 1 / entries < torch.finfo(dtype).smallest_normal
    assert near(functional.log_softmax(z, 0), torch.full((entries,), -log(entries), dtype=torch.float64), 1)


@named
@pytest.mark.parametrize("axis", [0, 1])
def test_rows_with_infinities_and_nan_are_torch_s(dtype: torch.dtype, axis: int) -> None:
    rows = [[-inf, -inf, -inf], [inf, 0, 1], [inf, inf, 0], [-inf, 0, 1], [nan, 0, 1], [inf, -inf, 0], [3e38, -3e38, 0]]
    z = torch.tensor(rows).to(dtype)
    z = z if axis else z.T
    for name in ("softmax", "log_softmax", "softmin"):
        ours, theirs = (
            value_and_slope(lambda t, f=library, n=name: getattr(f, n)(t, axis), z) for library in (functional, F)
        )
        for got, expected in zip(ours, theirs):
            torch.testing.assert_close(
                got, expected, equal_nan=True, atol=4 * ROUNDING[dtype], rtol=4 * ROUNDING[dtype]
            )


@pytest.mark.parametrize(("shape", "axis"), [((3, 0), 1), ((0, 3), 1), ((3, 0), 0), ((0,), 0), ((), 0), ((), -1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_an_empty_axis_and_a_number_have_a_softmax(name: str, shape: tuple[int, ...], axis: int) -> None:
    ours, theirs = (
        value_and_slope(lambda t, f=f: getattr(f, name)(t, axis), torch.ones(shape)) for f in (functional, F)
    )
    assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("target", [1.0, 0.0, 0.25])
def test_a_coin_s_cross_entropy_keeps_the_digits_of_small_losses(target: float) -> None:
    """(1 − t)·z − log σ(z) cancelled for t = 0 below z = 0: 0 instead of e^z."""
    z = torch.tensor([-100.0, -80.0, -20.0, -5.0, 5.0, 20.0, 80.0, 100.0])
    t = torch.full_like(z, target)
    ours, exact = (
        value_and_slope(lambda x, t=t: functional.binary_cross_entropy_with_logits(x, t, reduction="none"), x)
        for x, t in ((z, t), (z.double(), t.double()))
    )
    if target == 0:
        assert exact[0][0] == pytest.approx(exp(-100))
    assert near(ours[0][1:-1], exact[0][1:-1]) and near(ours[1][1:-1], exact[1][1:-1])


@halves
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_cross_entropy_of_halves_is_rounded_once(dtype: torch.dtype, smoothing: float, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    z = (torch.randn(300, 1000, generator=generator) * 30 + 300).to(dtype)
    target = torch.randint(1000, (300,), generator=generator)
    v = (torch.rand(1000, generator=generator) * 900).to(dtype) if weighted else None

    def loss(t: Tensor) -> Tensor:
        return functional.cross_entropy(t, target, None if v is None else v.to(t.dtype), label_smoothing=smoothing)

    ours, exact = value_and_slope(loss, z), value_and_slope(loss, z.double())
    assert near(ours[0], exact[0], 1.01) and ours[0].dtype == dtype
    assert (ours[1].double() - exact[1]).abs().max() <= 1.01 * ROUNDING[dtype] * exact[1].abs().max()


def test_the_softmax_compiled_keeps_the_normaliser() -> None:
    z = torch.tensor([[1e8, 1e8], [1e8, 1e8 + 8]])
    for transform in (lambda f: f, torch.func.grad):

        def apply(z: Tensor) -> Tensor:
            return functional.cross_entropy(z, torch.tensor([1, 0]))

        eager, compiled = transform(apply), torch.compile(transform(apply), backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(z), eager(z))


# ------------------------------------------------------------------------------------------------ row 2: attention

MASKS: dict[str, Callable[[torch.dtype], dict[str, Any]]] = {
    "none": lambda _: {},
    "causal": lambda _: {"is_causal": True},
    "boolean": lambda _: {"attn_mask": torch.arange(64 * 64).reshape(64, 64) % 3 > 0},
    "added": lambda dtype: {"attn_mask": (torch.arange(64 * 64).reshape(64, 64) % 7 - 3).to(dtype)},
    "the least number": lambda dtype: {
        "attn_mask": torch.zeros(64, 64)
        .to(dtype)
        .masked_fill(torch.ones(64, 64).triu(1).bool(), torch.finfo(dtype).min)
    },
}


@halves
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("magnitude", [1e-2, 1.0, 100.0])
def test_attention_s_scores_are_not_kept_in_half(dtype: torch.dtype, mask: str, magnitude: float) -> None:
    """Errors of the output and of all gradients by norm: at most torch's, of its two forms, or two roundings."""
    generator = torch.Generator().manual_seed(0)
    tensors = [(torch.randn(2, 4, 64, 64, generator=generator) * magnitude).to(dtype) for _ in range(3)]
    g = torch.randn(2, 4, 64, 64, generator=generator).to(dtype)

    def outcome(tensors: list[Tensor], **options: Any) -> list[Tensor]:
        leaves = [t.clone().requires_grad_() for t in tensors]
        y = F.scaled_dot_product_attention(*leaves, **options)
        return [y.detach(), *grad(y, leaves, g.to(y.dtype))]

    options = MASKS[mask](dtype)
    with by_hand():
        ours = outcome(tensors, **options)
    fused = outcome(tensors, **options)
    with sdpa_kernel(SDPBackend.MATH):
        theirs = outcome(tensors, **options)
        wide = {k: v.double() if isinstance(v, Tensor) and v.dtype == dtype else v for k, v in options.items()}
        exact = outcome([t.double() for t in tensors], **wide)
    for got, right, *others in zip(ours, exact, theirs, fused):
        assert got.dtype == dtype and got.isfinite().all()
        error, *beside = ((t.double() - right).norm() for t in (got, *others))
        assert error <= max(1.2 * max(beside), 2 * ROUNDING[dtype] * right.norm())


# ------------------------------------------------------------------------- row 9: limits in float32, not in the dtype

ROUNDED: list[tuple[str, tuple[float, ...]]] = [
    *(("hardtanh", limits) for limits in ((-0.7, 0.7), (-0.1, 0.3), (-inf, 0.7), (-1e-9, 1e-9))),
    *(("threshold", numbers) for numbers in ((0.1, 0.2), (-0.7, 0.3), (0.3, 1e-9), (1e-9, 1.0), (1e30, 0.0))),
    *(("leaky_relu", (slope,)) for slope in (0.01, 0.3, 1e-9, 1e30)),
    *((name, ()) for name in ("relu", "relu6", "hardsigmoid", "hardswish")),
]


def every_half(dtype: torch.dtype) -> Tensor:
    """All numbers of 16 bits but NaN."""
    z = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    return z[~z.isnan()]


@halves
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(("name", "numbers"), ROUNDED, ids=str)
def test_every_half_lies_on_torch_s_side_of_every_limit(
    name: str, numbers: tuple[float, ...], inplace: bool, dtype: torch.dtype
) -> None:
    z = every_half(dtype)

    def apply(library: Any) -> Callable[[Tensor], Tensor]:
        return lambda t: getattr(library, name)(t * 1, *numbers, inplace=inplace)

    ours, theirs = value_and_slope(apply(functional), z), value_and_slope(apply(F), z)
    torch.testing.assert_close(ours[0], theirs[0], rtol=2 * ROUNDING[dtype], atol=0, equal_nan=True)
    torch.testing.assert_close(ours[1], theirs[1], rtol=2 * ROUNDING[dtype], atol=0, equal_nan=True)
    assert torch.equal(ours[1], value_and_slope(apply(functional), z, create_graph=True)[1])


@halves
def test_the_norm_of_a_window_of_large_halves_is_no_infinity(dtype: torch.dtype) -> None:
    """A square of 300 is beyond float16, the root of the sum of four is 600."""
    y, slope = value_and_slope(lambda t: functional.lp_pool2d(t, 2, 2), torch.full((1, 1, 2, 2), 300.0).to(dtype))
    assert y.item() == 600 and slope.eq(0.5).all()


# ------------------------------------------------------------------------ row 10: numbers of a loss beyond its dtype

RESIDUALS = [3.0, -2.0, 0.0, -0.0, 0.5, -0.5, 1.0, 1e-3, 1e-8, -1e-30, 1e-40, 1e8, -1e20, 1e30]
NUMBERS = [5e-324, 1e-320, 1e-50, 1e-40, 1e-30, 1e-8, 0.3, 1.0, 7.0, 1e4, 1e8, 1e20, 1e30, 1e50, 1e300]


def huber_of(r: Tensor, delta: float, divisor: float) -> tuple[Tensor, Tensor]:
    """Value and slope, of float64 numbers."""
    a = r.abs()
    value = torch.where(a <= delta, 0.5 * a * (a / divisor), (a - 0.5 * delta) * (delta / divisor))
    return value, torch.where(a >= delta, r.sign() * (delta / divisor), r / divisor)


@named
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["smooth_l1_loss", "huber_loss"])
def test_where_a_parabola_ends_is_a_number_of_float64(name: str, number: float, dtype: torch.dtype) -> None:
    """β = 10⁻⁵⁰ was 0 in float32, and 0/0 NaN.  What is below the dtype's numbers counts as 0, above as infinity."""
    r = torch.tensor(RESIDUALS, dtype=torch.float64).to(dtype)
    r = r[r.isfinite()]
    option = {"beta" if name == "smooth_l1_loss" else "delta": number}

    def loss(t: Tensor) -> Tensor:
        return getattr(functional, name)(t, torch.zeros_like(t), reduction="none", **option)

    wide = torch.float32 if dtype in HALVES else dtype
    known = torch.tensor(number, dtype=torch.float64).to(wide).double().item()
    known = known if known < inf and (known > 0 or name == "huber_loss") else number
    exact = huber_of(r.double(), known, known if name == "smooth_l1_loss" else 1.0)
    least = torch.finfo(dtype).smallest_normal
    for create_graph in (False, True):
        for got, right in zip(value_and_slope(loss, r, create_graph), exact):
            right = torch.where(right.abs() > torch.finfo(dtype).max, right.sign() * inf, right)
            assert not got.isnan().any()
            small = (got.double() - right).abs() <= 2 * least
            assert (small | got.double().isclose(right, rtol=6 * ROUNDING[dtype], atol=0)).all()


def test_a_parabola_of_no_width_has_no_curvature() -> None:
    z = torch.tensor([3.0, -2.0])
    for beta in (1e-50, 5e-324, 1e-30):
        second = torch.func.hessian(lambda t, b=beta: functional.smooth_l1_loss(t, torch.zeros(2), beta=b))(z)
        assert not second.any()


LOSSES: dict[str, dict[str, Any]] = {
    "mse_loss": {},
    "l1_loss": {},
    "smooth_l1_loss": {"beta": 0.3},
    "huber_loss": {"delta": 0.3},
    "binary_cross_entropy_with_logits": {},
    "binary_cross_entropy": {},
}


@halves
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_halves_are_rounded_once(name: str, reduction: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, t = (torch.rand(500, generator=generator).to(dtype) for _ in range(2))
    if not name.startswith("binary"):
        x = (x * 100).to(dtype)

    def loss(x: Tensor) -> Tensor:
        return getattr(functional, name)(x, t.to(x.dtype), reduction=reduction, **LOSSES[name])

    for got, exact in zip(value_and_slope(loss, x), value_and_slope(loss, x.double())):
        assert got.dtype == dtype and near(got, exact, 1.02)


@halves
def test_a_certain_coin_costs_no_nan_in_half_precision(dtype: torch.dtype) -> None:
    """The slope's denominator is cut off at 10⁻¹², which float16 does not have: torch's own is 0/0 there."""
    x, t = torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 1.0, 0.0])
    ours = value_and_slope(lambda z: functional.binary_cross_entropy(z, t.to(dtype), reduction="none"), x.to(dtype))
    single = value_and_slope(lambda z: F.binary_cross_entropy(z, t, reduction="none"), x)
    assert torch.equal(ours[0], single[0].to(dtype)) and torch.equal(ours[1], single[1].to(dtype))


NORMS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "layer_norm": lambda x, eps: functional.layer_norm(x, (5,), eps=eps),
    "group_norm": lambda x, eps: functional.group_norm(x, 2, eps=eps),
    "instance_norm": lambda x, eps: functional.instance_norm(x, eps=eps),
    "batch_norm": lambda x, eps: functional.batch_norm(x, None, None, training=True, eps=eps),
    "batch_norm, evaluation": lambda x, eps: functional.batch_norm(
        x, x.detach().mean((0, 2)), torch.zeros(4).to(x.dtype), eps=eps
    ),
}


@named
@pytest.mark.parametrize("eps", [1e-60, 1e-50, 1e-40, 1e-12, 1e-5, 1e30, 1e50])
@pytest.mark.parametrize("name", NORMS)
def test_an_eps_beyond_the_dtype_is_no_nan(name: str, eps: float, dtype: torch.dtype) -> None:
    """Without variance, x̂ is 0·ε^(−½): the root is a number of float32 where ε is none."""
    x = torch.full((3, 4, 5), 2.0, dtype=dtype)
    y, slope = value_and_slope(lambda t: NORMS[name](t, eps), x)
    assert y.eq(0).all() and not slope.isnan().any()
    if name.endswith("evaluation"):
        right = torch.tensor(eps**-0.5, dtype=torch.float64).to(dtype)
        torch.testing.assert_close(slope, right.expand_as(slope), rtol=4 * ROUNDING[dtype], atol=0)


# ------------------------------------------------------------------------------- slopes at NaN, at kinks and far out

ACTIVATIONS: list[tuple[str, tuple[float, ...]]] = [
    *(
        (name, numbers)
        for name, each in ENTRYWISE.items()
        if hasattr(F, name)
        for numbers in each.drawn
        if name != "gelu"
    ),
    ("gelu", ()),
    *(("hardtanh", limits) for limits in ((-1.0, 1.0), (-0.7, 0.7))),
    *(("threshold", numbers) for numbers in ((0.1, 0.2), (0.0, nan))),
    *((name, (alpha,)) for name in ("elu", "celu") for alpha in (1.0, 0.7, -0.3, 1e-30)),
    *(("elu", (alpha,)) for alpha in (0.0, inf, nan)),
    *(("softplus", numbers) for numbers in ((1.0, 20.0), (0.7, 0.7), (-1.0, 20.0), (1e-30, 20.0), (1e30, 20.0))),
]
PLACES = [0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 0.7, -0.7, 0.1, 4.4, -4.4, 19.0, -19.0, 21.0, -21.0, 60.0, -60.0]
PLACES += [1e3, -1e3, 1e4, -1e4, 1e8, -1e8, 1e20, -1e20, 1e38, -1e38, 1e-8, -1e-8, 1e-40, -1e-40, inf, -inf, nan]


@named
@pytest.mark.parametrize(("name", "numbers"), ACTIVATIONS, ids=str)
def test_a_slope_is_the_same_in_every_mode_and_torch_s(
    name: str, numbers: tuple[float, ...], dtype: torch.dtype
) -> None:
    """At NaN too.  torch's kernels give two answers there, of which ours is that of the vectorised body of a tensor."""
    z = torch.tensor(PLACES).to(dtype).repeat(64)
    apply, theirs = (lambda t, f=library: getattr(f, name)(t, *numbers) for library in (functional, F))
    plain, graph = (value_and_slope(apply, z, create_graph)[1] for create_graph in (False, True))
    pushed = torch.func.jvp(apply, (z,), (torch.ones_like(z),))[1]
    mapped = torch.func.vmap(torch.func.grad(lambda t: apply(t).sum()))(z.reshape(64, -1)).flatten()
    few = value_and_slope(apply, z[: len(PLACES)])[1].repeat(64)
    room = {"rtol": 16 * ROUNDING[dtype], "atol": 2 * torch.finfo(dtype).smallest_normal, "equal_nan": True}
    for other in (graph, pushed, mapped, few):
        torch.testing.assert_close(other, plain, **room)
    value, slope = value_and_slope(theirs, z)
    said = ~(
        z.isinf() & value.isnan()
    )  # with AVX-512 torch's gelu(inf) is NaN; that ours is not, tests/functional asks
    rtol = 1e-3 if dtype == torch.float32 else 1e-2
    torch.testing.assert_close(apply(z)[said], value[said], rtol=rtol, atol=1e-6, equal_nan=True)
    if dtype != torch.float64:  # whose tails are longer, and whose slopes torch rounds to float32 in part
        body = said & (torch.arange(len(z)) < len(z) - 64)
        torch.testing.assert_close(plain[body], slope[body], rtol=5e-3, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", ["tanh", "scaled_tanh", "sigmoid", "logsigmoid", "softplus", "silu", "mish", "gelu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_a_slope_in_the_output_does_not_cancel(name: str, dtype: torch.dtype) -> None:
    """Where the slope is written in y, it is right for that y: 1 − y² lost a thousand roundings near |z| = 4.4."""
    z = torch.linspace(-9, 9, 4001, dtype=dtype)
    apply = getattr(functional, name)
    y, slope = value_and_slope(apply, z)
    wide = y.double()
    if dtype == torch.float32 and name in ("tanh", "scaled_tanh", "sigmoid"):
        exact = {
            "tanh": 1 - wide * wide,
            "scaled_tanh": (1.7159**2 - wide * wide) * (2 / 3 / 1.7159),
            "sigmoid": wide * (1 - wide),
        }[name]
        # The constant A is rounded to float32 beside y.
        room = 2.0**-24 * 2 if name == "scaled_tanh" else 0
        assert ((slope.double() - exact).abs() <= 4 * 2.0**-24 * exact.abs() + room).all()
    graph = value_and_slope(apply, z, create_graph=True)[1]
    torch.testing.assert_close(graph, slope, rtol=16 * ROUNDING[dtype], atol=16 * ROUNDING[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(
    "name", ["logsigmoid", "softplus", "silu", "mish", "gelu", "gelu by tanh", "tanh", "scaled_tanh"]
)
def test_no_order_far_out_is_nan(name: str, dtype: torch.dtype) -> None:
    """The square of 10²⁰ is infinite in float32, and met a slope of 0."""
    z = torch.tensor([sign * 10.0**k for k in range(31) for sign in (1, -1)], dtype=dtype, requires_grad=True)
    y = functional.gelu(z, approximate="tanh") if name == "gelu by tanh" else getattr(functional, name)(z)
    for order in range(1, 4):
        (y,) = grad(y.sum(), z, create_graph=True)
        assert y.isfinite().all(), order
    assert not y[20:].any()
