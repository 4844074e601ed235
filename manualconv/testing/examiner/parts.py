"""The part of an operation that a kernel takes which refuses plain calls: some sizes alone, some memory, some options.

A kernel says by NotImplementedError what it does not take.  What a call needs beyond the plainest is an ability
(`manualconv.testing.examiner.features`); what has no such name, as "channels in eights" or "3 taps an axis", is found
by trying.  Cases brought to many restrictions at once are offered first; then each of them is left out, or replaced by
a weaker one, as long as the kernel takes half of what it is offered.  Every case of a law is brought to those left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass, replace
from functools import partial
from itertools import product
from typing import Any

from manualconv.geometry import Window
from manualconv.testing.cases import Convolution, TransposedConvolution
from manualconv.testing.cases.convolution import transposed
from manualconv.testing.cases.images import Images

Change = Callable[[Any], Any]


def _up(number: int, step: int) -> int:
    """The next multiple, at least one step."""
    return max(-(-number // step), 1) * step


def _power(number: int) -> int:
    return int(1 << max(number - 1, 0).bit_length())


def _contiguous(case: Any) -> Any:
    if hasattr(case, "layouts"):
        return replace(case, layouts=("contiguous",) * len(case.layouts))
    return replace(case, layout="contiguous") if hasattr(case, "layout") else case


def _with_parameters(case: Any) -> Any:
    if hasattr(case, "biased"):
        return replace(case, biased=True)
    return replace(case, affine=(True, True)) if hasattr(case, "affine") else case


def _samples(rule: Callable[[int], int], case: Any) -> Any:
    return replace(case, batch=rule(case.batch)) if getattr(case, "batch", None) else case


def _alike(case: Any) -> Any:
    return replace(case, outputs=case.channels) if isinstance(case, Convolution) else case


def _channels(number: Callable[[int], int], case: Any) -> Any:
    """Channels, filters or classes by a rule: of a group in a convolution."""
    names = [name for name in ("channels", "outputs") if hasattr(case, name)]
    return replace(case, **{name: number(getattr(case, name)) for name in names}) if names else case


def _placed(case: Any, **numbers: Any) -> Any:
    """With other numbers of its window and, where the padding allows, the same placements and the same remainder."""
    window: Window | None = getattr(case, "window", None)
    if window is None or not window.ndim:
        return case
    now = replace(window, **numbers)
    if isinstance(case, Images):  # of poolings no window may lie on padding alone
        now = replace(
            now, padding=tuple((min(a, k // 2), min(b, k // 2)) for (a, b), k in zip(now.padding, now.kernel_size))
        )
    rows = zip(now.stride, window.output_size, now.extent, window.leftover, now.padding, now.dilation)
    sizes = tuple(max(s * (p - 1) + e + r % s - a - b, d) for s, p, e, r, (a, b), d in rows)
    return replace(case, window=replace(now, input_size=sizes))


def _taps(count: int, case: Any) -> Any:
    window: Window | None = getattr(case, "window", None)
    if window is None:
        return case
    taps = (count,) * window.ndim
    of_pooling = isinstance(case, Images) and window.stride == window.kernel_size  # where nobody says any
    return _placed(case, kernel_size=taps, stride=taps if of_pooling else window.stride)


def _strides(count: int, case: Any) -> Any:
    return _placed(case, stride=(count,) * case.window.ndim) if hasattr(case, "window") else case


def _steps(case: Any) -> Any:
    return _placed(case, stride=case.window.kernel_size) if hasattr(case, "window") else case


def _framed(case: Any) -> Any:
    half = [(k - 1) // 2 for k in case.window.kernel_size] if hasattr(case, "window") else []
    return _placed(case, padding=tuple((a, a) for a in half)) if half else case


def _sizes(rule: Callable[[Sequence[int]], Sequence[int]], case: Any) -> Any:
    """The image's sizes by a rule that makes none smaller; of what has no image, the sizes of all its axes."""
    window: Window | None = getattr(case, "window", None)
    if window is not None:
        return replace(case, window=replace(window, input_size=tuple(rule(window.input_size))))
    if hasattr(case, "input_size"):
        return replace(case, input_size=tuple(rule(case.input_size)))
    if hasattr(case, "kind"):
        return replace(case, shape=(*case.shape[:2], *rule(case.shape[2:])))
    return replace(case, shape=tuple(rule(case.shape))) if "shape" in vars(case) else case


def _each(rule: Callable[[int], int]) -> Change:
    return partial(_sizes, lambda sizes: [rule(size) for size in sizes])


def _square(sizes: Sequence[int]) -> Sequence[int]:
    return [max(sizes)] * len(sizes) if sizes else sizes


def _numbered(case: Any) -> Any:
    return replace(case, soft=False) if hasattr(case, "soft") else case


