"""What a linear and a bilinear map imply: every mode of those that manualconv has, and of one's own."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.func import jvp, vmap

from manualconv import autograd
from manualconv.autograd import Bilinear, Linear, Pointwise
from tests.autograd.test_function import CALLS, PUBLIC
from tests.layers import close, spread_out

LINEAR = [part for part in PUBLIC if isinstance(part, type) and issubclass(part, Linear) and not part.abstract]
X = spread_out((2, 3, 4))


class Weighted(Linear):
    """``y = a·w ⊙ x`` with frozen weights."""

    @staticmethod
    def forward(x: Tensor, w: Tensor, a: float) -> Tensor:
        return a * w * x

    @staticmethod
    def adjoint(y_bar: Tensor, shape: tuple[int, ...], w: Tensor, a: float) -> Tensor:
        x_bar: Tensor = Weighted.call(y_bar, w, a)
        return x_bar


class Each(Weighted):
    """The same, with weights of each sample."""

    sampled = True


class Channels(Linear):
    """``y[n, (c c')] = x[n, c]``, twice."""

    folded = (1, 1)

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.repeat_interleave(2, 1)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: tuple[int, ...]) -> Tensor:
        return y_bar.reshape(shape[0], shape[1], 2, *shape[2:]).sum(2)


class Flat(Linear):
    """``y = 2x``, whose second derivative is zeros, unless `silent`."""

    flat = True

    @staticmethod
    def forward(x: Tensor, silent: bool, edge: Tensor | None) -> Tensor:
        return 2 * x

    @staticmethod
    def adjoint(y_bar: Tensor, shape: tuple[int, ...], silent: bool) -> Tensor:
        x_bar: Tensor = Flat.unlinked(y_bar, silent)
        return x_bar

    @staticmethod
    def reads_input(silent: bool) -> bool:
        return not silent


class Scaled(Bilinear):
    """``y = a·x ⊙ w + b``."""

    @staticmethod
    def forward(x: Tensor, w: Tensor, b: Tensor | None, a: float) -> Tensor:
        return a * x * w if b is None else a * x * w + b

    @staticmethod
    def added(b: Tensor, x: Tensor, w: Tensor, a: float) -> Tensor:
        return b.expand_as(x)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
        (x, w), (to_x, to_w, to_b, _) = ctx.saved_tensors, ctx.needs_input_grad
        assert (x is None) == (not to_w) and (w is None) == (not to_x)
        x_bar = Scaled.call(y_bar, w, None, ctx.a) if to_x else None
        return x_bar, Scaled.call(y_bar, x, None, ctx.a) if to_w else None, y_bar if to_b else None, None

    vmap = None


@pytest.mark.parametrize("function", LINEAR, ids=lambda f: f.__name__)
def test_a_linear_map_is_its_tangent_and_its_partner_its_gradient(function: type[Linear]) -> None:
    x, *constants = CALLS[function.__name__]
    x = x.double().requires_grad_()
    y = function.call(x, *constants)
    zero = function.call(torch.zeros_like(x), *constants)  # of `Pad`, which is affine
    x_dot, y_bar = spread_out(x.shape, 5), spread_out(y.shape, 7)
    y_dot = jvp(lambda t: function.call(t, *constants), (x.detach(),), (x_dot,))[1]
    close(y_dot, function.call(x_dot, *constants) - zero)
    close((y_dot * y_bar).sum(), (x_dot * grad(y, x, y_bar)[0]).sum())


@pytest.mark.parametrize("at", [0, -1])
@pytest.mark.parametrize("function", [*LINEAR, Channels], ids=lambda f: f.__name__)
def test_a_linear_map_of_each_sample(function: type[Linear], at: int) -> None:
    x, *constants = CALLS.get(function.__name__, (X,))
    samples = torch.stack([x, x.flip(0) + 1, 2 * x], at)
    each = [function.call(t, *constants) for t in samples.unbind(at)]
    close(vmap(lambda t: function.call(t, *constants), at)(samples), torch.stack(each))


@pytest.mark.parametrize("kind", [Weighted, Each])
def test_constants_are_shared_unless_each_sample_has_its_own(kind: type[Weighted]) -> None:
    w = spread_out(X.shape, 3)
    close(vmap(lambda x, w: kind.call(x, w, 2.0), (0, None))(X, w[0]), 2 * w[0] * X)
    if kind is Weighted:
        with pytest.raises(RuntimeError, match="Weighted has no derivative by its numbers, and all samples share"):
            vmap(lambda x, w: kind.call(x, w, 2.0))(X, w)
    else:
        close(vmap(lambda x, w: kind.call(x, w, 2.0), (1, 1))(X, w), (2 * w * X).movedim(1, 0))
        close(vmap(lambda x, w: kind.call(x, w, 2.0), (None, 1))(X[:, 0], w), (2 * w * X[:, :1]).movedim(1, 0))


def test_a_constant_has_no_derivative_and_says_so() -> None:
    x, w = X.clone().requires_grad_(), spread_out(X.shape, 3).requires_grad_()
    message = "Weighted has no derivative by its numbers"
    with pytest.raises(RuntimeError, match=message):
        grad(Weighted.call(x, w, 2.0).sum(), x)
    with pytest.raises(RuntimeError, match=message):
        jvp(lambda w: Weighted.call(X, w, 2.0), (w.detach(),), (X,))
    close(grad(Weighted.call(x, w.detach(), 2.0).sum(), x)[0], 2 * w)


def test_zeros_of_higher_order_where_torch_s_gradient_reads_its_input() -> None:
    for silent in (False, True):
        x, y_bar = X.clone().requires_grad_(), spread_out(X.shape, 3).requires_grad_()
        (first,) = grad(Flat.call(x, silent), x, y_bar, create_graph=True)
        (second,) = grad(first.sum(), x, allow_unused=True, retain_graph=True)
        assert second is None if silent else torch.equal(second, torch.zeros_like(x))
        close(grad(first.sum(), y_bar)[0], torch.full_like(x, 2))


def test_a_bilinear_map_keeps_what_is_wanted_and_adds_a_third_tensor() -> None:
    x, w, b = (spread_out((3, 4), n).requires_grad_() for n in range(3))
    y_bar = spread_out((3, 4), 5)
    for wanted in ((x,), (w,), (b,), (x, w, b)):
        args = [t if any(t is each for each in wanted) else t.detach() for t in (x, w, b)]
        got = grad(Scaled.call(*args, 3.0), wanted, y_bar)
        close(list(got), list(grad(3 * x * w + b, wanted, y_bar)))
    args, tangents = tuple(t.detach() for t in (x, w, b)), tuple(spread_out((3, 4), n) for n in (6, 7, 8))
    close(
        jvp(lambda *a: Scaled.call(*a, 3.0), args, tangents)[1], jvp(lambda x, w, b: 3 * x * w + b, args, tangents)[1]
    )


def test_one_tangent_of_a_bilinear_map_alone() -> None:
    args = [spread_out((3, 4), n) for n in range(3)]
    for n in range(3):
        t_dot = spread_out((3, 4), 7)

        def ours(t: Tensor, n: int = n) -> Tensor:
            y: Tensor = Scaled.call(*args[:n], t, *args[n + 1 :], 3.0)
            return y

        x, w, _ = args
        close(jvp(ours, (args[n],), (t_dot,))[1], (3 * t_dot * w, 3 * x * t_dot, t_dot)[n])


def test_a_tuple_of_numbers_is_no_mapped_constant() -> None:
    class Between(Pointwise):
        @staticmethod
        def forward(z: Tensor, ends: tuple[float, float]) -> Tensor:
            return ends[0] + (ends[1] - ends[0]) * z

        @staticmethod
        def times_slope(y: Tensor, t: Tensor, ends: tuple[float, float]) -> Tensor:
            return (ends[1] - ends[0]) * t

    close(vmap(lambda z: Between.call(z, (1.0, 4.0)))(X), 1 + 3 * X)
    close(vmap(lambda x: autograd.Pad.call(x, (1, 0), 0), 1)(X), torch.constant_pad_nd(X, (1, 0)).movedim(1, 0))
