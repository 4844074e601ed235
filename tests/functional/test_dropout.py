"""Dropout: torch's masks from equal seeds, the same mask backward, a copy in evaluation mode, torch's refusals."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad
from torch.utils.checkpoint import checkpoint

from manualconv import functional
from manualconv.autograd import Mask
from manualconv.testing.cases.tensors import LAYOUTS, laid_out
from manualconv.testing.catalogue.dropout import NAMES, seeded
from tests.activations import check_three_orders, outcome
from tests.layers import rounded, spread_out

EACH = pytest.mark.parametrize("name", NAMES)
RANKS = {"dropout1d": (2, 3), "dropout2d": (3, 4), "dropout3d": (4, 5), "feature_alpha_dropout": (2, 4)}
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def drawn(shape: tuple[int, ...], dtype: torch.dtype, layout: str) -> Tensor:
    """Distinct numbers laid out in memory."""
    return laid_out(spread_out(shape).to(dtype), layout)


@pytest.mark.filterwarnings("ignore:dropout2d")
@given(
    name=st.sampled_from(NAMES),
    size=st.tuples(*(st.integers(0, 4),) * 5),
    rank=st.integers(0, 3),
    p=st.sampled_from((0.0, 0.1, 0.5, 0.75, 1.0)),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(LAYOUTS),
    inplace=st.booleans(),
    seed=st.integers(0, 999),
)
def test_mask_gradient_and_generator_are_torch_s(
    name: str, size: tuple[int, ...], rank: int, p: float, dtype: torch.dtype, layout: str, inplace: bool, seed: int
) -> None:
    low, high = RANKS.get(name, (2, 4))
    shape = size[: min(low + rank, high)]
    x, cotangent = drawn(shape, dtype, layout), drawn(shape, dtype, layout)
    results: list[list[Tensor]] = []
    for library in (functional, F):
        torch.manual_seed(seed)
        leaf = x.detach().requires_grad_()
        z = torch.empty_like(leaf).copy_(leaf) if inplace else leaf
        y = getattr(library, name)(z, p, True, inplace)
        assert (y is z) == (inplace or (library is F and y is leaf))
        results.append([y.detach(), *grad(y, leaf, cotangent), torch.get_rng_state()])
        # An expanded input is copied whole where torch hands it back; else the layout is torch's.
        results[-1] += [torch.tensor(y.stride())] if min(shape) > 1 and p > 0 else []
    ours, theirs = results
    for got, expected in zip(ours[:2], theirs[:2]):
        assert torch.equal(got != 0, expected != 0)
        rounded(got, expected)
    assert all(map(torch.equal, ours[2:], theirs[2:]))


@EACH
def test_of_a_complex_number_the_parts_stay_or_go_together(name: str) -> None:
    size = {"dropout1d": (2, 3, 4), "dropout2d": (2, 3, 4, 5), "dropout3d": (2, 3, 4, 5, 2)}.get(name, (3, 4, 5))
    re, im = spread_out(size), spread_out(size, 1)

    def drawn(library: Any, *tensors: Any) -> Any:
        return seeded(getattr(library, name), *tensors, 0.5)

    y = drawn(functional, torch.complex(re, im))
    assert 0 < (y.imag == 0).sum() < y.numel() or "alpha" in name
    parts = drawn(F, re), drawn(F, im) - drawn(F, torch.zeros_like(im))  # a dropped entry's value is real
    torch.testing.assert_close(y, torch.complex(*parts), rtol=1e-12, atol=1e-12)


@EACH
def test_the_mask_is_drawn_once_and_its_mean_is_one(name: str) -> None:
    shape = {"dropout3d": (60, 50, 2, 2, 2), "dropout1d": (60, 50, 3)}.get(name, (60, 50, 2, 3))
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    y = seeded(lambda x: getattr(functional, name)(x, 0.3, True), x)
    (x_bar,) = grad(y.sum(), x)
    assert len(y.detach().unique()) == 2
    assert abs(x_bar.ne(0).double().mean() - 0.7) < 0.05
    if "alpha" not in name:
        assert torch.equal(x_bar, y.detach())
        assert set(y.unique().tolist()) == {0.0, 1 / 0.7}
        assert abs(y.mean() - 1) < 0.07
    if name not in ("dropout", "alpha_dropout"):
        assert (y.flatten(2) == y.flatten(2)[..., :1]).all()


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name: str) -> None:
    x = torch.randn(300, 500, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    y = seeded(lambda x: getattr(functional, name)(x, 0.3, True), x)
    # The mean of 300·500 masks of channels that share two numbers each.
    assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.02


@EACH
@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True), (0.0, False)])
def test_what_drops_nothing_is_a_copy(name: str, p: float, training: bool) -> None:
    shape = {"dropout3d": (2, 3, 2, 2, 2), "dropout1d": (2, 3, 4)}.get(name, (2, 3, 4, 2))
    x = spread_out(shape).requires_grad_()
    before = torch.get_rng_state()
    y = getattr(functional, name)(x, p, training)
    assert torch.equal(y, x) and y.data_ptr() != x.data_ptr() and not y._is_view()
    assert torch.equal(grad(y, x, spread_out(shape, 1))[0], spread_out(shape, 1))
    assert torch.equal(torch.get_rng_state(), before)
    z = x.detach()
    assert getattr(functional, name)(z, p, training, True) is z


@pytest.mark.parametrize("size", [(2, 3, 2), (2, 3, 1), ()])
def test_three_orders_of_a_mask(size: tuple[int, ...]) -> None:
    mask = spread_out(size, 5)
    check_three_orders(lambda x: Mask.call(x, mask), spread_out((2, 3, 2)).requires_grad_())


@EACH
@pytest.mark.filterwarnings("ignore:dropout[123]d")
@pytest.mark.parametrize("randomness", ["same", "different", "error"])
def test_vmap_s_randomness_is_torch_s(name: str, randomness: str) -> None:
    shape = {"dropout3d": (3, 2, 3, 2, 2, 2), "dropout1d": (3, 2, 3, 4)}.get(name, (3, 2, 3, 2, 2))
    x, results = spread_out(shape), []
    for library in (functional, F):
        function = getattr(library, name)
        mapped = torch.vmap(lambda t, f=function: f(t, 0.4, True), randomness=randomness)
        results.append(seeded(lambda x, mapped=mapped: outcome(mapped, x), x))
    if randomness == "error":
        assert results[0] == results[1] and results[0][0] is RuntimeError
    else:
        assert torch.equal(results[0] != 0, results[1] != 0)
        rounded(*results)
        assert torch.equal(results[0][0] != 0, results[0][1] != 0) == (randomness == "same") or "alpha" in name


def test_gradients_by_torch_func_are_torch_s() -> None:
    x = spread_out((4, 5))
    results = [
        seeded(torch.func.grad(lambda t, f=library.dropout: (f(t, 0.4, True) ** 3).sum()), x)
        for library in (functional, F)
    ]
    rounded(*results)


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_a_checkpoint_draws_the_same_mask_again(use_reentrant: bool) -> None:
    x = spread_out((6, 7)).requires_grad_()

    def layer(t: Tensor) -> Tensor:
        return functional.dropout(t * 2, 0.4, True) ** 2

    torch.manual_seed(3)
    expected = grad(layer(x).sum(), x)[0]
    torch.manual_seed(3)
    checkpoint(layer, x, use_reentrant=use_reentrant).sum().backward()
    assert torch.equal(x.grad, expected)


@EACH
def test_compiled_in_one_graph_forward_and_backward_share_a_mask(name: str) -> None:
    shape = {"dropout3d": (4, 3, 2, 2, 2), "dropout1d": (4, 3, 5)}.get(name, (4, 3, 5, 2))
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    layer = torch.compile(lambda x: getattr(functional, name)(x, 0.4, True), backend="aot_eager", fullgraph=True)
    y = layer(x)
    (x_bar,) = grad(y.sum(), x)
    kept = y.detach() > (y.detach().max() + y.detach().min()) / 2
    assert 0 < kept.sum() < kept.numel()
    assert torch.equal(x_bar != 0, kept)


X = torch.ones(2, 3)


@pytest.mark.parametrize(("name", "rank"), [("dropout2d", 3), ("dropout2d", 2), ("dropout2d", 5), ("dropout3d", 3)])
def test_ranks_that_torch_warns_of_are_read_as_torch_reads_them(name: str, rank: int) -> None:
    x, results = spread_out((2, 3, 2, 2, 2)[:rank]), []
    for library in (functional, F):
        function = getattr(library, name)
        with pytest.warns(UserWarning, match=f"{name}: Received a "):
            results.append(seeded(lambda x, f=function: f(x, 0.4, True), x))
    rounded(*results)


def test_evaluation_takes_integers() -> None:
    assert torch.equal(functional.dropout(torch.ones(2, 3).long(), 0.5, False), torch.ones(2, 3).long())