def _a_matrix(case: Any) -> Any:
    """Two axes, and of what is done along one, the last."""
    if hasattr(case, "classes"):
        return replace(case, size=(), batch=case.batch or 2)
    if not isinstance(getattr(case, "dim", 0), int) or "shape" not in vars(case):
        return case
    shape = (*case.shape, *(1,) * (2 - len(case.shape)))[-2:]
    more = {"dim": -1} if hasattr(case, "dim") else {}
    return replace(case, shape=tuple(max(size, 2) for size in shape), **more)


#: In words that stand behind "its part: ", what a case is brought to.
RESTRICTIONS: dict[str, Change] = {
    "contiguous tensors": _contiguous,
    "weights and biases that are there": _with_parameters,
    "one sample": partial(_samples, lambda _: 1),
    "samples in multiples of 16": partial(_samples, partial(_up, step=16)),
    **{f"{count} taps an axis": partial(_taps, count) for count in (3, 1, 2, 4, 5)},
    "strides as wide as the kernel": _steps,
    "strides of 2": partial(_strides, 2),
    "padding of half a kernel": _framed,
    "more than one channel": partial(_channels, lambda number: max(number, 2)),
    **{f"channels in multiples of {n}": partial(_channels, partial(_up, step=n)) for n in (2, 4, 8, 16, 32)},
    "as many filters as channels": _alike,
    "matrices": _a_matrix,
    "classes by their numbers": _numbered,
    **{f"sizes of at least {n}": _each(partial(max, n)) for n in (4, 8, 16)},
    "sizes in multiples of 2": _each(partial(_up, step=2)),
    "sizes that are powers of two": _each(_power),
    "square images": partial(_sizes, _square),
}
#: What is tried together, each but one of a line: the first in a line are the likeliest.
CHOICES: tuple[tuple[str, ...], ...] = (
    ("3 taps an axis", "1 taps an axis", "2 taps an axis", "4 taps an axis", "5 taps an axis", ""),
    ("channels in multiples of 16", "channels in multiples of 32", "more than one channel", ""),
    ("", "weights and biases that are there"),
    ("", "strides as wide as the kernel", "strides of 2"),
    ("", "padding of half a kernel"),
    ("one sample", "samples in multiples of 16"),
)
ALWAYS = (
    *("contiguous tensors", "as many filters as channels", "matrices", "classes by their numbers"),
    *("sizes of at least 16", "sizes that are powers of two", "square images"),
)
#: What may do instead of another.
WEAKER: dict[str, str] = {
    "channels in multiples of 32": "channels in multiples of 16",
    "channels in multiples of 16": "channels in multiples of 8",
    "channels in multiples of 8": "channels in multiples of 4",
    "channels in multiples of 4": "channels in multiples of 2",
    "channels in multiples of 2": "more than one channel",
    "sizes of at least 16": "sizes of at least 8",
    "sizes of at least 8": "sizes of at least 4",
    "sizes that are powers of two": "sizes in multiples of 2",
}


def restricted(case: Any, part: Sequence[str]) -> Any:
    """The case brought to a part."""
    if not part or not is_dataclass(case):
        return case
    if isinstance(case, TransposedConvolution):
        return _transposed(case, part)
    for name in part:
        case = RESTRICTIONS[name](case)
    return case


def _transposed(case: TransposedConvolution, part: Sequence[str]) -> TransposedConvolution:
    """By the layer's own sizes: its input is the output of the convolution that it is the adjoint of."""
    of = case.of
    own = replace(of.window, input_size=of.window.output_size)
    windows = [name for name in part if any(word in name for word in ("taps", "stride", "padding"))]
    plane = restricted(replace(of, window=own), [name for name in part if name not in windows])
    window = restricted(of, windows).window
    sizes = (plane.window.input_size, window.kernel_size, window.stride, window.dilation)
    padding = window.padding if "padding of half a kernel" in part else case.padding
    return transposed(replace(plane, window=of.window), sizes, padding, case.output_padding)


def part_of(share: Callable[[Sequence[str]], float], takes: Callable[[Sequence[str]], bool]) -> tuple[str, ...] | None:
    """The weakest restrictions under which half of what is offered is taken; None if none are found.

    Args:
        share: of plain cases brought to some restrictions, how many are taken.
        takes: whether one of them is, which is sooner known.
    """
    strong = next((part for part in _strongest() if takes(part) and share(part) >= 0.5), None)
    if strong is None:
        return None
    part = [name for name in RESTRICTIONS if name in strong]
    for name in list(part):
        without = [each for each in part if each != name]
        if share(without) >= 0.5:
            part = without
            continue
        while name in WEAKER and share([*without, WEAKER[name]]) >= 0.5:
            name = WEAKER[name]
        part = [each for each in RESTRICTIONS if each in without or each == name]
    return tuple(part)


def _strongest() -> Iterator[tuple[str, ...]]:
    for chosen in product(*CHOICES):
        yield tuple(name for name in RESTRICTIONS if name in {*ALWAYS, *chosen})
