"""The default is direct: each output is a sum over its own window, on both sides of every threshold.

    y_b = Σ_j v_j · T_b(e_j, c)  +  T_b(a₀, c)          a₀ is a with zeros where the v_j stand, e_j a one there alone

T_b(a, c) is the map that fills slot b of the trilinear form from a and c.  A direct algorithm computes this sum
whatever the v_j are: where e_j reaches, NaN, ∞ and large numbers arrive times the other operand's entry, and nowhere
else.  So the referee never meets a number that is not finite.  The e_j of one entry needs its sample, or its channels,
alone.

At the padding a term is left out or is 0·v, at the algorithm's choice: cells that have such a term are not compared.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import manualconv
from manualconv import functional
from manualconv.functional import rectifiers
from manualconv.geometry import Window
from manualconv.kernels.compiling import is_installed
from manualconv.kernels.correlation.chooser import ALGORITHMS
from manualconv.kernels.correlation.cost import MAPS
from manualconv.kernels.correlation.direct import PRODUCTS
from manualconv.kernels.entrywise import pointwise
from manualconv.kernels.pooling import doubling
from manualconv.kernels.pooling.doubling import runs_of
from manualconv.testing.catalogue.activation import ENTRYWISE
from manualconv.testing.referee import by_hand, convolution
from tests.kernels.thresholds import CROSSINGS, LARGE, OTHERS, POINTWISE, POOLING, Layer, constants, sides

#: The slots that a map reads, and the one that it fills.
READS = {"output": ("x", "w"), "input": ("w", "y"), "weight": ("x", "y")}
#: What is put somewhere: a number so large that whatever it is added to is rounded away, too.
SPOILERS = (torch.nan, torch.inf, -torch.inf, 1e30)

LAYERS = {f"{name}: {side}": layer for name in CROSSINGS for side, layer in zip(("below", "above"), sides(name))}
LAYERS |= LARGE
#: Layer by layer, not test by test: what torch makes of a layer's numbers is computed once for all tests of it.
EVERY = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS, scope="module")

Three = dict[str, Tensor]


def maps(x: Tensor, w: Tensor, y: Tensor, window: Window, by_torch: bool = False) -> Three:
    """The output, and both gradients for the cotangent y: of the public function, or of torch's."""
    x, w = (t.detach().requires_grad_() for t in (x, w))
    with nullcontext() if window.algorithm is None else manualconv.algorithm(window.algorithm):
        z = (convolution if by_torch else by_hand)(x, w, None, window)
    x_bar, w_bar = torch.autograd.grad(z, (x, w), y)
    return {"output": z.detach(), "input": x_bar, "weight": w_bar}


