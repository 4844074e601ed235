"""Reports about arguments and functions of torch's that handle themselves, and about `by_hand` around them."""

import inspect
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._higher_order_ops import associative_scan, scan, while_loop
from torch._higher_order_ops import map as mapped
from torch.nn.attention.flex_attention import flex_attention
from torch.overrides import TorchFunctionMode, get_testing_overrides
from torch.utils._pytree import tree_map

from manualconv import Rules, by_hand, functional, nn
from manualconv.swap.mode import ByHand
from manualconv.swap.table import COMPOSITES
from manualconv.testing.catalogue import operation
from manualconv.torch_internals import function_modes
from tests.layers import MODULES, PAIRS, Example, spread_out
from tests.swap.networks import nodes


class TooOften(BaseException):
    """Raised where a function is offered again and again; torch catches Exceptions."""


class Counted(ByHand):
    """The block, which stops what enters itself for ever long before Python does."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.depth += 1
        if self.depth > 20:
            raise TooOften(func)
        try:
            return super().__torch_function__(func, types, args, kwargs)
        finally:
            self.depth -= 1


def asking_functions() -> Iterator[Callable[..., Any]]:
    """Every Python function of torch's whose code asks for overrides, wherever it is kept."""
    seen = set()
    for module in [m for name, m in sys.modules.items() if name.split(".")[0] == "torch"]:
        for value in list(vars(module).values()):
            for found in [value, *(vars(value).values() if isinstance(value, type) else ())]:
                function = found.fget if isinstance(found, property) else found
                bare = inspect.unwrap(function) if isinstance(function, types.FunctionType) else None
                if isinstance(bare, types.FunctionType) and function not in seen:
                    asks = any(name.startswith("has_torch_function") for name in bare.__code__.co_names)
                    if asks and not bare.__module__.startswith(("torch.distributed", "torch._higher_order")):
                        seen.add(function)
                        yield function


def required(signature: inspect.Signature) -> int:
    """How many arguments a call must give by position."""
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is p.empty and p.kind in places for p in signature.parameters.values())


