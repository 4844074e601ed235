"""Masks and tangents: dropout inside vmap, and every argument of every function that may carry a derivative."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad, grad, gradcheck
from torch.nn.attention import SDPBackend, sdpa_kernel

from manualconv import by_hand, functional
from tests.layers import PAIRS, Example, spread_out

# ------------------------------------------------------------------------------------ row 11: dropout inside vmap

SHAPES = {
    "dropout": (4, 3),
    "dropout1d": (2, 3, 4),
    "dropout2d": (2, 3, 2, 2),
    "dropout3d": (2, 3, 2, 1, 2),
    "alpha_dropout": (6,),
    "feature_alpha_dropout": (2, 3, 4),
}


class ByHand:
    """torch.nn.functional inside a `by_hand` block."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with by_hand():
                return getattr(F, name)(*args, **kwargs)

        return call


OURS = pytest.mark.parametrize("ours", [functional, ByHand()], ids=["functional", "by hand"])


def drawn(run: Callable[[], Tensor]) -> object:
    """The result from the seed 0 and where the generator stands then; or the type of error and its first words.

    The result in single precision: the last bits of what a division made may differ.
    """
    torch.manual_seed(0)
    try:
        return run().float().tolist(), torch.get_rng_state().tolist()
    except RuntimeError as error:
        return type(error), str(error)[:60]


@OURS
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("randomness", ["different", "same", "error"])
@pytest.mark.parametrize("name", SHAPES)
def test_an_unmapped_input_is_dropped_as_vmap_s_randomness_says(
    name: str, randomness: str, p: float, ours: Any
) -> None:
    """The row: it raised under "different".  Equal seeds give torch's masks; transposed memory gives torch's too."""
    shape = SHAPES[name]

    def rows(library: Any, x: Tensor, training: bool) -> Tensor:
        drop = getattr(library, name)
        return torch.vmap(lambda i: drop(x, p, training) * i, randomness=randomness)(torch.arange(1.0, 4))

    for x in (spread_out(shape), spread_out(shape[::-1]).permute(*range(len(shape))[::-1])):
        for training in (True, False):
            got, expected = (drawn(lambda lib=library, x=x, t=training: rows(lib, x, t)) for library in (ours, F))
            assert got == expected


@pytest.mark.parametrize("inner", ["different", "same"])
@pytest.mark.parametrize("outer", ["different", "same"])
def test_masks_inside_two_maps_and_gradients_around_and_inside_them(outer: str, inner: str) -> None:
    x, rows = spread_out((5,)), torch.arange(1.0, 4)

    def nested(dropout: Callable[..., Tensor]) -> Tensor:
        return torch.vmap(
            lambda i: torch.vmap(lambda j: dropout(x, 0.5) * i * j, randomness=inner)(rows), randomness=outer
        )(rows)

    def slope_of_each(dropout: Callable[..., Tensor]) -> Tensor:
        slope = torch.func.grad(lambda t, i: (dropout(t, 0.5) * i).pow(3).sum())
        return torch.vmap(slope, (None, 0), randomness=outer)(x, rows)

    def slope_of_all(dropout: Callable[..., Tensor]) -> Tensor:
        def total(t: Tensor) -> Tensor:
            return torch.vmap(lambda i: dropout(t, 0.5) * i, randomness=inner)(rows).pow(3).sum()

        return torch.func.grad(total)(x)

    for run in (nested, slope_of_each, slope_of_all):
        assert drawn(lambda run=run: run(functional.dropout)) == drawn(lambda run=run: run(F.dropout))


@pytest.mark.parametrize("randomness", ["different", "same"])
def test_attention_of_unmapped_tensors_drops_inside_vmap(randomness: str) -> None:
    q = spread_out((2, 3, 4))

    def attend(i: Tensor) -> Tensor:
        with by_hand():
            return F.scaled_dot_product_attention(q, q, q, dropout_p=0.5) * i

    torch.manual_seed(0)
    y = torch.vmap(attend, randomness=randomness)(torch.ones(8))
    assert len(y.unique(dim=0)) == (1 if randomness == "same" else 8)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_attention_s_mask_and_generator_are_torch_s(p: float) -> None:
    q, results = spread_out((2, 3, 4)), []
    for run in (F, ByHand()):
        torch.manual_seed(0)
        with sdpa_kernel(SDPBackend.MATH):
            results.append((run.scaled_dot_product_attention(q, q, q, dropout_p=p), torch.get_rng_state()))
    torch.testing.assert_close(*(y for y, _ in results), rtol=0, atol=1e-14)
    assert torch.equal(*(state for _, state in results))


