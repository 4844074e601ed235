"""A coefficient per channel: linear in every slot, the two maps each other's derivatives."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from manualconv.autograd import DotChannels, ScaleChannels
from manualconv.testing.cases.tensors import LAYOUTS, filled, laid_out
from tests.layers import spread_out

SIZES = st.tuples(st.integers(0, 3), st.integers(1, 3), *[st.integers(1, 3)] * 2)


def drawn(shape: tuple[int, ...], seed: int, layout: str = "contiguous") -> Tensor:
    """Small whole numbers."""
    return laid_out(filled("small", shape, torch.Generator().manual_seed(seed)).double(), layout)


@given(size=SIZES, ndim=st.integers(0, 2), layouts=st.tuples(*[st.sampled_from(LAYOUTS)] * 2), seed=st.integers(0, 99))
def test_the_form_is_one_number_whichever_slot_is_empty(
    size: tuple[int, ...], ndim: int, layouts: tuple[str, str], seed: int
) -> None:
    """⟨scale(x, w), y⟩ = ⟨scale(y, w), x⟩ = ⟨dot(x, y), w⟩ = Σ x·w·y, written out."""
    x, y = (drawn(size[: 2 + ndim], seed + n, layout) for n, layout in enumerate(layouts))
    w = drawn(size[1:2], seed + 2)
    form = sum(
        float(x[n, c].flatten() @ y[n, c].flatten()) * float(w[c]) for n in range(size[0]) for c in range(size[1])
    )
    assert (ScaleChannels.call(x, w, None) * y).sum() == form
    assert (ScaleChannels.call(y, w, None) * x).sum() == form
    assert (DotChannels.call(x, y) * w).sum() == form


ARGUMENTS = {
    "scale": (ScaleChannels.call, ((2, 3, 2, 2), (3,), (3,))),
    "scale without bias": (lambda x, w: ScaleChannels.call(x, w, None), ((2, 3, 2), (3,))),
    "dot": (DotChannels.call, ((2, 3, 2), (2, 3, 2))),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize(("apply", "shapes"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_both_orders_in_every_mode(apply, shapes, dtype: torch.dtype) -> None:
    def leaves() -> tuple[Tensor, ...]:
        real = [spread_out(shape, n) for n, shape in enumerate(shapes)]
        parts = [torch.complex(t, t.flip(0)) if dtype.is_complex else t for t in real]
        return tuple(t.requires_grad_() for t in parts)

    assert gradcheck(
        apply,
        leaves(),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
        check_undefined_grad=True,
        check_grad_dtypes=True,
        nondet_tol=0.0,
    )
    assert gradgradcheck(apply, leaves(), gen_non_contig_grad_outputs=True, check_fwd_over_rev=True, nondet_tol=0.0)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("in_dims", [at for at in product((None, 0, 1), repeat=2) if at != (None, None)])
def test_whichever_operand_is_mapped_it_is_a_loop(in_dims: tuple[int | None, int | None], biased: bool) -> None:
    (x_at, w_at), b = in_dims, drawn((3, 3), 2) if biased else None
    x = drawn((2, 3, 4) if x_at is None else (3, 3, 3, 4), 0)
    w = drawn((3,) if w_at is None else (3, 3), 1)
    for b_at in (0, None) if biased else (None,):
        constant = b if b is None or b_at == 0 else b[0]
        parts = [
            [t if at is None or t is None else t.select(at, n) for t, at in ((x, x_at), (w, w_at), (constant, b_at))]
            for n in range(3)
        ]
        expected = torch.stack([ScaleChannels.call(*part) for part in parts])
        assert torch.equal(torch.vmap(ScaleChannels.call, (x_at, w_at, b_at))(x, w, constant), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(3, 2, 40, 50, generator=generator).to(dtype) for _ in range(2))
    w, b = torch.rand(2, 2, generator=generator).to(dtype)
    assert torch.equal(
        ScaleChannels.call(x, w, b), (x.float() * w.float()[:, None, None] + b.float()[:, None, None]).to(dtype)
    )
    assert torch.equal(DotChannels.call(x, y), (x.float() * y.float()).sum((0, 2, 3)).to(dtype))
