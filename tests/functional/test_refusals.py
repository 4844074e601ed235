"""How torch is asked for its words: nothing changes, nobody sees it, and whoever calls gets the same error."""

import warnings
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import manualconv
from manualconv import functional
from manualconv.functional.refusals import refusal
from manualconv.functional.refusals.refusal import Refusal, RefusalByValue, explained, once

X = torch.ones(2, 3, 8, 8)


def too_wide(x: Tensor) -> Any:
    """A window that fits nowhere."""
    return functional.max_pool2d(x, 20)


def said(call: Callable[[], Any]) -> str:
    """What a call raises, its type first."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  # the type is compared
        call()
    assert raised.value.__suppress_context__
    return f"{raised.type.__name__} {raised.value}"


def test_a_refusal_is_torch_s_first_line_and_a_hint() -> None:
    with pytest.raises(RuntimeError) as theirs:
        F.max_pool2d(X, 20)
    assert said(lambda: too_wide(X)).startswith(f"RuntimeError {theirs.value} [")


def test_statistics_input_and_random_state_are_as_before() -> None:
    mean, var, x = torch.zeros(3), torch.ones(3), X.clone().requires_grad_()
    state = torch.get_rng_state()
    said(lambda: functional.batch_norm(x, mean, var, training=True, weight=torch.ones(4)))
    said(lambda: functional.dropout(x, 0.5, 1))  # type: ignore[arg-type]
    said(lambda: functional.fractional_max_pool2d(x, 20, 3))
    one = torch.ones((), dtype=torch.bool)
    said(lambda: functional.relu(one, inplace=True))
    assert torch.equal(mean, torch.zeros(3)) and torch.equal(var, torch.ones(3)) and torch.equal(x, X) and one
    assert torch.equal(state, torch.get_rng_state())


def test_other_threads_draw_on_and_warn_on_while_calls_are_refused() -> None:
    def refused() -> None:
        while not done.is_set():
            said(lambda: too_wide(X))

    done, state, filters = Event(), torch.get_rng_state(), list(warnings.filters)
    expected = torch.rand(2000).unique()
    torch.set_rng_state(state)
    threads = [Thread(target=refused) for _ in range(2)]
    for thread in threads:
        thread.start()
    drawn = torch.stack([torch.rand(()) for _ in range(2000)])
    done.set()
    for thread in threads:
        thread.join()
    assert torch.equal(drawn.unique(), expected) and warnings.filters == filters


def test_no_mode_sees_torch_being_asked() -> None:
    class Functions(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    class Operators(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    seen: list[str] = []
    for mode in (Functions(), Operators()):
        with mode:
            said(lambda: too_wide(X))
    assert not [name for name in seen if "pool" in name]


@pytest.mark.parametrize("way", ["vmap", "grad", "jvp", "by_hand", "converted", "compiled"])
def test_the_error_is_the_same_however_it_is_called(way: str) -> None:
    pool = manualconv.convert(torch.nn.Sequential(torch.nn.MaxPool2d(20)))

    def in_block() -> Any:
        with manualconv.by_hand():
            return F.max_pool2d(X, 20)

    calls: dict[str, Callable[[], Any]] = {
        "vmap": lambda: torch.func.vmap(too_wide)(X[None]),
        "grad": lambda: torch.func.grad(lambda x: too_wide(x).sum())(X),
        "jvp": lambda: torch.func.jvp(too_wide, (X,), (X,)),
        "by_hand": in_block,
        "converted": lambda: pool(X),
        "compiled": lambda: torch.compile(too_wide, backend="eager")(X),
    }
    assert said(calls[way]) == said(lambda: too_wide(X))


def test_one_whole_graph_says_that_the_call_is_refused() -> None:
    with pytest.raises(torch._dynamo.exc.Unsupported, match="this call is refused; outside torch"):
        torch.compile(lambda x: functional.max_pool2d(x, 20), backend="eager", fullgraph=True)(X)


def test_tensors_without_memory_are_refused_too() -> None:
    with FakeTensorMode():
        assert said(lambda: too_wide(torch.ones(2, 3, 8, 8))) == said(lambda: too_wide(X))


def test_the_error_is_ours_where_torch_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    hint = Refusal("so it goes", ValueError)
    for theirs in (None, lambda *_: 0):
        error = explained(hint, "pool", theirs, (X,), {}, False)
        assert type(error) is ValueError and str(error) == "pool(): so it goes"
    monkeypatch.setattr(refusal, "ASKED_ON", {"meta"})  # as on a device where a failing kernel ends all work
    for kind, words in ((RefusalByValue, "pool(): out"), (Refusal, "asked [out]")):
        assert str(explained(kind("out"), "pool", _asked, (X,), {}, False)) == words


def _asked(*_: Any) -> None:
    raise RuntimeError("asked\nand more")


#: Numbers that functions read, given as tensors.
NUMBERS: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "hardtanh": lambda library, x, v: library.hardtanh(x, -1.0, v),
    "hardtanh's other limit": lambda library, x, v: library.hardtanh(x, v - 1, 2.0),
    "leaky_relu": lambda library, x, v: library.leaky_relu(x, v),
    "celu": lambda library, x, v: library.celu(x, v),
    "threshold": lambda library, x, v: library.threshold(x, 0.5, v),
    "softshrink": lambda library, x, v: library.softshrink(x, v),
    "dropout": lambda library, x, v: library.dropout(x, v - v),
    "pad": lambda library, x, v: library.pad(x, (1, 1), value=v),
    "huber_loss": lambda library, x, v: library.huber_loss(x, 2 * x, delta=v),
    "layer_norm": lambda library, x, v: library.layer_norm(x, (3,), eps=v),
    "cross_entropy": lambda library, x, v: library.cross_entropy(x, torch.tensor(1), label_smoothing=v),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_no_tangent_of_a_number_is_dropped(name: str) -> None:
    x, one, call = torch.tensor([-2.0, 0.25, 3.0]), torch.tensor(1.0), NUMBERS[name]
    assert torch.allclose(call(functional, x, one), call(F, x, one))
    with forward_ad.dual_level():
        moving = forward_ad.make_dual(one, torch.tensor(1.0))
        with pytest.raises((TypeError, RuntimeError), match=r"without a derivative|which has no derivative"):
            call(functional, x, moving)
        assert torch.allclose(call(functional, x, moving.detach()), call(F, x, one))
    with pytest.raises((TypeError, RuntimeError), match=r"without a derivative|which has no derivative"):
        torch.func.jvp(lambda v: call(functional, x, v), (one,), (one,))


def test_plain_numbers_are_judged_once_and_no_error_is_kept() -> None:
    seen: list[int] = []

    @once
    def rule(number: int) -> int:
        seen.append(number)
        if number < 0:
            raise Refusal("negative")
        return -number

    assert [rule(1), rule(1), rule(2)] == [-1, -1, -2]
    for _ in range(2):
        with pytest.raises(Refusal):
            rule(-1)
    assert seen == [1, 2, -1, -1]


#: Calls on nothing, or beside it: some torch takes, others it refuses with a type of error of its own.
OF_SIZE_0: dict[str, Callable[[Any], Any]] = {
    "a loss of no target": lambda library: library.mse_loss(torch.ones(3), torch.ones(0)),
    "a loss of one input and no target": lambda library: library.l1_loss(torch.ones(1), torch.ones(0)),
    "a softmax of no whole number": lambda library: library.softmax(torch.ones(0, dtype=torch.int64), 0),
    "windows of no channel": lambda library: library.unfold(torch.ones(0, 4, 4), 2),
    "windows of no axis of channels": lambda library: library.unfold(torch.ones(4, 4), 2),
}


@pytest.mark.parametrize("call", OF_SIZE_0.values(), ids=OF_SIZE_0)
def test_a_call_of_size_0_is_taken_or_refused_as_torch_does(call: Callable[[Any], Any]) -> None:
    results = []
    for library in (F, functional):
        try:
            results.append(call(library).shape)
        except Exception as error:
            results.append(type(error))
    assert results[0] == results[1]


def test_what_is_said_counts_what_was_given() -> None:
    with pytest.raises(NotImplementedError, match=r"input is \[4, 4\], and pad has 4 numbers"):
        functional.pad(torch.ones(4, 4), (1, 1, 1, 1), mode="reflect")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's of two sizes
        with pytest.raises(RuntimeError, match=r"one shape: \[3\] against \[0\]"):
            functional.mse_loss(torch.ones(3), torch.ones(0))
    for shape, error in (((0, 4), RuntimeError), ((4,), IndexError)):
        with pytest.raises(error, match="only the batch may be empty"):
            functional.unfold(torch.ones(shape), (2,))
    for ndim in (1, 2, 3):
        x, w = torch.ones(5, 4, *(6,) * ndim), torch.ones(2, 3, *(1,) * ndim)
        with pytest.raises(RuntimeError, match=r"input channels must be .*3.*, not 4"):
            getattr(functional, f"conv{ndim}d")(x, w)
    with pytest.raises(ValueError, match=r"the output would be of size \(1099511627776, 1073741824, 1, 1\)"):
        manualconv.choice((2**40, 1, 1, 1), (2**30, 1, 1, 1))
    with pytest.raises(RuntimeError, match=r"target\.argmax\(1\) of a one-hot target"):
        functional.nll_loss(torch.ones(2, 3), torch.ones(2, 3))
    with pytest.raises(RuntimeError, match=r"target\.flatten\(\) removes axes"):
        functional.nll_loss(torch.ones(2, 3), torch.ones(2, 1))
