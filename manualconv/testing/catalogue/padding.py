"""Padding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases import Padding, paddings
from manualconv.testing.cases.tensors import unshared
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.question import Apply, Proof, Question, Shape, call, of_samples

MODES = ("constant", "reflect", "replicate", "circular")


def _plain(pads: Shape, mode: str, value: float = 0.0) -> Apply:
    """numpy's padding of the positions says where each entry comes from."""
    modes: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}

    def apply(x: Tensor) -> Tensor:
        lead = x.dim() - len(pads) // 2
        sides = [(0, 0)] * lead + [(pads[n], pads[n + 1]) for n in range(len(pads) - 2, -1, -2)]
        positions = np.arange(1, x.numel() + 1).reshape(x.shape)
        places = torch.from_numpy(np.pad(positions, sides, modes[mode]))  # 0 where the constant stands
        source = torch.cat([torch.full((1,), value, dtype=x.dtype), x.reshape(-1)])
        return source[places.reshape(-1)].reshape(places.shape)

    return apply


def padded(case: Padding) -> Question:
    """Values and gradient; a constant may be any number."""
    x, cotangent = case.input(), case.cotangent()
    value = ((), (0.0,), (2.5,), (-3.0,))[case.seed % 4] if case.mode == "constant" else ()

    def loops() -> list[Any]:
        back = definitions.fold_back(cotangent.numpy(), case.input_size, case.padding, case.mode)
        return [definitions.extend(x.numpy(), case.padding, case.mode, *value), back]

    return of_samples(case, call("pad", case.frame, case.mode, *value), (x,), cotangent, loops)


def smaller(case: Padding) -> Padding:
    """One sample and channel."""
    batch = case.batch and 1
    return replace(case, batch=1 if batch == 0 else batch, channels=1, layouts=unshared(case.layouts))


#: Of each dimension a padding and a shape.
SIZES: dict[int, tuple[Shape, Shape]] = {
    1: ((1, -1), (2, 3, 4)),
    2: ((1, 2, 0, -1), (2, 2, 4, 3)),
    3: ((1, 0, 2, 1, 0, -1), (1, 2, 3, 3, 2)),
}
KINDS = {"Circular": (), "Constant": (1.5,), "Reflection": (), "Replication": (), "Zero": ()}
PADS = (1, 2, 2, 0)

OPERATIONS = (
    Operation(
        "pad",
        {
            "pad reflect": Example("pad", ((2, 2, 4, 3),), ((1, 2, 3, -1), "reflect"), multilinear=True),
            "pad constant": Example("pad", ((2, 3, 4, 3),), ((1, -1, 2, 0), "constant", 1.5)),
            "pad circular": Example("pad", ((2, 3, 4, 3),), ((2, -1, 1, 4), "circular")),
        },
        tuple(
            Layer(f"{kind}Pad{n}d", (pads, *more), shape)
            for kind, more in KINDS.items()
            for n, (pads, shape) in SIZES.items()
        ),
        {
            "pad": Proof(
                st.sampled_from((2, 1, 3)).flatmap(lambda n: paddings(n, modes=MODES)),
                smaller,
                padded,
            )
        },
        {
            f"pad {mode}": Example("pad", ((2, 2, 3, 4),), (PADS, mode, *value), plain=_plain(PADS, mode, *value))
            for mode, value in zip(MODES, ((2.0,), (), (), ()))
        },
        {
            f"pad {mode} of {n} axes": Example("pad", (x,), (pads, mode))
            for mode in MODES
            for n, (pads, x) in SIZES.items()
        },
    ),
)
