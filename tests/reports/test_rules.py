"""Row 22: a block of derivative rules that no layer meets says so, and only such a block."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend

from manualconv import Rules, by_hand, convert, exact_input, exact_weight, functional, nn, set_rules
from manualconv.autograd.slots import Rule
from manualconv.geometry import Window
from tests.layers import spread_out

W, B = spread_out((3, 2, 3, 3), 1), spread_out((3,), 2)
IMAGE = spread_out((2, 2, 5, 5))
UNMET = "no layer met the rules of this block"


def doubled(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
    """2 x̄."""
    return 2 * exact_input(x, w, g, window)


def warned(run: Callable[[], object]) -> int:
    """How many blocks said that no layer met their rules."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run()
    return sum(str(w.message).startswith(UNMET) and w.filename == __file__ for w in said)


def in_block(run: Callable[[], object], **rules: Rule) -> Callable[[], object]:
    def inside() -> object:
        with Rules(**(rules or {"input": doubled})):
            return run()

    return inside


def conv() -> Tensor:
    return functional.conv2d(IMAGE.clone().requires_grad_(), W, B)


def torch_s() -> Tensor:
    return torch.nn.functional.conv2d(IMAGE, W, B)


def torch_s_by_hand() -> Tensor:
    with by_hand():
        return torch_s()


def recurrent_by_hand() -> object:
    with by_hand():
        return torch.nn.LSTMCell(5, 3).double()(IMAGE[0, 0])


MET: dict[str, Callable[[], object]] = {
    "convolution": conv,
    "transposed convolution": lambda: functional.conv_transpose2d(IMAGE, W.transpose(0, 1)),
    "fully connected": lambda: functional.linear(IMAGE, spread_out((4, 5))),
    "a module": lambda: nn.Conv2d(2, 3, 3).double()(IMAGE),
    "by hand": torch_s_by_hand,
    "converted": lambda: convert(torch.nn.Conv2d(2, 3, 3)).double()(IMAGE),
    "its own rules": lambda: functional.conv2d(IMAGE, W, rules=Rules(input=doubled)),
    "without a graph": lambda: torch.no_grad()(conv)(),
    "inside torch.func": lambda: torch.vmap(torch.func.grad(lambda x: functional.conv2d(x, W).sum()))(IMAGE),
    "a recurrent cell by hand": recurrent_by_hand,
    "an inner block": in_block(conv),
}
NOT_MET: dict[str, Callable[[], object]] = {
    "max_pool2d": lambda: functional.max_pool2d(IMAGE, 2),
    "relu": lambda: functional.relu(IMAGE),
    "batch_norm": lambda: functional.batch_norm(IMAGE, None, None, training=True),
    "torch's convolution": torch_s,
    "nothing": lambda: None,
}


@pytest.mark.parametrize("name", MET)
def test_a_block_in_which_a_layer_with_rules_ran_says_nothing(name: str) -> None:
    assert warned(in_block(MET[name])) == 0


@pytest.mark.parametrize("name", NOT_MET)
def test_a_block_in_which_none_ran_warns_once(name: str) -> None:
    assert warned(in_block(NOT_MET[name])) == 1
    assert warned(in_block(in_block(NOT_MET[name]))) == 2


def passed(z: Tensor, g: Tensor, *_: object) -> Tensor:
    """For a slope and for a pool: the cotangent's mean."""
    return g.mean().expand_as(z)


def test_slots_are_met_each_by_its_own_kind_and_those_that_are_not_are_named() -> None:
    relu, pool = (lambda: functional.relu(IMAGE)), (lambda: functional.lp_pool2d(IMAGE, 3, 2))
    assert [warned(in_block(run, slope=passed)) for run in (conv, relu, pool)] == [1, 0, 1]
    assert [warned(in_block(run, pool=passed)) for run in (conv, relu, pool)] == [1, 1, 0]
    assert warned(in_block(lambda: (conv(), relu(), pool()), input=doubled, slope=passed, pool=passed)) == 0
    with pytest.warns(
        UserWarning, match=r"for bias, pool, .*a fully connected layer and a pooling layer \(in the thread"
    ):
        in_block(relu, bias=doubled, slope=passed, pool=passed)()
    fractional = lambda: functional.fractional_max_pool2d(IMAGE, 2, 2)  # noqa: E731
    assert [warned(in_block(run, pool=passed)) for run in (fractional, lambda: functional.softmax(IMAGE, 1))] == [1, 1]


def test_a_layer_s_own_rules_warn_of_nothing_and_go_before_the_block_s() -> None:
    relu = set_rules(nn.ReLU(), slope=passed)
    x = IMAGE.clone().requires_grad_()

    def inside() -> Tensor:
        with Rules(slope=lambda z, g: 2 * g):
            return relu(x)

    assert warned(lambda: relu(x)) == 0 and warned(inside) == 0
    (got,) = torch.autograd.grad(inside().sum(), x)
    assert torch.equal(got, torch.ones_like(x))


def test_a_layer_before_after_or_in_another_block_is_none_of_this_one() -> None:
    rules = Rules(input=doubled)

    def reused() -> None:
        conv()
        with rules:
            conv()
        with rules:
            torch_s()
        with rules, rules:
            conv()
        conv()

    def beside() -> None:
        with rules:
            with Rules(weight=exact_weight):
                torch_s()
            conv()

    assert warned(reused) == 1 and warned(beside) == 1


def test_an_exception_that_leaves_a_block_is_not_followed_by_a_warning_and_the_next_block_is_its_own() -> None:
    def failing() -> None:
        with Rules(input=doubled):
            raise KeyError

    def run() -> None:
        with pytest.raises(KeyError):
            failing()

    assert warned(run) == 0 and warned(in_block(torch_s)) == 1 and warned(in_block(conv)) == 0


def test_rules_that_replace_nothing_have_nothing_to_meet() -> None:
    def run() -> None:
        with Rules():
            torch_s()

    assert warned(run) == 0


def test_compiled_code_meets_the_rules_each_time_it_runs_and_is_one_graph_compiled_once() -> None:
    """Dynamo writes the mark again after every run of its graph; a block inside compiled code does not warn."""
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("eager")
    layer = torch.compile(lambda x: functional.conv2d(x, W), backend=counter, fullgraph=True)
    other = torch.compile(lambda x: functional.relu(x), backend="eager", fullgraph=True)

    def inside(x: Tensor) -> Tensor:
        with Rules(input=doubled):
            y = functional.conv2d(x, W)
        with Rules(input=doubled):
            return functional.relu(y)

    whole = torch.compile(inside, backend="eager", fullgraph=True)
    for _ in range(3):
        assert warned(in_block(lambda: layer(IMAGE))) == 0
        assert warned(in_block(lambda: other(IMAGE))) == 1
        assert warned(lambda: whole(IMAGE)) == 0
    assert counter.frame_count == 1


def test_set_rules_on_torch_s_layers_names_convert() -> None:
    with pytest.raises(TypeError, match=r"manualconv\.convert\(model\) has torch\.nn's take them"):
        set_rules(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1)), input=doubled)
