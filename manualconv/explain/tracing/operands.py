"""The tensors of a pass: drawn where they are not given, and laid out as cells with a number in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from manualconv.explain.tracing.layer import Index, Layer, W, indices

if TYPE_CHECKING:
    from torch import Tensor

Number = int | float
Border = tuple[tuple[int, int], ...]
#: Up to here a double holds every whole number.
EXACT = 2**53


@dataclass(frozen=True)
class Grid:
    """A tensor of a pass: its letter, its shape, and the number in each cell.

    Attributes:
        border: ``(before, after)`` per spatial axis: the padding around it.
        stuffed: cells that are no numbers of the tensor but zeros between them.
    """

    letter: str
    size: Index
    cells: Mapping[Index, Number]
    border: Border = ()
    stuffed: frozenset[Index] = frozenset()

    def name(self, cell: Index) -> str:
        """``y[0,1]``: without the axes in front of the spatial ones that have one entry."""
        kept = [str(i) for axis, (i, size) in enumerate(zip(cell, self.size)) if axis >= 2 or size > 1]
        return f"{self.letter}[{','.join(kept)}]" if kept else self.letter


def grid(letter: str, tensor: Tensor, border: Border = (), stuffed: frozenset[Index] = frozenset()) -> Grid:
    """A tensor's numbers by cell, whole ones as int as far as a double counts exactly."""
    size = tuple(tensor.shape)
    values = (int(v) if v == v // 1 and abs(v) <= EXACT else v for v in tensor.detach().double().flatten().tolist())
    return Grid(letter, size, dict(zip(indices(size), values)), border, stuffed)


def mask(layer: Layer, x: Grid) -> Grid:
    """M ``(N, C, *P, *K)`` of max pooling: 1 at the first tap that holds its window's maximum, else 0.

    Raises:
        ValueError: a window that lies on padding alone.
    """
    cells: dict[Index, Number] = {}
    best: dict[Index, tuple[Number, Index]] = {}
    for at_x, at_w, at_y in layer.places(x.size[0]):
        tap = at_y + at_w[2:]
        cells[tap] = 0
        if at_x in x.cells and (at_y not in best or x.cells[at_x] > best[at_y][0]):
            best[at_y] = x.cells[at_x], tap
    size = (*x.size[:2], *layer.window.output_size)
    for at in indices(size):
        if at not in best:
            raise ValueError(f"the window at y{list(at[2:])} lies on padding alone, so it has no maximum: pad less")
        cells[best[at][1]] = 1
    return Grid("mask", size + layer.window.kernel_size, cells)


def operands(layer: Layer, tensors: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Every tensor of a layer by its letter, in whole small numbers where it is not given; b only where it is.

    Raises:
        ValueError: a letter that the layer has not, a tensor of another shape, or one with NaN or infinity.
        TypeError: no tensor, complex numbers, or a seed that is no whole number.
    """
    import torch

    for letter, given in tensors.items():
        _check_numbers(letter, given)
    batched = (t for letter, t in tensors.items() if letter in ("x", "dy", "u") and t.dim() == layer.window.ndim + 2)
    samples = next((t.shape[0] for t in batched), 1)
    sizes = layer.sizes(samples)
    shapes = {"x": sizes[layer.source], "w": sizes[W], "dy": sizes[layer.target]}
    shapes |= {"u": shapes["x"], "v": shapes["w"], "b": shapes["dy"][1:2]}
    if layer.is_pool:
        shapes = {letter: shapes[letter] for letter in ("x", "dy", "u")}
    for letter, given in tensors.items():
        if letter not in shapes:
            raise ValueError(f"{layer.kind} has no tensor {letter!r}: it has {', '.join(shapes)}")
        shape = shapes[letter]
        lead = len(shape) - given.dim()
        if lead < 0 or tuple(given.shape) != shape[lead:] or any(size != 1 for size in shape[:lead]):
            raise ValueError(f"{letter} has the shape {tuple(given.shape)}, where the layer needs {shape}")
    if not isinstance(seed, int):
        raise TypeError(f"a seed is a whole number, not {seed!r}")
    if not 0 <= seed < 2**63:
        raise ValueError(f"a seed is a whole number from 0 up to 2^63, not {seed}")
    generator = torch.Generator().manual_seed(seed)
    held = {}
    for letter, shape in shapes.items():
        low, high = (0, 10) if layer.is_pool and letter == "x" else (-2, 4)
        drawn = torch.randint(low, high, shape, generator=generator)
        if letter != "b" or letter in tensors:
            held[letter] = tensors[letter].reshape(shape) if letter in tensors else drawn
    return held


def _check_numbers(letter: str, given: Tensor) -> None:
    """Refuse what has no finite real numbers: x·0 is not 0 then, and a maximum or a page cannot be shown."""
    import torch

    if not isinstance(given, torch.Tensor):
        raise TypeError(f"{letter} is a {type(given).__name__}: give a tensor, as torch.tensor(...) makes it")
    if given.is_complex():
        raise TypeError(f"{letter} has complex numbers, and real ones are shown: give its real or imaginary part")
    if given.is_meta:
        raise ValueError(f"{letter} has a shape and no numbers: it is on torch's meta device")
    if not given.isfinite().all():
        worst = given[~given.isfinite()][0].item()
        raise ValueError(f"{letter} holds {worst}, and sums are shown of finite numbers: replace it")
