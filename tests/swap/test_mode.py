"""by_hand: any code inside the block is ours, wherever its backward pass runs, and nothing outside it is."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import grad
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from manualconv import by_hand, convert
from manualconv.torch_internals import function_modes
from tests.layers import close, spread_out
from tests.swap.networks import agree, outcome, small
from tests.test_by_hand import Operators

IMAGES = (2, 3, 14, 12)


def is_by_hand(y: Tensor) -> bool:
    """Whether the last operation before y was ours: the sigmoid of `layer`."""
    name = y.grad_fn.name()
    assert name in ("SigmoidBackward", "SigmoidBackward0")
    return name == "SigmoidBackward"


def layer() -> Tensor:
    """One operation of the table."""
    return torch.sigmoid(torch.ones(3, requires_grad=True))


# -------------------------------------------------------------------------------------------------- any code at all


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("backward_inside", [True, False])
@pytest.mark.parametrize("converted", [True, False])
def test_a_model_computes_what_it_did(training: bool, backward_inside: bool, converted: bool) -> None:
    model, x = small().train(training), spread_out(IMAGES)
    expected = outcome(model, x)
    if converted:
        convert(model)
    with Operators() as ran:
        ours = outcome(model, x, by_hand, backward_inside)
    agree(ours, expected)
    assert ran.forbidden == set()


def test_a_backward_pass_after_the_block_is_by_hand_at_every_order() -> None:
    x, w = spread_out((2, 3, 5, 4)).requires_grad_(), spread_out((2, 3, 3, 2), 1).requires_grad_()

    def curvature(y: Tensor) -> list[Tensor]:
        first = grad(y.pow(2).sum(), (x, w), create_graph=True)
        return [y, *first, *grad(sum(g.pow(2).sum() for g in first), (x, w))]

    def net() -> Tensor:
        return F.max_pool2d(torch.conv2d(x, w), (2, 1)).tanh()

    with Operators() as ran:
        with by_hand():
            y = net()
        ours = curvature(y)
    assert not ran.forbidden
    torch.testing.assert_close(ours, curvature(net()), rtol=1e-12, atol=1e-12)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """A user's function that one of torch's calls."""
    return torch.sigmoid(a - b).sum(-1)


COMPOSITES: dict[str, Callable[[Tensor], Tensor]] = {
    "softmin": lambda z: F.softmin(z, 1),
    "tanhshrink": F.tanhshrink,
    "gumbel_softmax": lambda z: F.gumbel_softmax(z, dim=1),
    "lp_pool2d": lambda z: F.lp_pool2d(z, 2, 2),
    "triplet": lambda z: F.triplet_margin_with_distance_loss(z, 2 * z, -z, distance_function=distance),
}


@pytest.mark.parametrize("apply", COMPOSITES.values(), ids=COMPOSITES)
def test_functions_made_of_others_are_entered(apply: Callable[[Tensor], Tensor]) -> None:
    z, results = spread_out((2, 3, 4, 5)).requires_grad_(), []
    for around in (by_hand, torch.enable_grad):
        torch.manual_seed(0)
        with Operators() as ran, around():
            y = apply(z)
            results.append((y, *grad(y.sum(), z)))
        assert bool(ran.forbidden) is (around is not by_hand)
    close(*results)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("watched", [True, False])
def test_a_transformer_layer_leaves_torch_s_fused_path(training: bool, watched: bool) -> None:
    torch.manual_seed(0)
    encoder = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).double().train(training)
    x = spread_out((2, 5, 8))
    with torch.set_grad_enabled(watched):
        expected = encoder(x)
        with Operators() as ran, by_hand():
            ours = encoder(x)
    close(ours, expected)
    assert not any("transformer" in name for name in ran.names)


class Counting(TorchFunctionMode):
    """A user's mode that counts what it sees of sigmoids."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.sigmoid
        return func(*args, **(kwargs or {}))


def test_blocks_nest_with_themselves_and_with_other_modes() -> None:
    with by_hand():
        with by_hand():
            assert is_by_hand(layer())
        assert is_by_hand(layer())
        with Counting() as counting:
            assert is_by_hand(layer())
        assert counting.count == 1
        with torch.device("meta"):
            assert torch.relu(torch.ones(2)).is_meta
    assert not is_by_hand(layer())
    block = by_hand()
    for _ in range(2):
        with block:
            assert is_by_hand(layer())
    assert not is_by_hand(layer())


def test_an_exception_ends_the_block() -> None:
    for fault in (lambda: 1 / 0, lambda: F.conv2d(torch.ones(1), torch.ones(1)), lambda: F.softmin(torch.ones(2), 5)):
        with pytest.raises((ZeroDivisionError, RuntimeError, IndexError)), by_hand():
            fault()
        assert not function_modes()
        assert not is_by_hand(layer())


class Tagged(torch.Tensor):
    """A subclass with torch's default behaviour."""


def test_a_tensor_subclass_is_served() -> None:
    x = spread_out((2, 3, 5, 4))
    with by_hand():
        y = F.relu(F.conv2d(x.as_subclass(Tagged), spread_out((2, 3, 3, 2))))
    assert isinstance(y, Tagged)
    close(y.as_subclass(Tensor), F.relu(F.conv2d(x, spread_out((2, 3, 3, 2)))))


# ----------------------------------------------------------------------------------- transforms, autocast, no values


