"""The choice of an algorithm: by cost, by name, by accuracy, and captured where the forward runs."""

from typing import Any

import pytest
import torch

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels.compiling import is_installed
from manualconv.kernels.correlation.algorithm import ACCURACIES
from manualconv.kernels.correlation.chooser import ALGORITHMS
from manualconv.kernels.correlation.cost import MAPS, Sizes
from manualconv.kernels.correlation.direct import PRODUCTS
from manualconv.testing.referee import BY_HAND, CONVOLUTIONS
from tests.kernels.correlation.three_maps import two_orders
from tests.kernels.machine import needs_numba
from tests.layers import close, spread_out

Shape = tuple[int, ...]

NAMES = [name for name in ALGORITHMS if name != "matrix"]


def test_a_choice_names_the_cheapest_of_each_map_and_says_why() -> None:
    choice = manualconv.choice((2, 8, 20, 20), (8, 8, 3, 3), padding=1)
    assert list(choice.candidates) == list(MAPS)
    for map in MAPS:
        costs = [c.cost for c in choice.candidates[map]]
        assert costs == sorted(costs) and costs[0] < float("inf")
        assert choice[map] == choice.candidates[map][0].name
        assert all(c.reason for c in choice.candidates[map])
    assert str(choice).count("to_") == 3


@pytest.mark.parametrize(("batch", "size", "channels"), [(8, 2, 512), (16, 7, 512), (8, 4, 256)])
def test_what_is_mostly_weights_is_one_product_of_all_images(batch: int, size: int, channels: int) -> None:
    """Tap by tap and image by image the weights would be read again for a few columns each."""
    choice = manualconv.choice((batch, channels, size, size), (channels, channels, 3, 3), padding=1)
    assert {choice[map] for map in MAPS} == {"lowering_batch_last"}


#: Those that a dense layer without dilation is not for.
PARTIAL = ("winograd_dilated", "depthwise")
#: An algorithm, the sizes of x and of w, options, and the error that is admitted.
ASKED: list[tuple[str, Shape, Shape, dict[str, Any], float]] = [
    *((name, (2, 4, 9, 8), (6, 4, 3, 3), {"padding": 1}, 1e-11) for name in NAMES if name not in PARTIAL),
    ("winograd_dilated", (2, 4, 9, 8), (6, 4, 3, 3), {"padding": 1, "dilation": 2}, 1e-11),
    ("winograd_dilated", (2, 3, 9, 8), (4, 3, 3, 2), {"padding": (2, 5), "dilation": (2, 3)}, 1e-9),
    ("winograd", (2, 3, 7, 6), (4, 3, 3, 2), {"padding": (2, 1)}, 1e-9),
    ("clipping", (2, 4, 9, 8), (6, 2, 3, 2), {"padding": (5, 3), "dilation": (4, 5), "groups": 2}, 1e-9),
    ("depthwise", (2, 4, 9, 8), (4, 1, 3, 2), {"padding": (1, 2), "stride": (2, 1), "groups": 4}, 1e-11),
    ("fourier", (1, 4, 300), (4, 1, 200), {"padding": 199, "groups": 4}, 1e-9),
    ("overlap_save", (2, 2, 700), (2, 1, 30), {"padding": 7, "groups": 2}, 1e-9),
]


@pytest.mark.parametrize("tier", ACCURACIES)
@pytest.mark.parametrize(
    ("name", "size", "kernel", "options", "admitted"),
    [pytest.param(*row, id=f"{row[0]} {row[2]}", marks=needs_numba if row[0] == "loops" else ()) for row in ASKED],
)
def test_an_algorithm_asked_for_computes_every_order_also_after_the_block(
    name: str, size: Shape, kernel: Shape, options: dict[str, Any], admitted: float, tier: Any
) -> None:
    x, w = spread_out(size).requires_grad_(), spread_out(kernel, 1).requires_grad_()
    with manualconv.algorithm(name), manualconv.accuracy(tier):
        ours = BY_HAND[len(size) - 2](x, w, None, **options)
    theirs = CONVOLUTIONS[len(size) - 2](x, w, None, **options)
    torch.testing.assert_close(two_orders(ours, x, w), two_orders(theirs, x, w), rtol=admitted, atol=admitted)
    assert ours.grad_fn is not None