def overridable() -> dict[Callable[..., Any], int]:
    """Every function of torch's that asks, by its own account or by its code → how many arguments it must have."""
    told = {function: required(inspect.signature(dummy)) for function, dummy in get_testing_overrides().items()}
    found = {function: required(inspect.signature(function)) for function in asking_functions()} | told
    return {f: count for f, count in found.items() if "distributed" not in str(getattr(f, "__module__", ""))}


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        (torch.sym_int, (2.5,), 2),
        (torch.sym_float, (3,), 3.0),
        (torch.sym_max, (2, 5), 5),
        (torch.sym_min, (2, 5), 2),
        (torch.sym_not, (True,), False),
        (torch.sym_sum, ([1, 2, 4],), 7),
        (torch.sym_ite, (True, 1, 2), 1),
        (torch.sym_sqrt, (9,), 3.0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("depth", [1, 3])
def test_a_function_that_asks_for_overrides_itself_is_offered_for_ever(
    function: Callable[..., Any], args: tuple[Any, ...], value: object, depth: int
) -> None:
    """Row 26: RecursionError, and a mode stack that had lost its modes."""
    blocks = [by_hand() for _ in range(depth)]
    for block in blocks:
        block.__enter__()
    try:
        assert function(*args) == value
        assert function_modes() == blocks
    finally:
        for block in reversed(blocks):
            block.__exit__(None, None, None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fill", [2.5, "vector", "matrix"])
def test_no_function_of_torch_is_offered_for_ever(fill: float | str) -> None:
    """Row 26: all that can be called, with what it does not take too; the stack is whole after each."""
    values = {"vector": torch.ones(3), "matrix": torch.ones(3, 3)}
    value = values[fill] if isinstance(fill, str) else fill
    functions, answered = overridable(), 0
    assert len(functions) > 1400
    for function, count in functions.items():
        with Counted() as block:
            try:
                function(*[value] * count)
                answered += 1
            except Exception:
                pass
            assert function_modes() == [block], function
        assert not function_modes(), function
    assert answered > 30


def test_a_body_asks_no_more() -> None:
    """Row 26: what is entered has lost the question, under whatever name it asks."""
    questions = [getattr(torch.overrides, f"has_torch_function{kind}") for kind in ("", "_unary", "_variadic")]
    for function, body in COMPOSITES.items():
        for name in body.__code__.co_names:
            assert body.__globals__.get(name) not in (*questions, torch.overrides), function
    assert torch.nn.functional.multi_head_attention_forward in COMPOSITES


def score(s: Tensor, *_: Tensor) -> Tensor:
    """A score modification with an operation that the block has."""
    return torch.relu(s)


OPERATORS: dict[str, Callable[[Tensor], Any]] = {
    "flex_attention": lambda q: flex_attention(q, q, q),
    "flex_attention with scores": lambda q: flex_attention(q, q, q, score_mod=score),
    "cond": lambda q: torch.cond(q.sum() > 0, torch.relu, torch.tanh, (q,)),
    "while_loop": lambda q: while_loop(lambda i: i.sum() < 3, lambda i: (torch.relu(i) + 1,), (torch.zeros(1),)),
    "scan": lambda q: scan(lambda c, x: (c + x, torch.relu(c * x)), torch.zeros(16, 8), q[0]),
    "associative_scan": lambda q: associative_scan(torch.add, q, 0, combine_mode="generic"),
    "map": lambda q: mapped(torch.tanh, q),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_that_compiles_its_functions_fails_in_the_block(operator: Callable[[Tensor], Any]) -> None:
    """Row 20: Dynamo refused to trace a block inside one; it runs, on torch's operations."""
    q = torch.randn(2, 2, 16, 8)
    torch._dynamo.reset()
    with by_hand() as block:
        ours = operator(q)
        assert function_modes() == [block]
    torch.testing.assert_close(ours, operator(q), rtol=0, atol=0)
    assert not function_modes()


ASKED = [name for name in functional.__all__ if name != "Connections"]
WAYS = {"functional": (functional, nullcontext), "by_hand": (F, by_hand)}


class Unwrapping:
    """No tensor: it unwraps itself, computes with what it is handed, and wraps the result."""

    seen: ClassVar[list[Any]] = []

    def __init__(self, value: Tensor) -> None:
        self.value = value

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.seen.append(func)
        args, kwargs = tree_map(lambda a: a.value if isinstance(a, cls) else a, (args, kwargs or {}))
        return cls(func(*args, **kwargs))


class Pair(NamedTuple):
    """What quantisers hand on: numbers and their scale, as a tuple that handles functions."""

    value: Tensor
    scale: float

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        bare = [a.value if isinstance(a, Pair) else a for a in args]
        return Pair(func(*bare, **(kwargs or {})), self.scale)


class Plain(torch.Tensor):
    """A subclass that handles nothing: torch's functions return it."""


def by_ours(y: Tensor) -> bool:
    """Whether one of our Functions is among the nodes behind y; torch's nodes end in a digit."""
    return any(not name[-1].isdigit() for name in nodes(y) if name != "torch::autograd::AccumulateGrad")


IMAGE, KERNEL = spread_out((2, 3, 6, 5)), spread_out((4, 3, 3, 2), 1)
#: torch's hands on a method of its argument, or rounds; ours hands on the input itself.
APART = ("sigmoid", "tanh", "hardsigmoid", "dropout in evaluation", "batch_norm in evaluation")
#: torch's functions with the tensors that they are called with.
CALLS = {
    label: each
    for label, each in PAIRS.items()
    if (each.form is operation.unformed or "norm" in label) and hasattr(F, each.name) and label not in APART
}
EVERY = pytest.mark.parametrize("example", CALLS.values(), ids=CALLS)


@EVERY
@pytest.mark.parametrize("way", WAYS)
def test_an_argument_that_unwraps_itself_is_not_asked(example: Example, way: str) -> None:
    """Row 3: it is handed torch's function, as torch hands it, and what it computes with it is by hand."""
    module, around = WAYS[way]
    x, *others = example.leaves()
    Unwrapping.seen.clear()
    with around():
        y = example.of(module)(Unwrapping(x), *others)
    seen = list(Unwrapping.seen)
    theirs = example.of(F)(Unwrapping(x), *others)
    assert seen == [operation.function(F, example.name)] == Unwrapping.seen[1:]
    assert by_ours(y.value)
    torch.testing.assert_close(y.value, theirs.value, rtol=1e-12, atol=1e-12)
    assert not function_modes()


@pytest.mark.parametrize("way", WAYS)
def test_an_argument_by_keyword_that_unwraps_itself_is_not_asked(way: str) -> None:
    module, around = WAYS[way]
    with around():
        y = module.conv2d(input=Unwrapping(IMAGE), weight=KERNEL)
    torch.testing.assert_close(y.value, F.conv2d(IMAGE, KERNEL), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, wrap: m.conv2d(IMAGE, wrap(KERNEL)),
        lambda m, wrap: m.conv2d(IMAGE, weight=KERNEL, bias=wrap(torch.ones(4, dtype=torch.float64))),
        lambda m, wrap: m.batch_norm(IMAGE, wrap(torch.zeros(3).double()), wrap(torch.ones(3).double())),
        lambda m, wrap: m.layer_norm(IMAGE, (5,), weight=wrap(torch.ones(5).double())),
        lambda m, wrap: m.mse_loss(IMAGE, wrap(2 * IMAGE)),
        lambda m, wrap: m.nll_loss(IMAGE[:, :, 0, 0], torch.tensor([0, 2]), weight=wrap(torch.ones(3).double())),
    ],
    ids=["weight", "bias by keyword", "running statistics", "scale", "target", "weights of classes"],
)
@pytest.mark.parametrize("way", WAYS)
def test_only_the_first_argument_is_asked(call: Callable[[Any, Any], Any], way: str) -> None:
    """Row 3: weights, statistics, targets and keywords handle themselves as the input does."""
    module, around = WAYS[way]
    with around():
        y = call(module, Unwrapping)
    assert isinstance(y, Unwrapping)
    torch.testing.assert_close(y.value, call(F, lambda t: t), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", [*WAYS, "torch"])
def test_handlers_are_called_in_another_order_than_torch_s(way: str) -> None:
    """Row 3: a subclass before its base, the left before the right; NotImplemented passes on, and ends in TypeError."""
    module, around = WAYS.get(way, (F, nullcontext))
    calls: list[str] = []

    class Base:
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            calls.append(cls.__name__)
            return NotImplemented

    class Derived(Base):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            assert types == (Derived, Base)
            calls.append(cls.__name__)
            return "Derived"

    class Other:
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            calls.append(cls.__name__)
            return "Other"

    with around():
        assert module.linear(Base(), Derived()) == module.mse_loss(Base(), Derived()) == "Derived"
        assert module.linear(Base(), Other()) == "Other"
        assert calls == ["Derived", "Derived", "Base", "Other"]
        with pytest.raises(TypeError, match=r"no implementation found for 'torch.nn.functional.relu'"):
            module.relu(Base())
        with pytest.raises(TypeError, match=r"Multiple dispatch failed for 'torch.conv2d'"):
            module.conv2d(Base(), KERNEL)
    assert not function_modes()


@pytest.mark.filterwarnings("ignore:Defining your `__torch_function__")
@pytest.mark.parametrize("way", WAYS)
def test_a_tuple_that_handles_functions_is_taken_for_numbers(way: str) -> None:
    """Row 3: the quantised tensors of brevitas are named tuples."""
    module, around = WAYS[way]
    x = IMAGE.clone().requires_grad_()
    with around():
        y = module.relu(module.conv2d(Pair(x, 0.5), KERNEL))
    assert isinstance(y, Pair) and y.scale == 0.5 and by_ours(y.value)


@EVERY
@pytest.mark.parametrize("way", WAYS)
def test_a_subclass_without_a_handler_is_lost(example: Example, way: str) -> None:
    """Row 3: a subclass in, the same subclass out, as of torch's functions, and by hand."""
    module, around = WAYS[way]
    first, *others = example.leaves()
    x = first.detach().as_subclass(Plain).requires_grad_()
    with around():
        y = example.of(module)(x, *others)
    expected = example.of(F)(x, *others)
    assert type(y) is type(expected) is Plain and by_ours(y)
    (ours,), (theirs,) = torch.autograd.grad(y.sum(), x), torch.autograd.grad(expected.sum(), x)
    assert type(ours) is type(theirs)
    torch.testing.assert_close((y, ours), (expected, theirs), rtol=1e-12, atol=1e-12)
    assert type(example.of(module)(torch.nn.Parameter(first.detach()), *others)) is Tensor


def test_a_mode_of_torch_s_is_taken_for_an_argument() -> None:
    """Row 3: a device context or a user's mode overrides no argument: the arithmetic stays ours."""
    x = IMAGE.clone().requires_grad_()

    class Seeing(TorchFunctionMode):
        names: ClassVar[set[str]] = set()

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.names.add(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    for around in (torch.device("cpu"), torch.device("meta"), Seeing()):
        with around:
            y = functional.relu(functional.conv2d(x, KERNEL))
        assert by_ours(y) and y.device.type == "cpu"
    assert Seeing.names and not Seeing.names & {"conv2d", "relu"}


@pytest.mark.parametrize("name", ASKED)
def test_a_public_function_does_not_ask(name: str) -> None:
    """Row 3: every name asks, keeps its signature and words, and is found again by pickle."""
    function = getattr(functional, name)
    bare = inspect.unwrap(function)
    assert function is not bare and inspect.signature(function) == inspect.signature(bare)
    assert function.__doc__ == bare.__doc__ and function.__name__ == name
    assert pickle.loads(pickle.dumps(function)) is function
    asked: list[Any] = []

    class Answering:
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            asked.append(func)
            return "answer"

    rest: dict[str, Any] = {"indices": torch.ones(3), "weight": torch.ones(3), "target": torch.ones(3)}
    names = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    needs = ["output_size"] if name.startswith("fractional") else []
    given = {key: rest.get(key, 2) for key in [*names[1:], *needs]}
    assert function(Answering(), **given) == "answer"
    assert len(asked) == 1 and not function_modes()


def test_a_layer_hands_a_subclass_what_torch_s_function_does_not_take() -> None:
    """A layer that gave by position what torch takes by name alone: torchview's tensors reach torch's functions."""
    taken = 0
    for name, (make, shape) in MODULES.items():
        layer, x, results = make().double(), spread_out(shape), []
        for given in (x, x.as_subclass(Plain)):
            torch.manual_seed(0)
            y = layer(given)
            results.append(y[0] if isinstance(y, tuple) else y)
        expected, found = results
        torch.testing.assert_close(found.as_subclass(Tensor), expected, rtol=0, atol=1e-12, msg=name)
        taken += isinstance(found, Plain)
    assert taken == len(MODULES) > 90


def test_ours_alone_is_handed_under_torch_s_name() -> None:
    """Row 3: where torch has no such function, the handler gets ours; so does fx's Proxy."""
    Unwrapping.seen.clear()
    y = functional.scaled_tanh(Unwrapping(IMAGE))
    assert Unwrapping.seen == [functional.scaled_tanh]
    torch.testing.assert_close(y.value, functional.scaled_tanh(IMAGE))
    assert isinstance(functional.conv2d(Unwrapping(IMAGE), KERNEL, rules=None), Unwrapping)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: functional.conv2d(x, KERNEL, padding=((1, 2), (0, 1))),
        lambda x: functional.conv2d(x, KERNEL, padding="full"),
        lambda x: functional.conv2d(x, KERNEL, flip=True),
        lambda x: functional.conv2d(x, KERNEL, rules=Rules()),
        lambda x: functional.max_pool2d(x, 2, ties="split"),
        lambda x: functional.max_pool2d(x, 2, ties="first"),
    ],
    ids=["pairs", "full", "flip", "rules", "split", "first"],
)
def test_what_torch_s_function_does_not_take_is_refused(call: Callable[[Any], Any]) -> None:
    """Row 3: with an argument of ours alone the handler gets our function."""
    x = IMAGE.clone().requires_grad_()
    y = call(Unwrapping(x)).value
    assert torch.equal(y, call(x)) and by_ours(y)


def test_a_handler_inside_a_handler_is_lost() -> None:
    """Row 3: what a handler unwraps may handle itself again; the layers of `manualconv.nn` follow `functional`."""
    x = IMAGE.clone().requires_grad_()
    layer = nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect").double()
    for call in (functional.relu, layer):
        y = call(Unwrapping(Unwrapping(x))).value.value
        assert torch.equal(y, call(x)) and by_ours(y)
    with by_hand():
        assert by_ours(F.relu(Unwrapping(Unwrapping(x))).value.value)


@pytest.mark.parametrize("way", [*WAYS, "torch"])
def test_an_uninitialised_parameter_is_computed_with(way: str) -> None:
    module, around = WAYS.get(way, (F, nullcontext))
    with around(), pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        module.linear(torch.ones(2, 3), torch.nn.UninitializedParameter())


def test_an_argument_that_torch_does_not_ask_is_offered_for_ever() -> None:
    """Row 3: torch asks max_unpool's input only, and its kernel asks the indices."""
    indices = torch.tensor([[[[0, 2]]]])
    for module, around in ((functional, nullcontext), (F, by_hand), (F, nullcontext)):
        with around():
            y = module.max_unpool2d(torch.ones(1, 1, 1, 2), Unwrapping(indices), (1, 2))
        value = y.value if isinstance(y, Unwrapping) else y
        assert torch.equal(value, torch.tensor([[[[1.0, 0, 1, 0]]]]))
        with around(), pytest.raises(TypeError):
            module.hardtanh(torch.ones(2), Unwrapping(torch.ones(1)))
        assert not function_modes()
