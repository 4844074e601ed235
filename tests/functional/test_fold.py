"""unfold and fold: exactly torch in two dimensions, at every order; the laws."""

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.geometry import Window
from manualconv.testing.cases import BATCHES, LAYOUTS_OF_TWO, SEEDS, windows
from manualconv.testing.cases.tensors import FILLS, filled, laid_out
from manualconv.testing.referee import first_gradients
from tests.layers import spread_out


@dataclass(frozen=True)
class Case:
    """A drawn window with an image and the columns of one like it."""

    window: Window
    batch: int | None
    channels: int
    fill: str
    layouts: tuple[str, str]
    seed: int

    @property
    def numbers(self) -> tuple[object, ...]:
        """kernel_size, dilation, padding and stride, in torch's order."""
        return self.window.kernel_size, self.window.dilation, self.window.padding, self.window.stride

    def _tensor(self, shape: tuple[int, ...], which: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + which)
        shape = (1 if self.batch is None else self.batch, *shape)
        return laid_out(filled(self.fill, shape, generator).double(), self.layouts[which])

    def image(self) -> Tensor:
        """x ``(N, C, *I)``."""
        return self._tensor((self.channels, *self.window.input_size), 0)

    def columns(self) -> Tensor:
        """v ``(N, C·ΠK, ΠP)``."""
        return self._tensor((self.channels * self.window.taps, self.window.placements), 1)

    def unbatch(self, t: Tensor) -> Tensor:
        """t without its batch axis if there is none."""
        return t[0] if self.batch is None else t

    def unfold(self, x: Tensor) -> Tensor:
        """Ours, of an image with or without a batch axis."""
        return functional.unfold(x, *self.numbers)

    def fold(self, v: Tensor) -> Tensor:
        """Ours, back to the image's size."""
        return functional.fold(v, self.window.input_size, *self.numbers)


@st.composite
def cases(draw: st.DrawFn, ndims: tuple[int, ...] = (2, 1, 3), symmetric: bool | None = None) -> Case:
    """Any window in any of the dimensions."""
    ndim = draw(st.sampled_from(ndims))
    return Case(
        draw(windows(ndim, symmetric=symmetric)),
        draw(st.sampled_from(BATCHES)),
        draw(st.sampled_from((2, 1, 3) if ndim < 3 else (2, 1))),
        draw(st.sampled_from(FILLS)),
        draw(LAYOUTS_OF_TWO),
        draw(SEEDS),
    )


@given(case=cases(ndims=(2,), symmetric=True))
def test_values_first_and_second_gradients_equal_torch_in_two_dimensions(case: Case) -> None:
    kernel, dilation, padding, stride = case.numbers
    numbers = (kernel, dilation, tuple(a for a, _ in padding), stride)
    results = []
    for library in (functional, F):
        x, v = case.image().clone().requires_grad_(), case.columns().clone().requires_grad_()
        columns = library.unfold(case.unbatch(x), *numbers)
        image = library.fold(case.unbatch(v), case.window.input_size, *numbers)
        first = first_gradients(columns, [x], case.unbatch(v)) + first_gradients(image, [v], case.unbatch(x))
        second = grad((first[0] ** 2).sum() + (first[1] ** 3).sum(), [x, v])
        assert columns.is_contiguous() and image.is_contiguous()
        results.append((columns, image, *first, *second))
    assert all(map(torch.equal, *results))


@given(case=cases())
def test_fold_is_the_adjoint_of_unfold(case: Case) -> None:
    x, v = case.image(), case.columns()
    assert (case.unfold(x) * v).sum() == (x * case.fold(v)).sum()


@given(case=cases())
def test_fold_after_unfold_multiplies_by_the_coverage(case: Case) -> None:
    x = case.image()
    coverage = case.fold(case.unfold(torch.ones_like(x)))
    assert torch.equal(case.fold(case.unfold(x)), coverage * x)
    assert coverage.sum() == x.shape[0] * x.shape[1] * sum(
        definitions.inside(definitions.position(p, k, case.window), case.window.input_size)
        for k in definitions.indices(case.window.kernel_size)
        for p in definitions.indices(case.window.output_size)
    )


@given(case=cases())
def test_padding_beforehand_is_the_same(case: Case) -> None:
    x, frame = case.image(), [side for pair in reversed(case.window.padding) for side in pair]
    kernel, dilation, _, stride = case.numbers
    framed = functional.unfold(functional.pad(x, frame), kernel, dilation, ((0, 0),) * len(kernel), stride)
    assert torch.equal(case.unfold(x), framed)


