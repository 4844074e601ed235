"""Calls of padding."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import IMAGES, ROWS, Calls

MODES = ("constant", "reflect", "replicate", "circular")

CALLS: Calls = {
    F.pad: [
        *((lambda x, m=mode: F.pad(x, (1, 2, -1, 0), m), (IMAGES,)) for mode in MODES),
        (lambda x: F.pad(x, (1, 2), value=3.0), (ROWS,)),
        (torch.nn.ReflectionPad2d((1, 2, 0, 3)), (IMAGES,)),
        (torch.nn.ZeroPad2d((1, -2, 0, 3)), (IMAGES,)),
    ],
    UNDERSCORED["pad"]: [(lambda x: torch._C._nn.pad(x, [1, 2], "reflect", None), (ROWS,))],
    UNDERSCORED["pad_circular"]: [(lambda x: torch._C._nn._pad_circular(x, [1, 2]), (ROWS,))],
    torch.constant_pad_nd: [
        (lambda x: torch.constant_pad_nd(x, [1, 2]), (ROWS,)),
        (lambda x: torch.constant_pad_nd(x, (1, -1, 2, 0), 2.0), (ROWS,)),
    ],
    **{
        UNDERSCORED[f"{kind}_pad{ndim}d"]: [
            (
                lambda x, k=kind, n=ndim: UNDERSCORED[f"{k}_pad{n}d"](x, [1, 2, 0, 1, 2, 0][: 2 * n]),
                ((1, 2, 3, 4, 5)[: 2 + ndim],),
            )
        ]
        for kind in ("reflection", "replication")
        for ndim in (1, 2, 3)
    },
}