def test_the_algorithm_asked_for_is_the_one_that_runs_and_the_window_carries_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = []
    for name in ("lowering", "shifting"):
        for map in ("to_output", "to_input", "to_weight"):
            rule = getattr(ALGORITHMS[name], map)
            monkeypatch.setattr(ALGORITHMS[name], map, lambda *t, r=rule, n=name, m=map: ran.append((n, m)) or r(*t))
    x, w = (spread_out(size, n).requires_grad_() for n, size in enumerate(((2, 3, 9, 8), (4, 3, 3, 3))))
    with manualconv.algorithm("shifting"):
        y = functional.conv2d(x, w)
    with manualconv.algorithm("lowering"):
        torch.autograd.grad(y.sum(), (x, w))
    assert ran == [("shifting", "to_output"), ("shifting", "to_input"), ("shifting", "to_weight")]


def line(kernel: int, stride: int = 1, dilation: int = 1, after: int = 0, groups: int = 1) -> Window:
    """A window on a signal of nine."""
    return Window((9,), (kernel,), (stride,), (dilation,), ((0, after),), groups)


#: An algorithm, channels of x and y, a window, and why the algorithm does not take them.
REFUSED: list[tuple[str, int, Window, str]] = [
    ("lowering_rows", 2, line(3), "two axes or more, one group, dilation 1 along the first axis"),
    ("matrix", 2, line(3), "dense layers only"),
    ("clipping", 2, line(3, stride=2), "stride 1 only"),
    ("fourier", 1, line(3, stride=2), "stride 1 only"),
    ("fourier", 1, line(3, after=-1), "no negative padding"),
    ("depthwise", 4, line(3, groups=2), "one channel and one output a group only"),
    ("winograd", 2, line(3, stride=2), "one group, stride and dilation 1"),
    ("winograd", 2, line(3, dilation=2), "one group, stride and dilation 1"),
    ("winograd", 2, line(3, groups=2), "one group, stride and dilation 1"),
    ("winograd", 2, line(3, after=3), "padding from 0 to K - 1"),
    ("winograd", 2, line(7), "kernels of 2 to 5 taps an axis, or 1"),
    ("winograd_dilated", 2, line(3, stride=2), "stride 1 only"),
    ("winograd_dilated", 2, line(3), "no dilation"),
    ("winograd_dilated", 2, line(6, dilation=2), "kernels of 2 to 5 taps an axis, or 1"),
    ("winograd_dilated", 2, line(3, dilation=2, groups=2), "one group, stride and dilation 1"),
    ("loops", 4, Window((), (), (), (), ()), "one to three axes of float32 or float64"),
    ("loops", 256, Window((33, 33), (3, 3), (1, 1), (12, 12), ((12, 12),) * 2), "its frame does not fit in the caches"),
]


@pytest.mark.parametrize(("name", "channels", "window", "reason"), REFUSED, ids=[f"{n} {r}" for n, *_, r in REFUSED])
def test_what_an_algorithm_cannot_compute_is_refused(name: str, channels: int, window: Window, reason: str) -> None:
    assert ALGORITHMS[name].refusal(Sizes(2, channels, channels, torch.float32, window)) == reason


def test_a_refusal_is_raised_where_the_algorithm_is_asked_for() -> None:
    complex_, whole = (Sizes(2, 2, 2, dtype, line(3)) for dtype in (torch.complex64, torch.int64))
    assert ALGORITHMS["loops"].refusal(complex_) == "one to three axes of float32 or float64"
    assert {ALGORITHMS[name].refusal(whole) for name in ("clipping", *TEMPTING)} >= {"no torch.int64"}
    x, w = torch.ones(1, 4, 8, 8), torch.ones(4, 2, 3, 3)
    with manualconv.algorithm("lowering_rows"), pytest.raises(RuntimeError, match=r"algorithm\('lowering_rows'\) does"):
        functional.conv2d(x, w, groups=2)
    with pytest.raises(ValueError, match="no algorithm is called 'magic': there are lowering"):
        manualconv.algorithm("magic")


def test_every_algorithm_there_is_stands_in_the_docstring() -> None:
    said = manualconv.algorithm.__doc__ or ""
    assert [name for name in ALGORITHMS if f"``'{name}'``" not in said] == []


#: Layers for which an algorithm that is not local is the cheapest of each kind.
TEMPTING: dict[str, dict[str, Any]] = {
    "winograd": {"input_size": (16, 512, 14, 14), "weight_size": (512, 512, 3, 3), "padding": 1},
    "winograd_dilated": {"input_size": (1, 256, 64, 64), "weight_size": (256, 256, 3, 3), "padding": 2, "dilation": 2},
    "fourier": {"input_size": (1, 16, 1024), "weight_size": (16, 1, 1024), "padding": 1023, "groups": 16},
    "overlap_save": {"input_size": (1, 1, 65536), "weight_size": (1, 1, 2048)},
}