@given(case=cases(ndims=(1, 2)))
def test_a_convolution_is_a_product_with_the_windows(case: Case) -> None:
    x, window = case.image(), case.window
    w = filled("small", (3, case.channels, *window.kernel_size), torch.Generator().manual_seed(case.seed)).double()
    convolve = functional.conv1d if window.ndim == 1 else functional.conv2d
    z = convolve(x, w, None, window.stride, window.padding, window.dilation)
    assert torch.equal(w.flatten(1) @ case.unfold(x), z.flatten(2))


def test_an_int_means_two_axes_as_in_torch_and_three_where_torch_has_none() -> None:
    image, volume = spread_out((2, 3, 4, 5)), spread_out((2, 1, 3, 4, 5))
    assert torch.equal(functional.unfold(image, 2, padding=1), F.unfold(image, 2, padding=1))
    assert torch.equal(functional.unfold(image[0], 2), F.unfold(image[0], 2))
    assert torch.equal(functional.unfold(volume, 2), functional.unfold(volume, (2, 2, 2)))
    columns = F.unfold(spread_out((2, 3, 4, 4)), 2)
    assert torch.equal(functional.fold(columns, 4, 2), F.fold(columns, 4, 2))
    assert functional.fold(functional.unfold(volume, 2), (3, 4, 5), 2).shape == volume.shape
    assert functional.fold(torch.ones(2, 6, 4), 5, (2,)).shape == (2, 3, 5)


def test_the_tuple_s_length_is_the_number_of_axes() -> None:
    x = spread_out((2, 3, 4, 5))
    assert functional.unfold(x[0], (2,)).shape == (3, 8, 4)
    assert functional.unfold(x[0, 0], (2,), stride=2).shape == (8, 2)
    assert functional.unfold(x, (2, 2, 2)).shape == (2 * 8, 2 * 3 * 4)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_any_mapped_axis_alone_and_nested(at: int) -> None:
    numbers = ((2,), (2,), ((1, 2),), (2,))
    signals = torch.stack([spread_out((2, 3, 7), n) for n in range(3)], at)
    columns = torch.vmap(lambda x: functional.unfold(x, *numbers), at, 1)(signals)
    assert torch.equal(columns, torch.stack([functional.unfold(x, *numbers) for x in signals.unbind(at)], 1))
    twice = torch.vmap(torch.vmap(lambda v: functional.fold(v, (7,), *numbers), 0), 1)(columns)
    assert torch.equal(twice, torch.stack([functional.fold(v, (7,), *numbers) for v in columns.unbind(1)]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.bool])
def test_every_dtype_is_torch_s(dtype: torch.dtype) -> None:
    x, v = spread_out((2, 3, 4, 5)).mul(9).round().to(dtype), spread_out((2, 12, 12)).mul(9).round().to(dtype)
    for ours, theirs in (
        (functional.unfold(x, 2), F.unfold(x, 2)),
        (functional.fold(v, (4, 5), 2), F.fold(v, (4, 5), 2)),
    ):
        assert ours.dtype == theirs.dtype == dtype and torch.equal(ours, theirs)


def test_fold_compiles_in_one_graph_forward_and_backward() -> None:
    """So does unfold, among the layers that stand beside torch's.  In whole numbers: a graph adds in another order."""
    torch._dynamo.reset()

    def layer(v: Tensor) -> Tensor:
        return functional.fold(v, (3, 5), (2, 3), 1, ((0, 1), (1, 0)))

    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    for batch in (2, 3):
        v = (8 * spread_out((batch, 12, 12))).round().requires_grad_()
        y = compiled(v)
        assert torch.equal(y, layer(v))
        assert torch.equal(*(grad(t, v, spread_out(t.shape, 1))[0] for t in (y, layer(v))))


IMAGE, COLUMNS = torch.zeros(2, 3, 4, 5), torch.zeros(2, 12, 12)


@pytest.mark.parametrize(("padding", "error"), [(2**61, RuntimeError), (2**62, RuntimeError), (2**63, TypeError)])
def test_a_padding_beyond_all_memory_is_refused(padding: int, error: type[Exception]) -> None:
    """Where torch ends the process by a division by zero; a number of more than 64 bits stops at its parser."""
    with pytest.raises(error):
        functional.unfold(IMAGE, 1, padding=padding)
    with pytest.raises(error):
        functional.fold(COLUMNS, (4, 5), 1, padding=padding)
