"""The matrix products: the same multiplications in the same number, different copies of the operands.

`preferred` picks by size what was measured to be fastest: short rows and groups with the batch innermost, image by
image, tap by tap.  None of them changes the accuracy, and their cost is estimated as one: that of the preferred.
"""

from __future__ import annotations

from manualconv.geometry import Window
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes

#: Their names.
PRODUCTS = ("lowering", "lowering_batch_last", "lowering_rows", "shifting", "matrix")
#: No unrolled block larger than this is ever made: one tap at a time instead.
LARGEST_BLOCK = 32 * 2**20
#: Bytes of weights that are not read from the nearest caches again and again.
LARGE_WEIGHTS = 2**20
#: Rows shorter than this are copied one short run at a time unless the batch stands behind them.
SHORT_ROW = 16
#: Images from which on the batch is long enough to stand behind them.
MANY_IMAGES = 8


def only(window: Window) -> str:
    """The one for layers without axes, and for operands whose sizes may not be looked at.

    Traced sizes may be symbolic: a branch on one would pin the graph to it.  And where only one operand stands for
    many, memory like the other's cannot hold their product.
    """
    if window.groups > 1:
        return "lowering_batch_last"
    return "lowering" if window.ndim else "matrix"


def reads_rows(window: Window) -> bool:
    """Whether rows of the kernel can be read where they lie; on one axis alone that would multiply thin matrices."""
    return window.ndim > 1 and window.groups == 1 and window.dilation[0] == 1


def _adds_in_rows(map: str, sizes: Sizes) -> bool:
    """Whether rows of the kernel are added up by the product itself, where the batch makes its matrices wide enough.

    Adding up every tap on its own is what `lowering` spends most of `to_input` on.
    """
    window = sizes.window
    wide = sizes.batch >= 2 * MANY_IMAGES and sizes.channels >= SHORT_ROW and window.output_size[-1] < 4 * SHORT_ROW
    return map == "input" and wide and all(s == 1 for s in window.stride)


def _is_mostly_weights(map: str, sizes: Sizes) -> bool:
    """Whether the weights are more than an image's windows, and than a cache holds: all images are one product then.

    An image's own would read them all again, and write them all in `to_weight`; so would each row of the kernel.
    """
    many = sizes.batch >= (MANY_IMAGES // 2 if map == "weight" else MANY_IMAGES)
    weights = sizes.outputs * sizes.channels // sizes.window.groups * sizes.window.taps * sizes.item
    return many and weights > LARGE_WEIGHTS and sizes.outputs > sizes.window.placements > 1


def preferred(map: str, sizes: Sizes) -> str:
    """The fastest of them for a map of ordinary tensors."""
    window, batch, image = sizes.window, sizes.batch, sizes.image_bytes
    narrow = window.output_size[-1] < SHORT_ROW
    if narrow and _is_mostly_weights(map, sizes) and batch * image <= LARGEST_BLOCK:
        return "lowering_batch_last"
    if map == "weight" and batch == 1 and window.groups > 1 and (image > LARGEST_BLOCK or not narrow):
        return "lowering"
    short = narrow and batch >= MANY_IMAGES
    if (short or _adds_in_rows(map, sizes)) and reads_rows(window) and sizes.row_bytes <= LARGEST_BLOCK:
        return "lowering_rows"
    if (window.groups > 1 or short) and batch * image <= LARGEST_BLOCK:
        return "lowering_batch_last"
    return "lowering" if window.groups == 1 and image <= LARGEST_BLOCK else "shifting"


def estimate(sizes: Sizes) -> float:
    """The products, and every window copied once."""
    window = sizes.window
    width = min(sizes.outputs, sizes.channels * window.taps) // window.groups
    return sizes.product(sizes.multiplications, width) + sizes.batch * sizes.image_bytes * COPY + 4 * CALL


def cost(name: str, map: str, sizes: Sizes) -> float:
    """The estimate, for the preferred one alone."""
    return estimate(sizes) if preferred(map, sizes) == name else float("inf")