@pytest.mark.parametrize("name", TEMPTING)
def test_what_is_not_local_waits_for_the_fast_tier_however_cheap(name: str) -> None:
    exact = manualconv.choice(**TEMPTING[name])
    assert {exact[map] for map in MAPS} <= {*PRODUCTS, "clipping", "depthwise", "loops"}
    assert all("accuracy('fast') admits it" in c.reason for c in exact.candidates["output"] if c.name == name)
    with manualconv.accuracy("fast"):
        fast = manualconv.choice(**TEMPTING[name])
    assert {fast[map] for map in MAPS} == {name}
    assert {fast.candidates[map][0].reason for map in MAPS} == {"fast"}


#: A layer, the tier, and what may compute its maps.
CHOSEN: dict[str, tuple[dict[str, Any], Any, set[str]]] = {
    "wide padding and dilation": (
        {"input_size": (1, 256, 33, 33), "weight_size": (128, 256, 3, 3), "padding": 12, "dilation": 12},
        "exact",
        {"clipping"},
    ),
    "a large depthwise layer": (
        {"input_size": (4, 128, 56, 56), "weight_size": (128, 1, 3, 3), "padding": 1, "groups": 128},
        "exact",
        {"loops"} if is_installed() else {"depthwise"},
    ),
    "a small depthwise layer": (
        {"input_size": (2, 8, 9, 9), "weight_size": (8, 1, 3, 3), "padding": 1, "groups": 8},
        "exact",
        set(PRODUCTS),
    ),
    "many long kernels": ({"input_size": (1, 16, 4096), "weight_size": (32, 16, 1024)}, "fast", {"fourier"}),
    "kernels as long as the signal": (
        {"input_size": (1, 32, 1024), "weight_size": (32, 1, 1024), "padding": 1023, "groups": 32},
        "fast",
        {"fourier"},
    ),
    "short sums": ({"input_size": (64, 1, 9), "weight_size": (1, 1, 3)}, "fast", set(PRODUCTS)),
    "one tap": ({"input_size": (4, 256, 56, 56), "weight_size": (64, 256, 1, 1)}, "fast", set(PRODUCTS)),
    "whole numbers": ({**TEMPTING["winograd"], "dtype": torch.int64}, "fast", set(PRODUCTS)),
}


@pytest.mark.parametrize(("layer", "tier", "names"), CHOSEN.values(), ids=CHOSEN)
def test_a_layer_is_computed_by_what_suits_it(layer: dict[str, Any], tier: Any, names: set[str]) -> None:
    with manualconv.accuracy(tier):
        choice = manualconv.choice(**layer)
    assert {choice[map] for map in MAPS} <= names


def test_each_algorithm_says_once_and_for_all_sizes_whether_it_is_local() -> None:
    """So a layer cannot change class as it grows."""
    tiers = {name: algorithm.accuracy for name, algorithm in ALGORITHMS.items()}
    assert tiers == {name: "fast" if name in TEMPTING else "exact" for name in ALGORITHMS}
    assert set(tiers.values()) == set(ACCURACIES)


def test_accuracy_is_a_block_or_a_default() -> None:
    def is_fast() -> bool:
        return manualconv.choice(**TEMPTING["winograd"])["output"] == "winograd"

    assert not is_fast()
    with manualconv.accuracy("fast"):
        assert is_fast()
    manualconv.set_accuracy("fast")
    try:
        assert is_fast()
        with manualconv.accuracy("exact"):
            assert not is_fast()
    finally:
        manualconv.set_accuracy("exact")
    assert not is_fast()
    with pytest.raises(ValueError, match="accuracy must be 'exact' or 'fast', but got 'faster'"):
        manualconv.accuracy("faster")


def test_settings_hold_around_each_other_and_end_with_their_blocks() -> None:
    x, w = (spread_out(size, n) for n, size in enumerate(((1, 2, 7, 6), (3, 2, 3, 2))))
    with manualconv.algorithm("shifting"), manualconv.accuracy("fast"), manualconv.algorithm("lowering"):
        inner = functional.conv2d(x, w)
    close(inner, torch.nn.functional.conv2d(x, w))


def test_a_compiled_layer_keeps_its_one_form() -> None:
    x, w = (spread_out(size, n) for n, size in enumerate(((1, 2, 7, 6), (3, 2, 3, 2))))
    torch.compiler.reset()
    with manualconv.algorithm("shifting"):
        y = torch.compile(functional.conv2d, backend="aot_eager", fullgraph=True)(x, w)
    close(y, torch.nn.functional.conv2d(x, w))


def test_sizes_that_are_no_convolution_are_refused() -> None:
    with pytest.raises(ValueError, match=r"choice\(\) takes .*\[input channels must be"):
        manualconv.choice((1, 3, 8, 8), (4, 2, 3, 3))