@OURS
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("p", [torch.tensor(0.5), torch.tensor(0.3, dtype=torch.float64), torch.tensor(1)])
def test_a_probability_in_a_tensor_draws_the_mask_of_its_number(name: str, p: Tensor, ours: Any) -> None:
    x = spread_out(SHAPES[name])
    of_tensor, of_number, theirs = (
        drawn(lambda library=library, p=p: getattr(library, name)(x, p, True))
        for library, p in ((ours, p), (ours, p.item()), (F, p))
    )
    assert of_tensor == of_number == theirs


@OURS
@pytest.mark.parametrize("p", [torch.tensor([0.5]), torch.tensor(0.5, requires_grad=True)], ids=["vector", "leaf"])
def test_a_probability_that_is_no_constant_number_is_refused_in_torch_s_words(p: Tensor, ours: Any) -> None:
    for library in (ours, F):
        with pytest.raises(TypeError, match=r"dropout\(\): argument 'p' \(position 2\) must be float, not Tensor"):
            library.dropout(torch.ones(3), p)


# ------------------------------------------------------------------- row 16: tangents and gradients of every argument


def _positive(shape: tuple[int, ...], seed: int = 5) -> Tensor:
    return spread_out(shape, seed).abs() + 0.5


def _chance(shape: tuple[int, ...], seed: int = 7) -> Tensor:
    return torch.sigmoid(spread_out(shape, seed))


X, STATISTICS = spread_out((2, 3, 4)), (spread_out((3,), 1), _positive((3,)))
AFFINE = (spread_out((3,), 2), spread_out((3,), 3))
CLASSES = torch.tensor([[0, 2, 1, -100], [2, 1, 0, 0]])
Q, K, V = spread_out((2, 3, 4)), spread_out((2, 5, 4), 1), spread_out((2, 5, 4), 2)
Z, T = spread_out((2, 3)), spread_out((2, 3), 9) / 4
Call = Callable[..., Tensor]


def _call(example: Example) -> Call:
    return lambda library, *tensors: example.of(library)(*tensors)


#: Every function of torch's with more than one floating tensor: the call, and these tensors.
CALLS: dict[str, tuple[Call, tuple[Tensor, ...]]] = {
    **{
        label: (_call(each), each.tensors())
        for label, each in PAIRS.items()
        if len(each.shapes) > 1 and hasattr(F, each.name)
    },
    "batch_norm by statistics": (lambda lib, x, m, v, w, b: lib.batch_norm(x, m, v, w, b), (X, *STATISTICS, *AFFINE)),
    "batch_norm in training": (
        lambda lib, x, m, v, w, b: lib.batch_norm(x, m.clone(), v.clone(), w, b, True),
        (X, *STATISTICS, *AFFINE),
    ),
    "instance_norm in evaluation": (
        lambda lib, x, m, v, w, b: lib.instance_norm(x, m, v, w, b, False),
        (X, *STATISTICS, *AFFINE),
    ),
    "cross_entropy of probabilities": (
        lambda lib, x, q, w: lib.cross_entropy(x, q, w, label_smoothing=0.3),
        (X, _chance((2, 3, 4)), _positive((3,))),
    ),
    "weighted mse_loss": (lambda lib, x, t, w: lib.mse_loss(x, t, weight=w), (Z, T, _positive((2, 3)))),
    "weighted huber_loss": (lambda lib, x, t, w: lib.huber_loss(x, t, delta=0.7, weight=w), (Z, T, _positive((2, 3)))),
    "fractional_max_pool2d": (
        lambda lib, x, u: lib.fractional_max_pool2d(x, 2, 3, _random_samples=u),
        (spread_out((1, 2, 6, 6)), _chance((1, 2, 2))),
    ),
    "attention": (
        lambda lib, q, k, v, m: lib.scaled_dot_product_attention(q, k, v, m),
        (Q, K, V, spread_out((3, 5), 4)),
    ),
}


