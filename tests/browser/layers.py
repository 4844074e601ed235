"""Layers to set on the page: drawn, each axis and side alone, with sizes that are computed from an output's."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from manualconv.explain.tracing.layer import KINDS, Layer, make


def layers(count: int, seed: int) -> Iterator[Layer]:
    """So many, the kinds in turn."""
    random = Random(seed)
    for number in range(count):
        yield _layer(KINDS[number % len(KINDS)], random)


def _layer(kind: str, random: Random) -> Layer:
    axes, pools = random.choice((1, 2, 2)), kind.endswith("pool")

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(random.randint(low, high) for _ in range(axes))

    kernel, stride, output = each(1, 3), each(1, 3), each(1, 3)
    dilation = (1,) * axes if kind == "avg_pool" else each(1, 2)
    extent = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel))
    if pools:
        pads = tuple((random.randint(0, k // 2), random.randint(0, k // 2)) for k in kernel)
    else:
        pads = tuple((random.randint(0, 2), random.randint(0, 2)) for _ in range(axes))
    if kind == "conv_transpose":
        pads = tuple((min(a, (e - 1) // 2), min(b, (e - 1) // 2)) for (a, b), e in zip(pads, extent))
        size = output
    else:
        size = tuple(
            max(s * (p - 1) + e - a - b + random.randint(0, s - 1), d, 1)
            for s, p, e, d, (a, b) in zip(stride, output, extent, dilation, pads)
        )
    groups = 1 if pools else random.choice((1, 1, 2))
    channels, filters = groups * random.randint(1, 2), groups * random.randint(1, 2)
    flip = kind == "conv" and random.random() < 0.4
    return make(kind, size, kernel, stride, pads, dilation, channels, None if pools else filters, groups, flip)
