"""One unit of a network on the image: the box that it sees, and how much each pixel of it counts.

    effective receptive field     mean over noise images and channels of |∂ Σ_c ± y[c, unit] / ∂ x|

The signs are drawn, so that channels do not cancel.  The box is where that can be other than 0; most of it lies in the
middle.

Source: Luo, Li, Urtasun and Zemel, *Understanding the effective receptive field in deep convolutional neural networks*,
arXiv 1701.04128.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Module

from manualconv.explain.field.axis import Seen
from manualconv.explain.field.follow import dtype_of, follow
from manualconv.explain.field.tensor import Field
from manualconv.explain.text import size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

#: Images of noise that the gradient is a mean of.
IMAGES = 4
BORDER = "tab:orange"
Files = Mapping[str, Callable[[], bytes]]


@dataclass(frozen=True)
class Unit:
    """A position of a layer.

    Attributes:
        layer: its name.
        field: of the layer.
        sizes: of the network's input.
        place: the position, one number for each axis of the input; 0 where the layer has none.
        box: what it sees of each axis, within the borders.
    """

    layer: str
    field: Field
    sizes: tuple[int, ...]
    place: tuple[int, ...]
    box: tuple[Seen, ...]

    @classmethod
    def of(
        cls, layer: str, field: Field, shape: Sequence[int], sizes: tuple[int, ...], place: Sequence[int] | None
    ) -> Unit:
        """A unit, the centre if no place is given.

        Raises:
            ValueError: the place is not on the layer's map.
        """
        found = [field.of(axis) for axis in range(len(sizes))]
        maps = [axis.size if axis else 1 for axis in found]
        place = tuple(length // 2 for length in maps) if place is None else tuple(place)
        if len(place) != len(maps) or not all(0 <= q < length for q, length in zip(place, maps)):
            raise ValueError(
                f"unit {','.join(map(str, place))} is not on the map of {layer}, which has {size(maps)} positions "
                f"(0 to {','.join(str(length - 1) for length in maps)})"
            )
        return cls(layer, field, sizes, place, field.box(place))

    def shown(
        self, model: Module, channels: int, image: str | Path | None, effective: bool
    ) -> tuple[list[str], dict[str, Callable[[], bytes]]]:
        """Lines of text, and the pictures of an image.

        Raises:
            ValueError: the image cannot be read, the model has no numbers, or the pictures would not be of images.
            OSError: the image cannot be opened.
        """
        lines = [self._said()]
        flat = len(self.sizes) == 2
        if not flat and (image is not None or effective):
            raise ValueError(f"pictures are of images: this network's input has {len(self.sizes)} axes, not 2")
        background = None if image is None else _read(image, self.sizes)
        files: dict[str, Callable[[], bytes]] = {}
        if flat:
            files["receptive_field.png"] = lambda: _png(self.drawing(background))
        if effective:
            heat = gradient(model, channels, self)
            lines.append(_concentration(heat))
            files["effective.png"] = lambda: _png(self.drawing(heat))
        return lines, files

    def _said(self) -> str:
        place = ",".join(map(str, self.place))
        if None in self.box:
            return f"unit {place} of {self.layer} sees nothing of the input"
        words = ("rows", "columns") if len(self.box) == 2 else tuple(f"axis {n}:" for n in range(len(self.box)))
        parts = [f"{word} {low} to {high}" for word, (low, high) in zip(words, filter(None, self.box))]
        sees = "sees at most" if self.field.guessed else "sees"
        return f"unit {place} of {self.layer} {sees} {', '.join(parts)} of {size(self.sizes)}"

    def endless(self) -> list[Seen]:
        """What it would see of an endless input: the box with the part in the padding."""
        found = (self.field.of(axis) for axis in range(len(self.sizes)))
        return [axis.at(q) if axis and not span else None for axis, q, span in zip(found, self.place, self.field.spans)]

    def drawing(self, background: Any) -> Drawing:
        """The box on an image, on a gradient, or on grey if there is None."""
        from matplotlib.figure import Figure as Drawing

        drawing = Drawing(figsize=(6, 6), layout="constrained")
        axes = drawing.subplots()
        height, width = self.sizes
        if isinstance(background, Tensor):
            shown = axes.imshow((background / background.max().clamp(min=1e-30)).sqrt().tolist(), cmap="magma")
            drawing.colorbar(shown, label="√(|gradient| / largest)", shrink=0.8)
        elif background is not None:
            axes.imshow(background)
        else:
            axes.imshow([[0.85] * width] * height, cmap="gray", vmin=0, vmax=1)
        self._outline(axes)
        beyond = "; dashed: with padding" if self.endless() != list(self.box) and None not in self.endless() else ""
        axes.set_title(f"unit {','.join(map(str, self.place))} of {self.layer}{beyond}", fontsize=10)
        axes.set_xlabel("column")
        axes.set_ylabel("row")
        return drawing

    def _outline(self, axes: Axes) -> None:
        """The box, and dashed where it reaches over the borders."""
        from matplotlib.patches import Rectangle

        ends = [(0, length - 1) for length in self.sizes]
        for box, style in ((self.endless(), "--"), (list(self.box), "-")):
            if box[0] is None or box[1] is None:
                continue
            (top, bottom), (left, right) = box[0], box[1]
            place = (left - 0.5, top - 0.5)
            axes.add_patch(
                Rectangle(
                    place, right - left + 1, bottom - top + 1, fill=False, edgecolor=BORDER, linestyle=style, lw=2
                )
            )
            ends = [(min(a, low), max(b, high)) for (a, b), (low, high) in zip(ends, ((top, bottom), (left, right)))]
        (top, bottom), (left, right) = ends
        margin = 0.03 * max(bottom - top, right - left) + 0.5
        axes.set_xlim(left - margin, right + margin)
        axes.set_ylim(bottom + margin, top - margin)
        axes.set_facecolor("white")


def _png(drawing: Drawing) -> bytes:
    from manualconv.explain.figure import png

    return png(drawing)


def _read(path: str | Path, sizes: tuple[int, ...]) -> Any:
    """An image in the input's size."""
    from manualconv.explain.photograph import opened

    return opened(path).resize(list(sizes[::-1]))