def score(x: Tensor, w: Tensor) -> Tensor:
    """A small network without modules."""
    return torch.tanh(F.max_pool2d(torch.relu(F.conv2d(x, w, padding=1)), 2)).pow(3).sum()


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: torch.func.grad(f, (0, 1)),
        lambda f: torch.func.hessian(f, 1),
        lambda f: torch.vmap(torch.func.grad(f, 1), (0, None)),
        lambda f: lambda x, w: torch.func.jvp(f, (x, w), (w.sum() * x, w)),
        lambda f: lambda x, w: torch.vmap(lambda t: torch.func.jvp(lambda u: f(x, u), (w,), (t,))[1])(w.unsqueeze(0)),
    ],
    ids=["grad", "hessian", "vmap of grad", "jvp", "vmap of jvp"],
)
def test_torch_func_inside_and_around(transform: Callable[[Any], Callable[..., Any]]) -> None:
    x, w = spread_out((2, 1, 2, 4, 4)), spread_out((2, 2, 3, 2), 1)

    def score_by_hand(x: Tensor, w: Tensor) -> Tensor:
        with by_hand():
            return score(x, w)

    mapped = x if "vmap of grad" in str(transform) else x[:, 0]
    expected = transform(score)(mapped, w)
    with Operators() as ran, by_hand():
        close(transform(score)(mapped, w), expected)
    close(transform(score_by_hand)(mapped, w), expected)
    assert not ran.forbidden


@pytest.mark.parametrize("backward_inside", [True, False])
def test_autocast_inside_gives_torch_s_dtypes(backward_inside: bool) -> None:
    model, x = small().float(), spread_out(IMAGES).float()
    results = []
    for around in (by_hand, torch.enable_grad):
        leaf = x.clone().requires_grad_()
        with around(), torch.autocast("cpu", torch.bfloat16):
            y = model(leaf)
            hidden = model[0](leaf)
            if backward_inside:
                y.sum().backward()
        if not backward_inside:
            y.sum().backward()
        results.append((y.dtype, hidden.dtype, leaf.grad.dtype))
    assert results[0] == results[1]


def test_tensors_without_values() -> None:
    model = small()
    with by_hand():
        assert model.to("meta")(torch.empty(IMAGES, dtype=torch.float64, device="meta")).shape == (2, 5)
        with FakeTensorMode():
            y = F.softmax(F.linear(torch.empty(2, 3, requires_grad=True), torch.empty(4, 3)), -1)
            assert y.shape == (2, 4) and y.grad_fn.name() == "SoftmaxBackward"


# -------------------------------------------------------------------------------- what runs later, in a backward pass


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_checkpointed_parts_are_computed_again_by_hand(use_reentrant: bool, inside: bool, nested: bool) -> None:
    model, x = small()[:3], spread_out(IMAGES)
    calls: list[bool] = []

    def part(t: Tensor) -> Tensor:
        calls.append(any(isinstance(mode, type(by_hand())) for mode in function_modes()))
        return F.softmax(checkpoint(model, t, use_reentrant=use_reentrant) if nested else model(t), 1)

    def step(model: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda t: checkpoint(model, t, use_reentrant=use_reentrant)

    holder = torch.nn.ModuleList([model])
    holder.forward = step(part)
    expected = outcome(holder, x)
    calls.clear()
    with Operators() as ran:
        ours = outcome(holder, x, by_hand, inside)
    agree(ours, expected)
    assert calls == [True, True] and not ran.forbidden
    calls.clear()
    agree(outcome(holder, x), expected, 0)
    assert calls == [False, False]


def test_checkpoint_sequential_is_by_hand_too() -> None:
    model, x = small(), spread_out(IMAGES)
    expected = outcome(model.eval(), x)
    holder = torch.nn.ModuleList(model)
    holder.forward = lambda t: checkpoint_sequential(model, 3, t, use_reentrant=False)
    with Operators() as ran:
        agree(outcome(holder, x, by_hand), expected)
    assert ran.forbidden == set()


@pytest.mark.parametrize("run", [Tensor.backward, torch.autograd.backward, lambda y: grad(y, list(leaves_of(y)))])
def test_hooks_of_a_backward_pass_inside_are_inside(run: Callable[[Tensor], object]) -> None:
    seen: list[int] = []
    z = torch.ones(3, requires_grad=True)
    z.register_hook(lambda _: seen.append(len(function_modes())))
    with by_hand():
        run((z * z).sum())
    assert seen == [1]


def leaves_of(y: Tensor) -> list[Tensor]:
    """The one leaf of a product with itself."""
    return [y.grad_fn.next_functions[0][0].next_functions[0][0].variable]


# --------------------------------------------------------------------------------------------- what it does not see


def test_another_thread_is_not_in_the_block() -> None:
    seen: list[bool] = []
    with by_hand():
        thread = threading.Thread(target=lambda: seen.append(is_by_hand(layer())))
        thread.start()
        thread.join()
        assert is_by_hand(layer())
    assert seen == [False]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_code_is_not_seen() -> None:
    scripted = torch.jit.script(torch.nn.Sigmoid())
    with by_hand():
        assert not is_by_hand(scripted(torch.ones(2, requires_grad=True)))
        assert is_by_hand(torch.nn.Sigmoid()(torch.ones(2, requires_grad=True)))


def test_operators_called_as_such_are_torch_s() -> None:
    with by_hand():
        assert not is_by_hand(torch.ops.aten.sigmoid(torch.ones(2, requires_grad=True)))


def test_the_docstring_says_what_is_not_seen() -> None:
    for word in ("scripted", "other threads", "operators called as such", "fused", "Checkpointed"):
        assert word in by_hand.__doc__