def _along(tensors: tuple[Tensor, ...], moving: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(spread_out(tuple(tensors[n].shape), 20 + n) for n in moving)


def _of(call: Call, library: Any, tensors: tuple[Tensor, ...], moving: tuple[int, ...]) -> Call:
    """The call as a function of the moving tensors alone."""

    def apply(*moved: Tensor) -> Tensor:
        given = list(tensors)
        for n, t in zip(moving, moved):
            given[n] = t
        return call(library, *given)

    return apply


def reverse(call: Call, library: Any, tensors: tuple[Tensor, ...], moving: tuple[int, ...]) -> Iterable[Tensor | None]:
    leaves = [tensors[n].clone().requires_grad_() for n in moving]
    y = _of(call, library, tensors, moving)(*leaves)
    return grad(y, leaves, spread_out(tuple(y.shape)), allow_unused=True) if y.requires_grad else [None] * len(moving)


def forward(call: Call, library: Any, tensors: tuple[Tensor, ...], moving: tuple[int, ...]) -> Iterable[Tensor | None]:
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(tensors[n].clone(), t) for n, t in zip(moving, _along(tensors, moving))]
        return [forward_ad.unpack_dual(_of(call, library, tensors, moving)(*duals)).tangent]


def transformed(
    call: Call, library: Any, tensors: tuple[Tensor, ...], moving: tuple[int, ...]
) -> Iterable[Tensor | None]:
    primals = tuple(tensors[n] for n in moving)
    return [torch.func.jvp(_of(call, library, tensors, moving), primals, _along(tensors, moving))[1]]


def answer(derive: Callable[..., Iterable[Tensor | None]], *args: Any) -> list[Tensor | None] | Exception:
    try:
        return list(derive(*args))
    except (RuntimeError, TypeError) as error:
        return error


@pytest.mark.parametrize("derive", [reverse, forward, transformed])
@pytest.mark.parametrize("name", CALLS)
@OURS
def test_each_argument_s_derivative_is_torch_s_or_its_error(
    name: str, derive: Callable[..., Iterable[Tensor | None]], ours: Any
) -> None:
    """On every floating tensor alone and on all: no derivative is dropped where torch has one or refuses."""
    call, tensors = CALLS[name]
    if name == "attention" and ours is functional:
        pytest.skip("attention has no name of ours: by_hand alone")
    slots = tuple(range(len(tensors)))
    for moving in (*((n,) for n in slots), slots):
        with sdpa_kernel(SDPBackend.MATH):
            got, expected = (answer(derive, call, library, tensors, moving) for library in (ours, F))
        if isinstance(expected, NotImplementedError) or "itself has a forward gradient" in str(expected):
            assert not isinstance(got, Exception)  # torch has no such derivative yet
        elif isinstance(expected, Exception):
            assert type(got) is type(expected) and str(got).startswith(str(expected).split("\n")[0].strip())
        else:
            assert not isinstance(got, Exception), got
            for mine, theirs in zip(got, expected, strict=True):
                assert (mine is None) == (theirs is None)
                if mine is not None:
                    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


def test_weights_of_classes_have_the_derivative_that_torch_refuses() -> None:
    """Torch differentiates by no loss's weight: in reverse it raises, forward it drops it.  Ours has the right one."""
    w = _positive((3,)).requires_grad_()
    for reduction in ("mean", "sum", "none"):
        for loss in (functional.nll_loss, functional.cross_entropy):
            assert gradcheck(lambda w, f=loss, r=reduction: f(X, CLASSES, w, reduction=r), w, check_forward_ad=True)
    chances, weight = (_chance((2, 3), n).requires_grad_() for n in (1, 2))
    target = _chance((2, 3))
    assert gradcheck(
        lambda x, w: functional.binary_cross_entropy(x, target, w), (chances, weight), check_forward_ad=True
    )
    assert gradcheck(
        lambda w, u: functional.binary_cross_entropy_with_logits(Z, target, w, pos_weight=u),
        (weight, _positive((3,)).requires_grad_()),
        check_forward_ad=True,
    )