def gradient(model: Module, channels: int, unit: Unit, images: int = IMAGES) -> Tensor:
    """How much each pixel counts for a unit: ``(*I)``, the mean of the gradient's magnitude.

    Args:
        model: with numbers; it runs in evaluation, on a copy.
        channels: of the input.
        unit: whose gradient.
        images: of noise, N(0, 1), the same in every run.

    Raises:
        ValueError: the model has shapes alone, or the layer's result has no gradient.
    """
    if any(p.is_meta for p in model.parameters()):
        raise ValueError("the effective receptive field is a gradient by the model's weights, and this one has none")
    twin = copy.deepcopy(model).eval()
    numbers = dtype_of(twin)
    drawn = torch.Generator().manual_seed(0)
    total = torch.zeros(unit.sizes, dtype=torch.float64)
    for _ in range(images):
        x = torch.randn(1, channels, *unit.sizes, generator=drawn).to(numbers).requires_grad_()
        y = follow(twin, x, keep=[unit.layer]).kept.get(unit.layer)
        if y is None or not y.requires_grad:
            raise ValueError(f"the result of {unit.layer} has no gradient by the input")
        values = y[_index(unit)]
        signs = torch.randint(2, values.shape, generator=drawn).to(numbers) * 2 - 1
        (slope,) = torch.autograd.grad((values * signs).sum(), x)
        total += slope[0].abs().mean(0).double()
    return total / images


def _index(unit: Unit) -> tuple[Any, ...]:
    """The unit's numbers in the layer's result, in every channel."""
    return tuple(slice(None) if axis is None else unit.place[axis.axis] for axis in unit.field.axes)


def _concentration(heat: Tensor) -> str:
    """In which square around the middle of the gradient half of it lies, and in which nearly all."""
    rows, columns = (torch.arange(length, dtype=torch.float64) for length in heat.shape)
    total = heat.sum()
    if not total:
        return "effective receptive field: the gradient is 0 everywhere"
    middle = ((heat.sum(1) * rows).sum() / total, (heat.sum(0) * columns).sum() / total)
    apart = torch.maximum((rows - middle[0]).abs()[:, None], (columns - middle[1]).abs()[None, :]).flatten()
    order = apart.argsort()
    share = heat.flatten()[order].cumsum(0) / total
    sides = [round(2 * float(apart[order][(share >= part).nonzero()[0, 0]]) + 1) for part in (0.5, 0.95)]
    half, most = (f"{side}×{side}" for side in sides)
    return f"effective receptive field: half of the gradient lies in {half} pixels, 95% in {most}"