@lru_cache(maxsize=2)
def integers(layer: Layer) -> tuple[Three, Three]:
    """x, w and y of small whole numbers in float64, and what torch makes of them."""
    generator = torch.Generator().manual_seed(layer.batch + layer.channels)
    window = layer.window
    shapes = {
        "x": (layer.batch, layer.channels, *window.input_size),
        "w": (layer.outputs, layer.channels // window.groups, *window.kernel_size),
        "y": (layer.batch, layer.outputs, *window.output_size),
    }
    drawn = {slot: torch.randint(-2, 3, size, generator=generator).double() for slot, size in shapes.items()}
    return drawn, maps(**drawn, window=window, by_torch=True)


def part(slot: str, at: tuple[int, ...], layer: Layer) -> dict[str, tuple[slice, slice]]:
    """The samples and channels of x, w and y that meet one entry of a slot: one group at the most."""
    groups = layer.window.groups
    c, o = layer.channels // groups, layer.outputs // groups
    group = at[1] // c if slot == "x" else at[0] // o if slot == "w" else at[1] // o
    samples = slice(None) if slot == "w" else slice(at[0], at[0] + 1)
    inner = slice(0, c) if slot == "y" else slice(at[1] % c, at[1] % c + 1)
    outer = slice(group * o, group * o + o) if slot == "x" else slice(at[slot == "y"], at[slot == "y"] + 1)
    own = slice(group * c + inner.start, group * c + inner.stop)
    return {"x": (samples, own), "w": (outer, inner), "y": (samples, outer)}


TARGET = {"output": "y", "input": "x", "weight": "w"}


def reached(
    slot: str, place: int, drawn: Three, layer: Layer
) -> Iterator[tuple[str, tuple[slice, slice], Tensor, Tensor, Tensor]]:
    """Where one entry goes, by map: the part, the other operand's number there, what reaches, what may at padding."""
    at = tuple(int(i) for i in torch.unravel_index(torch.tensor(place), drawn[slot].shape))
    some = part(slot, at, layer)
    one = torch.zeros_like(drawn[slot])
    one.view(-1)[place] = 1
    alone = {name: t[some[name]] for name, t in drawn.items()} | {slot: one[some[slot]]}
    window = replace(layer.window, groups=1, algorithm=None)
    terms = maps(**alone, window=window, by_torch=True)
    for map in (map for map in MAPS if slot in READS[map]):
        (other,) = set(READS[map]) - {slot}
        ones = alone | {other: torch.ones_like(alone[other])}
        touches = maps(**ones, window=window, by_torch=True)[map]
        margin = torch.zeros_like(touches, dtype=torch.bool)
        if other == "x":  # what it would reach if the padding were positions like others
            wide = ones | {"x": F.pad(ones["x"], window.frame, value=1.0)}
            margin = maps(**wide, window=window.unpadded(), by_torch=True)[map] > touches
        yield map, some[TARGET[map]], terms[map], touches > 0, margin


def same(got: Tensor, expected: Tensor, rough: Tensor) -> Tensor:
    """Equal, NaN where there is one; where a large number was added, up to its rounding."""
    near = (got - expected).abs() <= 1e-6 * expected.abs()
    return (got == expected) | (got.isnan() & expected.isnan()) | (rough & near)


def places(t: Tensor) -> list[int]:
    """Positions for every spoiler, the same in every run."""
    return torch.randperm(t.numel(), generator=torch.Generator().manual_seed(t.dim()))[: len(SPOILERS)].tolist()


def spoiled_where_it_may_be(layer: Layer, slot: str) -> None:
    drawn, clean = integers(layer)
    values = dict(zip(places(drawn[slot]), SPOILERS))
    given = {name: t.to(layer.dtype, copy=True) for name, t in drawn.items()}
    for place, value in values.items():
        given[slot].view(-1)[place] = value
    found = maps(**given, window=layer.window)
    expected = {map: clean[map].clone() for map in MAPS if slot in READS[map]}
    extra = {map: torch.zeros_like(t) for map, t in expected.items()}
    rough, left_out = ({map: torch.zeros_like(t, dtype=torch.bool) for map, t in expected.items()} for _ in range(2))
    for place, value in values.items():
        for map, where, term, touches, margin in reached(slot, place, drawn, layer):
            expected[map][where] -= drawn[slot].view(-1)[place] * term
            extra[map][where] += torch.where(touches, value * term, 0)
            rough[map][where] |= touches & (abs(value) < torch.inf)
            left_out[map][where] |= margin
    for map, t in expected.items():
        assert (same(found[map].double(), t + extra[map], rough[map]) | left_out[map]).all(), (slot, map)


@EVERY
def test_small_integers_are_exact_on_both_sides_of_every_threshold(layer: Layer) -> None:
    assert not {"fourier", "overlap_save", "winograd", "winograd_dilated"} & set(layer.algorithms)
    drawn, clean = integers(layer)
    found = maps(*(drawn[slot].to(layer.dtype) for slot in "xwy"), window=layer.window)
    assert all(torch.equal(found[map].double(), clean[map]) for map in MAPS)


@EVERY
def test_what_is_not_finite_reaches_the_windows_that_saw_it_and_no_others(layer: Layer) -> None:
    for slot in "xwy":
        spoiled_where_it_may_be(layer, slot)


@EVERY
def test_a_one_gives_back_the_other_operand_bit_by_bit_and_zeros_elsewhere(layer: Layer) -> None:
    """So nothing comes from outside a window, not even a rounding, and no gradient flows back from the future."""
    drawn, _ = integers(layer)
    generator = torch.Generator().manual_seed(1)
    fractions = {s: torch.randn(t.shape, generator=generator, dtype=layer.dtype) for s, t in drawn.items()}
    for slot in "xwy":
        place = places(drawn[slot])[0]
        one = torch.zeros_like(fractions[slot])
        one.view(-1)[place] = 1
        found = maps(**(fractions | {slot: one}), window=layer.window)
        wide = {name: t.double() for name, t in fractions.items()}
        for map, where, term, _, _ in reached(slot, place, wide, layer):
            expected = torch.zeros_like(found[map], dtype=torch.float64)
            expected[where] = term
            assert torch.equal(found[map].double(), expected), (slot, map)


BY_LOOPS = {name: layer for name, layer in LAYERS.items() if "loops" in layer.algorithms and not layer.window.algorithm}


@pytest.mark.usefixtures("without_numba")
@pytest.mark.parametrize("layer", BY_LOOPS.values(), ids=BY_LOOPS)
def test_the_same_without_numba(layer: Layer) -> None:
    assert "loops" not in layer.algorithms
    drawn, clean = integers(layer)
    found = maps(*(drawn[slot].to(layer.dtype) for slot in "xwy"), window=layer.window)
    assert all(torch.equal(found[map].double(), clean[map]) for map in MAPS)
    for slot in "xwy":
        spoiled_where_it_may_be(layer, slot)


# ------------------------------------------------------------------------------------ pooling and pointwise layers


def _first_wide(name: str) -> tuple[int, int]:
    """Kernels of a mean over 40 positions that are summed tap by tap, and by doubling."""
    pays = [k for k in range(2, 41) if runs_of(Window((40,), (k,), (1,), (1,), ((k // 2, k // 2),)), 0).pays]
    return pays[0] - 1, pays[0]


#: Threshold → sizes of images and kernels on its two sides, and the option that asks for sums or maxima.
SUMS: dict[str, list[tuple[tuple[int, int], int | tuple[int, int], int, int]]] = {
    "doubling.MOVING": [((40, 3), (k, 1), 1, 0) for k in _first_wide("doubling.MOVING")],
    "doubling.BLOCK": [((1, doubling.BLOCK + more), (1, 64), 1, 0) for more in (62, 64)],
    "doubling.COLUMNS": [((2 * doubling.BLOCK // doubling.COLUMNS, n), (64, 1), 1, 0) for n in (64, 65)],
    "doubling.MOVING, strided": [((64, 64), 31, 2, 15), ((64, 64), 31, 7, 15)],
    "frames.PAIRS, sums": [((256, 257), k, 2, 2) for k in (4, 5)],
    "summation.LARGE": [((181, n), 3, 1, 1) for n in (180, 182)],
    "summation.SMALL": [((n, 512), 3, 2, 1) for n in (80, 120)],
}
MAXIMA: dict[str, list[tuple[tuple[int, int], int | tuple[int, int], int, int]]] = {
    "maximum.LARGE": [((255, n), 3, 2, 1) for n in (257, 258)],
    "selection.LARGE": [((256, n), 3, 1, 1) for n in (255, 256)],
    "frames.PAIRS, maxima": [((256, 257), k, 2, 2) for k in (4, 5)],
    "maximum.LARGE, wide": [((n, n), 13, 1, 6) for n in (255, 256)],
}


@pytest.mark.parametrize("name", [*SUMS, *MAXIMA])
def test_pooling_keeps_what_is_not_finite_in_its_windows(name: str) -> None:
    """Integers, so that sums are exact in any order; torch's loops are local.  Forward and backward."""
    kind, options = ("avg_pool2d", {"divisor_override": 1}) if name in SUMS else ("max_pool2d", {})
    for size, k, s, p in (SUMS | MAXIMA)[name]:
        x = torch.randint(-9, 9, (1, 1, *size), generator=torch.Generator().manual_seed(0)).double()
        y = getattr(F, kind)(x, k, s, p, **options)
        y_bar = torch.randint(-9, 9, y.shape, generator=torch.Generator().manual_seed(1)).double()
        for spoiled in ((), (x,), (y_bar,)):
            for t in spoiled:
                t.view(-1)[places(t)] = torch.tensor(SPOILERS, dtype=t.dtype)
            results = []
            for library in (functional, F):
                leaf = x.clone().requires_grad_()
                z = getattr(library, kind)(leaf, k, s, p, **options)
                results.append((z.detach(), torch.autograd.grad(z, leaf, y_bar)[0]))
            for ours, theirs in zip(*results):
                torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", [name for name in ENTRYWISE if hasattr(rectifiers, name)])
@pytest.mark.parametrize("count", [pointwise.SMALL, pointwise.SMALL + 1, pointwise.LARGE - 1, pointwise.LARGE])
def test_a_mask_made_of_numbers_is_a_mask(name: str, count: int) -> None:
    """0·∞ is NaN: where the slope is 0, a cotangent that is not finite is stopped or let through as by torch."""
    z = torch.linspace(-4, 4, count, dtype=torch.float64)
    numbers = ENTRYWISE[name].drawn[0]
    for values in ((), SPOILERS):
        for inputs in ((), (torch.inf, -torch.inf)):
            x, y_bar = z.clone(), z.flip(0).clone()
            x[places(x)[: len(inputs)]] = torch.tensor(inputs, dtype=x.dtype)
            for first in (0, count // 2, count - len(values)):
                y_bar[first : first + len(values)] = torch.tensor(values, dtype=x.dtype)
            results = []
            for library in (functional, F):
                leaf = x.clone().requires_grad_()
                y = getattr(library, name)(leaf, *numbers)
                recorded = (torch.autograd.grad(y, leaf, y_bar, create_graph=g)[0] for g in (True, False))
                results.append([y.detach(), *recorded])
            torch.testing.assert_close(*results, rtol=1e-7, atol=1e-7, equal_nan=True)


# ------------------------------------------------------------------------------------- the table itself, and others


def test_every_number_that_the_kernels_name_stands_in_a_table() -> None:
    """A threshold added later is looked at by these laws, or says why not."""
    known = {name.partition(",")[0] for name in CROSSINGS} | {*POOLING, *POINTWISE, *OTHERS}
    assert constants() == known


def test_beyond_a_threshold_another_algorithm_computes() -> None:
    """Else the laws would look at one side twice."""
    for name, crossing in CROSSINGS.items():
        below, above = sides(name)
        assert crossing.quantity(below) < crossing.quantity(above), name
        moves = below.algorithms != above.algorithms or below.without_loops != above.without_loops
        assert moves or not crossing.moves, name


def test_the_large_layers_are_those_that_tempt() -> None:
    """Every special algorithm is the cheapest of some map: the local ones by default, all others in the fast tier."""
    met = {name for layer in LARGE.values() for name in layer.algorithms}
    fast = {replace(layer, window=replace(layer.window, accuracy="fast")) for layer in LARGE.values()}
    met |= {name for layer in fast for name in layer.algorithms}
    absent = set() if is_installed() else {"loops"}
    assert met >= set(ALGORITHMS) - set(PRODUCTS) - absent