def _as_dual(run: Callable[[Tensor], object], p: Tensor) -> object:
    with forward_ad.dual_level():
        return run(forward_ad.make_dual(p, torch.ones_like(p)))


#: A power in a tensor, and each way in which it carries a derivative of first or of an outer order.
MOVING: dict[str, Callable[[Callable[[Tensor], Tensor], Tensor], object]] = {
    "reverse": lambda f, p: f(p.requires_grad_()),
    "dual": _as_dual,
    "dual, inside vmap": lambda f, p: _as_dual(lambda p: torch.vmap(lambda i: f(p) * i)(torch.ones(3)), p),
    "jvp": lambda f, p: torch.func.jvp(f, (p,), (p,)),
    "jacfwd": lambda f, p: torch.func.jacfwd(f)(p),
    "grad": lambda f, p: torch.func.grad(lambda p: f(p).sum())(p),
    "mapped tangents": lambda f, p: torch.vmap(lambda t: torch.func.jvp(f, (p,), (t,))[1])(torch.ones(3)),
    "jvp around vmap": lambda f, p: torch.func.jvp(lambda p: torch.vmap(lambda i: f(p) * i)(torch.ones(3)), (p,), (p,)),
    "jvp around jvp": lambda f, p: torch.func.jvp(
        lambda p: torch.func.jvp(lambda i: f(p) * i, (p.detach(),), (p.detach(),))[1], (p,), (p,)
    ),
    "jvp around grad": lambda f, p: torch.func.jvp(
        lambda p: torch.func.grad(lambda i: (f(p) * i).sum())(torch.ones(())), (p,), (p,)
    ),
    "grad around jvp": lambda f, p: torch.func.grad(
        lambda p: torch.func.jvp(lambda i: (f(p) * i).sum(), (torch.ones(()),), (torch.ones(()),))[1]
    )(p),
}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("way", MOVING)
@OURS
def test_a_power_that_moves_is_refused_and_not_read_as_a_constant(way: str, ndim: int, ours: Any) -> None:
    """Row 16's kind: torch differentiates lp_pool by a tensor norm_type; the tangent came back as zeros."""
    x = _positive((1, 2, *(4,) * ndim))
    with pytest.raises(TypeError, match=f"lp_pool{ndim}d.*norm_type has no derivative here"):
        MOVING[way](lambda p: getattr(ours, f"lp_pool{ndim}d")(x, p, 2), torch.tensor(2.0))


@OURS
@pytest.mark.parametrize("way", ["reverse", "grad"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
def test_a_limit_with_a_gradient_is_refused(dtype: torch.dtype, way: str, ours: Any) -> None:
    """Row 16: the limit's gradient was None, or zero, without a word; torch takes no tensor that has one."""
    x = torch.tensor([-3.0, 0.25, 2.0]).to(dtype)
    for library in (ours, F) if way == "reverse" else (ours,):
        for limits in (lambda p: (-p, 9.0), lambda p: (-9.0, p)):
            for inplace in (False, True):
                with pytest.raises(
                    TypeError, match=r"^hardtanh_?\(\): argument 'm.._val' .* must be Number, not Tensor"
                ):
                    MOVING[way](lambda p: library.hardtanh(x.clone(), *limits(p), inplace), torch.tensor(0.5))  # noqa: B023


def test_a_power_that_stands_still_is_a_number_beside_a_tangent() -> None:
    x, p = _positive((1, 2, 4)), torch.tensor(3.0, dtype=torch.float64)
    for library in (functional, ByHand()):
        for run in (
            lambda lib: torch.func.jvp(lambda x: lib.lp_pool1d(x, p, 2), (x,), (x,))[1],
            lambda lib: torch.func.grad(lambda x: lib.lp_pool1d(x, p, 2).sum())(x),
        ):
            torch.testing.assert_close(run(library), run(F), rtol=0, atol=1e-12)
