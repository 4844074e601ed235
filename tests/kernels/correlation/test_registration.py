"""An algorithm of a user's: asked for, listed, chosen, refused and differentiated as ours are, and looked at."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from math import inf, nan
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels.correlation import shifting
from manualconv.kernels.correlation.chooser import ALGORITHMS, cheapest
from manualconv.kernels.correlation.cost import MAPS
from manualconv.kernels.correlation.registration import CALLED
from tests.layers import close, spread_out


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Every test gives its names back."""
    before = dict(ALGORITHMS)
    yield
    ALGORITHMS.clear()
    ALGORITHMS.update(before)
    cheapest.cache_clear()


class Shifting(manualconv.Algorithm):
    """One of ours, under a name of one's own."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def to_output(self, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        self.ran.append("to_output")
        return shifting.to_output(x, w, b, window)

    def to_input(self, w: Tensor, y: Tensor, window: Window) -> Tensor:
        self.ran.append("to_input")
        return shifting.to_input(w, y, window)

    def to_weight(self, x: Tensor, y: Tensor, window: Window) -> Tensor:
        self.ran.append("to_weight")
        return shifting.to_weight(x, y, window)


def registered(name: str, **other: Any) -> Shifting:
    """Such a one, and what is other in it."""
    algorithm: Shifting = type("Other", (Shifting,), other)()
    manualconv.register(name, algorithm)
    return algorithm


def example() -> None:
    """Register the one that stands in the docstring."""
    said = inspect.getdoc(manualconv.register) or ""
    code = said[said.index("class TapByTap") : said.index("It gets plain tensors")]
    exec(textwrap.dedent("    " + code), {"manualconv": manualconv, "torch": torch, "F": F, "np": np})


def operands() -> tuple[Tensor, Tensor, Tensor]:
    """x, w and b of a layer with a border that nothing reads, and an axis without padding."""
    x, w, b = (spread_out(size, n) for n, size in enumerate(((2, 3, 6, 5), (4, 3, 3, 2), (4,))))
    return x.requires_grad_(), w.requires_grad_(), b.requires_grad_()


def layer(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """By hand, under whatever block is on."""
    return functional.conv2d(x, w, b, stride=(2, 1), padding=(1, 0), dilation=(1, 2))


def test_the_example_is_a_convolution_with_derivatives_of_every_order() -> None:
    example()
    given = operands()

    def asked(*t: Tensor) -> Tensor:
        with manualconv.algorithm("tap by tap"):
            return layer(*t)

    with manualconv.algorithm("tap by tap"):
        close(asked(*given), layer(*given))
    close(asked(*given), F.conv2d(*given, (2, 1), (1, 0), (1, 2)))
    transposed = [spread_out(size, 1) for size in ((2, 4, 3, 3), (4, 3, 3, 2))]
    with manualconv.algorithm("tap by tap"):
        close(functional.conv_transpose2d(*transposed, stride=2), F.conv_transpose2d(*transposed, stride=2))
    assert gradcheck(asked, given, check_forward_ad=True)
    assert gradgradcheck(asked, given)
    with manualconv.algorithm("tap by tap"), pytest.raises(RuntimeError, match="this layer: one group only"):
        functional.conv2d(torch.ones(1, 4, 5, 5), torch.ones(4, 2, 3, 3), groups=2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64, torch.complex128], ids=str)
def test_every_dtype_comes_as_it_is_computed_with(dtype: torch.dtype) -> None:
    seen: list[Tensor] = []

    def looking(self: Shifting, w: Tensor, y: Tensor, window: Window) -> Tensor:
        seen.extend((w, y))
        return Shifting.to_input(self, w, y, window)

    registered("mine", to_input=looking)
    x, w = (spread_out(size, n).mul(4).round().to(dtype) for n, size in enumerate(((2, 3, 6, 5), (4, 3, 3, 2))))
    if not dtype.is_complex and not dtype.is_floating_point:
        with manualconv.algorithm("mine"):
            assert torch.equal(functional.conv2d(x, w), F.conv2d(x, w))
        return
    gradients = []
    for conv in (functional.conv2d, F.conv2d):
        leaf = x.clone().requires_grad_()
        with manualconv.algorithm("mine"):
            y = conv(leaf, w)
            gradients.append(torch.autograd.grad(y, leaf, torch.ones_like(y))[0])
    torch.testing.assert_close(*gradients)
    wide = {torch.bfloat16: torch.float32, torch.float16: torch.float32}.get(dtype, dtype)
    assert all(t.dtype == wide and not t.requires_grad and not t.is_conj() for t in seen) and seen


def test_it_runs_in_the_block_and_in_the_backward_after_it_and_is_listed() -> None:
    mine = registered("mine")
    x, w, b = operands()
    with manualconv.algorithm("mine"):
        y = layer(x, w, b)
    torch.autograd.grad(y.sum(), (x, w))
    assert mine.ran == ["to_output", "to_input", "to_weight"]
    found = {c.name: c for c in manualconv.choice((2, 8, 60, 60), (8, 8, 3, 3)).candidates["input"]}
    assert "states no cost" in found["mine"].reason
    assert "mine" in str(manualconv.choice((2, 8, 60, 60), (8, 8, 3, 3)))


def test_one_that_states_the_lowest_cost_is_chosen_also_where_another_was_before() -> None:
    x, w = spread_out((2, 16, 40, 40), 0), spread_out((16, 16, 3, 3), 1)
    functional.conv2d(x, w)  # what is chosen here is remembered
    cheap = registered("cheap", cost=lambda self, slot, sizes: 1.0 if slot == "output" else inf)
    close(functional.conv2d(x, w), F.conv2d(x, w))
    assert cheap.ran == ["to_output"]
    choice = manualconv.choice((2, 16, 40, 40), (16, 16, 3, 3))
    assert choice["output"] == "cheap" and choice["input"] != "cheap"
    cheap.ran.clear()
    functional.conv2d(x[:1, :, :8, :8], w)
    assert not cheap.ran  # a small layer


def test_one_that_is_not_local_waits_for_the_fast_tier() -> None:
    registered("far", accuracy="fast", cost=lambda *_: 1.0)
    sizes = ((2, 16, 40, 40), (16, 16, 3, 3))
    assert {manualconv.choice(*sizes)[map] for map in MAPS}.isdisjoint({"far"})
    with manualconv.accuracy("fast"):
        assert {manualconv.choice(*sizes)[map] for map in MAPS} == {"far"}


def test_a_compiled_layer_keeps_its_one_form_and_a_mapped_one_is_folded() -> None:
    mine = registered("mine")
    x, w, b = (t.detach() for t in operands())
    torch.compiler.reset()
    with manualconv.algorithm("mine"):
        compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)(x, w, b)
        assert mine.ran == []
        mapped = torch.func.vmap(layer, (0, None, None))(x.unsqueeze(1), w, b)
        assert mine.ran == ["to_output"]
    close(compiled, F.conv2d(x, w, b, (2, 1), (1, 0), (1, 2)))
    close(mapped.squeeze(1), compiled)


def lacking(name: str) -> Any:
    """All names of an algorithm but one."""
    rules = {called: getattr(Shifting(), called) for called in CALLED if called != name}
    return SimpleNamespace(**rules, accuracy="exact")


#: What is registered, and what is said of it.
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a class": (lambda: Shifting, TypeError, r"Shifting is a class: register\('mine', Shifting\(\)\)"),
    "a map that is missing": (
        lambda: lacking("to_weight"),
        TypeError,
        r"needs to_weight\(x, y, window\), but SimpleNamespace has none",
    ),
    "a cost that is missing": (lambda: lacking("cost"), TypeError, "has none; manualconv.Algorithm, to inherit from"),
    "a map that is a number": (
        lambda: SimpleNamespace(**{**vars(lacking("to_input")), "to_input": 3}),
        TypeError,
        "but SimpleNamespace has 3",
    ),
    "other arguments": (
        lambda: SimpleNamespace(**{**vars(lacking("to_input")), "to_input": lambda w, y: y}),
        TypeError,
        r"needs to_input\(w, y, window\), but that of SimpleNamespace takes \(w, y\)",
    ),
    "another accuracy": (
        lambda: SimpleNamespace(**{**vars(lacking("")), "accuracy": "best"}),
        ValueError,
        "must be 'exact' or 'fast', but got 'best'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_algorithm_is_not_registered(wrong: str) -> None:
    made, error, words = WRONG[wrong]
    with pytest.raises(error, match=words):
        manualconv.register("mine", made())
    assert "mine" not in ALGORITHMS


def test_a_name_is_a_text_and_taken_once() -> None:
    registered("mine")
    for name in ("mine", "loops", "matrix"):
        with pytest.raises(ValueError, match=f"there is an algorithm called '{name}'; give yours another name"):
            manualconv.register(name, Shifting())
    for name in ("", None, 3):
        with pytest.raises(TypeError, match="name must be a text"):
            manualconv.register(cast(str, name), Shifting())


#: What a map gives for x, and what is said of it.
RESULTS: dict[str, tuple[Callable[[Tensor, Tensor], Any], type[Exception], str]] = {
    "NumPy's": (lambda x, y: y.numpy(), TypeError, "to_output must return a tensor, but returned ndarray"),
    "None": (lambda x, y: None, TypeError, "but returned NoneType"),
    "another size": (lambda x, y: y[..., :1], RuntimeError, r"\(2, 4, 3, 1\) where \(2, 4, 3, 3\) is needed"),
    "another dtype": (lambda x, y: y.float(), RuntimeError, "torch.float32 where torch.float64 is needed"),
    "another device": (lambda x, y: y.to("meta"), RuntimeError, "meta where cpu is needed"),
    "another layout": (lambda x, y: y.to_sparse(), RuntimeError, "torch.sparse_coo where torch.strided is needed"),
    "x written to": (lambda x, y: (x.zero_(), y)[1], RuntimeError, "wrote to an operand"),
}


@pytest.mark.parametrize("result", RESULTS)
def test_a_wrong_result_is_refused_where_it_is_returned(result: str) -> None:
    spoil, error, words = RESULTS[result]
    registered("wrong", to_output=lambda self, x, *others: spoil(x, Shifting.to_output(self, x, *others)))
    x, w, b = operands()
    with manualconv.algorithm("wrong"), pytest.raises(error, match=words):
        layer(x, w, b)


def broken() -> float:
    """What no layer should be harmed by."""
    raise KeyError("speed")


#: What refuses or costs nothing that can be used, and what is said of it.
ANSWERS: dict[str, tuple[str, Callable[[], Any], str]] = {
    "a refusal that is a flag": ("refusal", lambda: True, "refusal must return a text, or None .* but returned True"),
    "a refusal that fails": ("refusal", broken, "refusal raised KeyError: 'speed'"),
    "a cost that is a word": ("cost", lambda: "cheap", "cost must return nanoseconds, .* but returned 'cheap'"),
    "a cost that is no number": ("cost", lambda: nan, "cost must return nanoseconds, .* but returned nan"),
    "a cost below nothing": ("cost", lambda: -inf, "cost must return nanoseconds, .* but returned -inf"),
    "a cost that fails": ("cost", broken, "cost raised KeyError: 'speed'"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_tells_nothing_is_not_registered(answer: str) -> None:
    asked, tells, words = ANSWERS[answer]
    with pytest.raises(RuntimeError, match=rf"algorithm\('odd'\): {words}"):
        registered("odd", **{asked: lambda *_: tells()})
    assert "odd" not in ALGORITHMS


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_it_is_asked_about_a_layer_of_one_two_and_three_axes(ndim: int) -> None:
    with pytest.raises(RuntimeError, match=r"algorithm\('odd'\): cost must return nanoseconds"):
        registered("odd", cost=lambda self, of, sizes: nan if sizes.window.ndim == ndim else 1.0)


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_tells_nothing_of_one_layer_harms_no_layer_that_did_not_ask_for_it(answer: str) -> None:
    asked, tells, words = ANSWERS[answer]
    otherwise = None if asked == "refusal" else 1.0
    registered("odd", **{asked: lambda self, *about: tells() if about[-1].channels == 16 else otherwise})
    x, w = spread_out((2, 16, 40, 40), 0), spread_out((16, 16, 3, 3), 1)
    close(functional.conv2d(x, w), F.conv2d(x, w))
    found = {c.name: c for c in manualconv.choice(x.shape, w.shape).candidates["output"]}["odd"]
    assert found.cost == inf and re.search(words, found.reason)
    with manualconv.algorithm("odd"):
        if asked == "cost":  # by name it is not asked
            close(functional.conv2d(x, w), F.conv2d(x, w))
        else:
            with pytest.raises(RuntimeError, match=rf"algorithm\('odd'\): {words}"):
                functional.conv2d(x, w)


def test_a_cost_may_be_numpy_s_and_infinite_only_by_name() -> None:
    registered("cheap", cost=lambda self, slot, sizes: np.float32(1) if slot == "output" else inf)
    choice = manualconv.choice((2, 16, 40, 40), (16, 16, 3, 3))
    assert choice["output"] == "cheap" and "cheap" not in (choice["input"], choice["weight"])


def test_an_unregistered_one_is_chosen_no_more_and_its_name_is_free() -> None:
    sizes = ((2, 16, 40, 40), (16, 16, 3, 3))
    before = str(manualconv.choice(*sizes))
    first = registered("mine", cost=lambda *_: 1.0)
    x, w, b = operands()
    with manualconv.algorithm("mine"):
        y = layer(x, w, b)
    assert manualconv.choice(*sizes)["output"] == "mine"
    manualconv.unregister("mine")
    assert str(manualconv.choice(*sizes)) == before
    with pytest.raises(ValueError, match="no algorithm is called 'mine'"):
        manualconv.algorithm("mine")
    with pytest.raises(RuntimeError, match=r"algorithm\('mine'\) is not registered any more"):
        torch.autograd.grad(y.sum(), x, retain_graph=True)
    second = registered("mine")
    (x_bar,) = torch.autograd.grad(y.sum(), x)
    close(x_bar, torch.autograd.grad(layer(x, w, b).sum(), x)[0])
    assert first.ran == ["to_output"] and second.ran == ["to_input", "to_weight"]


@pytest.mark.parametrize("name", ["loops", "matrix", "nobody's", None])
def test_only_what_was_registered_is_unregistered(name: Any) -> None:
    before = dict(ALGORITHMS)
    with pytest.raises(ValueError, match=f"nothing was registered as {name!r}; there are: none"):
        manualconv.unregister(name)
    registered("mine")
    with pytest.raises(ValueError, match="there are: mine"):
        manualconv.unregister(name)
    assert {**before, "mine": ALGORITHMS["mine"]} == ALGORITHMS


def test_a_view_or_an_operand_becomes_a_fresh_tensor() -> None:
    registered("identity", to_output=lambda self, x, *_: x)
    x, w = spread_out((2, 3, 4, 5), 0), torch.eye(3, dtype=torch.float64)[..., None, None]
    with manualconv.algorithm("identity"):
        y = functional.conv2d(x, w)
    assert torch.equal(x, y) and x.data_ptr() != y.data_ptr() and not y._is_view()
