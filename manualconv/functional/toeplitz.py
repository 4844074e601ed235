"""A convolution as a matrix: the matrix itself, what it is made of, and how much it can stretch.

    A[(o, p), (c, i)] = w[(g o), c, k]    where i = s·p + d·k − a       conv(x) = A·x       input gradient = Aᵀ·y

Sparse connections and shared weights are counts of its entries, and the trilinear form counts them: with ones in its
slots, T(1, 1, 1) is the number of entries, ∂T/∂x at ones how often each input is used and ∂T/∂w how often each weight.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Fig 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor

from manualconv.autograd.selection import Scatter, Select
from manualconv.functional.convolution import Padding
from manualconv.functional.refusals.convolution import toeplitz_window
from manualconv.geometry import Axes, Numbers
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.matrix.lanczos import largest_singular_value
from manualconv.kernels.matrix.toeplitz import entries

#: Matrices with no more places than this are decomposed whole.
SMALL = 2**18


def toeplitz(
    weight: Tensor,
    input_size: Axes,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    layout: torch.layout = torch.sparse_coo,
) -> Tensor:
    """The matrix A of a convolution without bias: ``A @ x.flatten()`` is the layer on one sample.

    Args:
        weight: ``(O, C/groups, *K)`` with any number of kernel axes, none for a fully connected layer; any dtype.
        input_size: ``I``, spatial sizes of the input, one per kernel axis.
        stride, padding, dilation, groups: as the convolution's.
        layout: ``torch.sparse_coo`` (coalesced), ``torch.sparse_csr``, or ``torch.strided`` for the matrix with its
            zeros.  The strided one is differentiable in the weight at every order; the sparse ones as far as torch's
            sparse tensors are.

    Returns:
        ``(O·ΠP, C·ΠI)``, rows (o, p) and columns (c, i) in row-major order, of the weight's dtype and device.  An entry
        whose weight happens to be 0 is stored all the same.

    Raises:
        TypeError, RuntimeError: as the convolution on an input of that size; ValueError for another layout.
    """
    window = toeplitz_window(weight, input_size, stride, padding, dilation, groups)
    if layout not in (torch.sparse_coo, torch.sparse_csr, torch.strided):
        raise ValueError(f"layout must be torch.sparse_coo, torch.sparse_csr or torch.strided, got {layout}")
    outputs, channels = weight.shape[:2]
    row, column, place = entries(outputs, channels, window, weight.device)
    values: Tensor = Select.call(weight.reshape(-1), place, 1)
    size = (outputs * prod(window.output_size), channels * groups * prod(window.input_size))
    if layout == torch.strided:
        flat: Tensor = Scatter.call(values, row * size[1] + column, (prod(size),))
        return flat.reshape(size)
    if layout == torch.sparse_csr:
        counts = torch.bincount(row, minlength=size[0])
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return torch.sparse_csr_tensor(starts, column, values, size, check_invariants=False)
    at = torch.stack([row, column])
    return torch.sparse_coo_tensor(at, values, size, is_coalesced=True, check_invariants=False)


@dataclass(frozen=True)
class Connections:
    """What the matrix of a convolution is made of: its shape, its entries, and how they are shared.

    Attributes:
        rows, columns: ``O·ΠP`` outputs and ``C·ΠI`` inputs.
        nonzeros: entries, connections between an input and an output; a weight of value 0 counts.
        weights: distinct weights among them, those whose tap lies on the input at some placement.
        uses_of_inputs: how many outputs each input feeds, ``(C, *I)``.
        uses_of_weights: how many connections share each weight, ``(O, C/groups, *K)``.
    """

    rows: int
    columns: int
    nonzeros: int
    weights: int
    uses_of_inputs: Tensor
    uses_of_weights: Tensor

    @property
    def density(self) -> float:
        """Share of the matrix's places that are connections; 0 for a matrix without places."""
        return self.nonzeros / max(self.rows * self.columns, 1)


def connections(
    weight: Tensor,
    input_size: Axes,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Connections:
    """Count the matrix of `toeplitz` without making it; the arguments are `toeplitz`'s, the weight's values unused."""
    window = toeplitz_window(weight, input_size, stride, padding, dilation, groups)
    outputs, channels = weight.shape[:2]
    w = torch.ones(weight.shape, dtype=torch.int64, device="cpu")
    x = w.new_ones((1, channels * groups, *window.input_size))
    y = w.new_ones((1, outputs, *window.output_size))
    shared = correlation.to_weight(x, y, window)
    return Connections(
        rows=y.numel(),
        columns=x.numel(),
        nonzeros=int(shared.sum()),
        weights=int((shared > 0).sum()),
        uses_of_inputs=correlation.to_input(w, y, window)[0],
        uses_of_weights=shared,
    )


def spectral_norm(
    weight: Tensor,
    input_size: Axes,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    tolerance: float = 1e-6,
    steps: int = 500,
) -> float:
    """‖A‖₂, the most that the convolution can stretch an input: its Lipschitz constant.

    Computed in float64, or complex128.  A matrix of at most 2¹⁸ places is decomposed whole, exact to rounding.  A
    larger one is never formed: Lanczos' iteration on the convolution and its adjoint stops when the relative error is
    bounded by `tolerance`, which leaves it far smaller in most cases.  The start is the same in every call.

    Args:
        weight, input_size, stride, padding, dilation, groups: as `toeplitz`'s.
        tolerance: relative error allowed in the result of the iteration.
        steps: at most so many iterations, each holding one vector of the input's size.

    Raises:
        TypeError, RuntimeError: as `toeplitz`; RuntimeError if `steps` steps are too few.
    """
    window = toeplitz_window(weight, input_size, stride, padding, dilation, groups)
    w = weight.detach().to(torch.complex128 if weight.is_complex() else torch.float64)
    size = (1, w.shape[1] * groups, *window.input_size)
    places = prod(size) * w.shape[0] * prod(window.output_size)
    if places == 0:
        return 0.0
    if places <= SMALL:
        matrix = toeplitz(w, input_size, stride, padding, dilation, groups, layout=torch.strided)
        return float(torch.linalg.matrix_norm(matrix, ord=2))
    adjoint = w.conj().resolve_conj()
    start = torch.randn(size, generator=torch.Generator("cpu").manual_seed(0), dtype=w.dtype, device="cpu").to(w.device)
    return largest_singular_value(
        partial(correlation.to_output, w=w, b=None, window=window),
        lambda y: correlation.to_input(adjoint, y, window),
        start,
        tolerance,
        steps,
    )
