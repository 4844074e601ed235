"""Laws of the numbers: scaling, nan and inf that stay where they fall, layouts, sums without a lost bit, repetition."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases import Convolution
from manualconv.testing.cases.tensors import LAYOUTS, laid_out
from manualconv.testing.judge import error
from manualconv.testing.laws.convolution.layer import Layer, bias, changed, gradients, law, run, with_a_sample
from manualconv.testing.laws.law import same


def floats(case: Convolution, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, w, b and the cotangent y with every bit of the mantissa in use."""
    generator = torch.Generator().manual_seed(case.seed)
    shapes = (case.shapes[0], case.shapes[1], case.shapes[1][:1], case.shapes[2])
    x, w, b, y = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    return x, w, b, y


@law("C32", needs=["bitwise"])
def scaling_by_powers_of_two_and_negation_keep_every_bit(conv: Layer, case: Convolution) -> None:
    x, w, b, y = floats(case)
    plain = run(conv, x, w, b, case.window)
    assert torch.equal(run(conv, 4 * x, w / 2, 2 * b, case.window), 2 * plain)
    assert torch.equal(run(conv, -x, w, -b, case.window), -plain)
    bars = gradients(conv, (x, w, b), y, case.window)
    scaled = gradients(conv, (4 * x, -w, b), y / 8, case.window)
    assert all(map(torch.equal, scaled, (-bars[0] / 8, bars[1] / 2, bars[2] / 8)))


@law("C33", needs=["nan local"])
def a_nan_or_infinity_reaches_exactly_the_windows_over_it(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    x, w, y = case.batched()
    for value in (torch.nan, torch.inf):
        spoiled = x.clone(memory_format=torch.contiguous_format)
        spoiled.view(-1)[case.seed % x.numel()] = value
        where = (~spoiled.isfinite()).double().numpy()
        touched = definitions.to_output(where, torch.ones(w.shape).double().numpy(), case.window) > 0
        # A zero in the kernel does not shield: 0·nan and 0·inf are nan.
        assert torch.equal(~run(conv, spoiled, w, None, case.window).isfinite(), torch.from_numpy(touched))
    spoiled = y.clone(memory_format=torch.contiguous_format)
    spoiled.view(-1)[case.seed % y.numel()] = torch.nan
    touched = definitions.to_input(torch.ones(w.shape).double().numpy(), spoiled.isnan().double().numpy(), case.window)
    x_bar, _ = gradients(conv, (x, w, None), spoiled, case.window)
    assert torch.equal(x_bar.isnan(), torch.from_numpy(touched > 0))


@law("C34", needs=["nan local"])
def a_nan_in_a_kernel_spoils_its_own_output_channel_only(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    x, w, _ = case.batched()
    clean = run(conv, x, w, bias(case), case.window)
    w = w.clone(memory_format=torch.contiguous_format)
    o = case.seed % len(w)
    w[o] = torch.nan
    got = run(conv, x, w, bias(case), case.window)
    others = [channel for channel in range(len(w)) if channel != o]
    same(got[:, others], clean[:, others])
    ones = definitions.to_output(np.ones(x.shape), np.ones(w.shape), case.window)
    assert torch.equal(got[:, o].isnan(), torch.from_numpy(ones[:, o] > 0)) or got[:, o].isnan().all()


@law("C35")
def how_tensors_lie_in_memory_changes_nothing_and_they_are_not_written(conv: Layer, case: Convolution) -> None:
    case = changed(case, layouts=("contiguous",) * 3)
    plain = case.batched()
    b = bias(case)
    expected = [run(conv, *plain[:2], b, case.window), *gradients(conv, (*plain[:2], b), plain[2], case.window)]
    for layout in LAYOUTS:
        if layout == "expanded":  # it has other numbers; drawn cases hold it
            continue
        x, w, y = (laid_out(t, layout) for t in plain)
        spread = laid_out(b, "sliced")
        versions = [t._version for t in (x, w, spread, y)]
        got = [run(conv, x, w, spread, case.window), *gradients(conv, (x, w, spread), y, case.window)]
        same(got, expected)
        assert [t._version for t in (x, w, spread, y)] == versions
        assert all(map(torch.equal, (x, w, spread, y), (*plain[:2], b, plain[2])))


@law("Z brim", needs=["direct"])
def integers_up_to_the_brim_of_the_mantissa_lose_nothing(conv: Layer, case: Convolution) -> None:
    """A sum carried in fewer bits than the tensors have is right on small numbers only."""
    generator = torch.Generator().manual_seed(case.seed)
    # Products have 16 and 44 bits, and no drawn sum has more than 2^8 terms: 24 and 53 hold them all.
    for dtype, bits in ((torch.float32, 8), (torch.float64, 22)):
        x, w, y = (torch.randint(-(2**bits), 2**bits, s, generator=generator).to(dtype) for s in case.shapes)
        numbers = [t.long().numpy() for t in (x, w, y)]
        exact = (
            definitions.to_output(numbers[0], numbers[1], case.window),
            definitions.to_input(numbers[1], numbers[2], case.window),
            definitions.to_weight(numbers[0], numbers[2], case.window),
        )
        got = (run(conv, x, w, None, case.window), *gradients(conv, (x, w, None), y, case.window))
        same(got, [torch.from_numpy(t).to(dtype) for t in exact])


@law("T bound", needs=["direct"])
def float32_is_within_the_rounding_of_its_sums(conv: Layer, case: Convolution) -> None:
    x, w, b, y = floats(case, torch.float32)

    def results(*tensors: Tensor) -> list[Tensor]:
        x, w, b, y = tensors
        return [run(conv, x, w, b, case.window), *gradients(conv, (x, w, b), y, case.window)]

    exact = results(*(t.double() for t in (x, w, b, y)))
    scale = results(*(t.double().abs() for t in (x, w, b, y)))
    taps, placements = definitions.taps(case.window), y[:, :1].numel()
    lengths = (case.channels * taps + 1, case.outputs * taps, placements, placements)
    for got, reference, size, terms in zip(results(x, w, b, y), exact, scale, lengths):
        assert got.dtype == torch.float32
        assert error(got, reference, size) <= terms + 2


@law("B repeat", needs=["bitwise"])
def the_same_call_gives_the_same_bits(conv: Layer, case: Convolution) -> None:
    x, w, b, y = floats(case)
    for _ in range(2):
        first, second = (
            [run(conv, x, w, b, case.window), *gradients(conv, (x, w, b), y, case.window)] for _ in range(2)
        )
        assert all(map(torch.equal, first, second))
