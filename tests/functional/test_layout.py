"""Where results lie in memory: channels_last exactly where torch's do, and weight gradients as the weights lie."""

from collections.abc import Iterator
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional, nn
from manualconv.testing.cases.tensors import laid_out
from tests.layers import spread_out

NAMES = ("conv2d", "conv_transpose2d", "conv3d", "conv_transpose3d")
FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
DTYPES = (torch.float32, torch.float64)
LAYOUTS = ("contiguous", "channels_last", "transposed", "sliced")


def lies(t: Tensor, dim: int = 0) -> tuple[object, ...]:
    """How t lies in memory: its strides, or where the sizes leave those open, the formats they could be."""
    t = t.unsqueeze(0) if t.dim() < dim else t
    if t.numel() and min(t.shape[1:]) > 1:
        return t.stride()
    return t.is_contiguous(), t.is_contiguous(memory_format=FORMATS[t.dim()])


def operands(name: str, sizes: tuple[int, ...], layouts: tuple[str, str], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """x ``(N, C, *I)`` and w for one layer; `sizes` is (N, C, O, I, K, g)."""
    n, c, o, i, k, g = sizes
    ndim = int(name[-2])
    shape = (c, o // g) if "transpose" in name else (o, c // g)
    x = spread_out((n, c, *(i, i + (i > 1), i)[:ndim])).to(dtype)
    w = spread_out((*shape, *(k,) * ndim), 1).to(dtype)
    return laid_out(x, layouts[0]), laid_out(w, layouts[1])


def results(library: object, name: str, x: Tensor, w: Tensor, g: int) -> Iterator[tuple[object, ...]]:
    """How output, input gradient and weight gradient lie; cotangents lie this way and that."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = getattr(library, name)(x, w, groups=g)
    yield lies(y, w.dim())
    for layout in ("contiguous", "channels_last"):
        for t in grad(y, (x, w), laid_out(torch.ones_like(y), layout), retain_graph=True):
            yield lies(t, w.dim())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_results_lie_as_torch_s_do_for_any_layout_of_input_and_weight(name: str, dtype: torch.dtype) -> None:
    for layouts in product(LAYOUTS, repeat=2):
        x, w = operands(name, (2, 4, 6, 5, 2, 2), layouts, dtype)
        assert list(results(functional, name, x, w, 2)) == list(results(F, name, x, w, 2)), layouts


@pytest.mark.parametrize("cut", [(0, 0), (1, 0), (0, 1), (1, 2)])
def test_a_part_of_channels_last_images_is_channels_last_as_for_torch(cut: tuple[int, int]) -> None:
    x = spread_out((2, 4, 6, 7)).contiguous(memory_format=torch.channels_last)[..., cut[0] :, cut[1] :]
    w = spread_out((6, 4, 2, 3), 1)
    assert list(results(functional, "conv2d", x, w, 1)) == list(results(F, "conv2d", x, w, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_results_lie_as_torch_s_do_where_sizes_of_one_leave_it_open(name: str, dtype: torch.dtype) -> None:
    for n, c, o, i, k, g in product((1, 2), (1, 2), (1, 4), (1, 3), (1, 2), (1, 2)):
        small_volume = name[-2] == "3" and (n, k) != (2, 2)  # torch has other kernels for those
        if k > i or c % g or o % g or small_volume:
            continue
        for layouts in product(("contiguous", "channels_last"), repeat=2):
            x, w = operands(name, (n, c, o, i, k, g), layouts, dtype)
            for batch in (x, *([x[0]] if x.dim() == 4 else [])):
                assert list(results(functional, name, batch, w, g)) == list(results(F, name, batch, w, g))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_lies_contiguous_as_in_torch(name: str) -> None:
    for layouts in product(("contiguous", "channels_last"), repeat=2):
        x, w = operands(name, (0, 4, 6, 5, 2, 2), layouts, torch.float32)
        ours, theirs = (getattr(library, name)(x, w, groups=2) for library in (functional, F))
        assert lies(ours) == lies(theirs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int64, torch.complex64])
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_every_dtype_of_images_lies_as_in_torch(name: str, dtype: torch.dtype) -> None:
    for layouts in product(("contiguous", "channels_last"), repeat=2):
        x, w = operands(name, (2, 4, 6, 5, 2, 2), layouts, dtype)
        ours, theirs = (getattr(library, name)(x, w, groups=2) for library in (functional, F))
        assert lies(ours) == lies(theirs)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_weight_s_gradient_lies_as_the_weight(name: str, layout: str) -> None:
    for of_input in ("contiguous", "channels_last"):
        x, w = operands(name, (2, 4, 6, 5, 2, 2), (of_input, layout), torch.float32)
        gradients = []
        for library in (functional, F):
            leaf = w.detach().requires_grad_()
            getattr(library, name)(x, leaf, groups=2).sum().backward()
            gradients.append(leaf.grad)
        assert gradients[0].stride() == gradients[1].stride()
        if layout != "sliced":  # with gaps between the numbers, which a gradient does not copy
            assert gradients[0].stride() == w.stride()


def test_a_model_in_channels_last_stays_so_compiled_or_not() -> None:
    module = nn.Conv2d(3, 4, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 5, 6).contiguous(memory_format=torch.channels_last)
    torch._dynamo.reset()
    for layer in (module, torch.compile(module, backend="aot_eager", fullgraph=True)):
        y = layer(x)
        assert y.is_contiguous(memory_format=torch.channels_last)
        y.sum().backward()
    per_sample = torch.func.vmap(lambda image: functional.conv2d(image, module.weight))
    torch.testing.assert_close(per_sample(x), F.conv2d(x, module.weight))
    compiled = torch.compile(per_sample, backend="aot_eager")
    torch.testing.assert_close(compiled(x), F.conv2d(x, module.weight))


#: Shapes of x and w, g, dtype and the order of their axes in memory: a length of 1 leaves open how w or x lies.
#: torch 2.14.1 refuses the backward pass of the first and computes the others wrong: w̄ of the second, y of the third.
OPEN = {
    "refused": ((2, 17, 33, 33), (1, 17, 1, 2), 1, torch.float64, ((0, 2, 3, 1), (3, 2, 1, 0))),
    "wrong weight gradient": ((1, 4, 1, 2), (2, 2, 1, 2), 2, torch.float64, ((3, 2, 1, 0), (0, 2, 3, 1))),
    "wrong output": ((2, 4, 1, 3), (2, 2, 1, 2), 2, torch.float32, ((0, 2, 3, 1), (2, 0, 3, 1))),
}


def ordered(t: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The same numbers, the first of `axes` the slowest in memory."""
    return t.permute(axes).contiguous().permute([axes.index(axis) for axis in range(t.dim())])


@pytest.mark.parametrize("case", OPEN)
def test_numbers_do_not_depend_on_a_layout_that_an_axis_of_length_1_leaves_open(case: str) -> None:
    *shapes, g, dtype, orders = OPEN[case]
    straight = [spread_out(shape, seed).to(dtype) for seed, shape in enumerate(shapes)]
    found = []
    for x, w in (straight, map(ordered, straight, orders)):
        x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
        y = functional.conv2d(x, w, groups=g)
        found.append([y, *grad(y, (x, w), spread_out(y.shape, 2).to(dtype))])
    for got, expected in zip(*found):
        torch.testing.assert_close(got, expected)
