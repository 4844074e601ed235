"""The matrix products: the same multiplications in the same number, different copies of the operands.

`chosen` picks by size what was measured to be fastest: short rows and groups with the batch innermost, image by image,
tap by tap.  None of them changes the accuracy.
"""

from __future__ import annotations

from manualconv.geometry import Window
from manualconv.kernels.correlation import lowering, lowering_batch_last, lowering_rows, matrix, shifting
from manualconv.kernels.correlation.algorithm import Algorithm
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes

#: No unrolled block larger than this is ever made: one tap at a time instead.
LARGEST_BLOCK = 32 * 2**20
#: Rows shorter than this are copied one short run at a time unless the batch stands behind them.
SHORT_ROW = 16
#: Images from which on the batch is long enough to stand behind them.
MANY_IMAGES = 8


def only(window: Window) -> Algorithm:
    """The one for layers without axes, and for operands whose sizes may not be looked at.

    Traced sizes may be symbolic: a branch on one would pin the graph to it.  And where only one operand stands for
    many, memory like the other's cannot hold their product.
    """
    if window.groups > 1:
        return lowering_batch_last
    return lowering if window.ndim else matrix


def _adds_in_rows(map: str, sizes: Sizes) -> bool:
    """Whether rows of the kernel are added up by the product itself, where the batch makes its matrices wide enough.

    Adding up every tap on its own is what `lowering` spends most of `to_input` on.
    """
    window = sizes.window
    wide = sizes.batch >= 2 * MANY_IMAGES and sizes.channels >= SHORT_ROW and window.output_size[-1] < 4 * SHORT_ROW
    return map == "input" and wide and all(s == 1 for s in window.stride)


def chosen(map: str, sizes: Sizes) -> Algorithm:
    """The one for a map of ordinary tensors."""
    window, batch = sizes.window, sizes.batch
    image = lowering.image_bytes(sizes.channels, sizes.item, window)
    short = window.output_size[-1] < SHORT_ROW and batch >= MANY_IMAGES
    rows = lowering_rows.unrolled_bytes(batch, sizes.channels, sizes.item, window)
    if (short or _adds_in_rows(map, sizes)) and lowering_rows.takes(window) and rows <= LARGEST_BLOCK:
        return lowering_rows
    if (window.groups > 1 or short) and batch * image <= LARGEST_BLOCK:
        return lowering_batch_last
    return lowering if window.groups == 1 and image <= LARGEST_BLOCK else shifting


def cost(sizes: Sizes) -> float:
    """The products, and every window copied once."""
    window = sizes.window
    unrolled = sizes.batch * sizes.channels * window.taps * window.placements * sizes.item
    width = min(sizes.outputs, sizes.channels * window.taps) // window.groups
    return sizes.product(sizes.multiplications, width) + unrolled * COPY + 4 * CALL
