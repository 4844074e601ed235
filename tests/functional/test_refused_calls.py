"""What torch refuses is refused with its type of error, in its words: of functions, and mistakes, that no row has.

Most mistakes of convolutions, pools, losses and norms are rows of tests/bad_input; here is the rest.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.testing.catalogue import activation
from manualconv.testing.ledger import ERRORS, checked
from manualconv.testing.referee import raised


class Refused(NamedTuple):
    """A function's name, arguments by place and by name, and how our message opens where torch's does otherwise."""

    name: str
    given: tuple[Any, ...]
    options: dict[str, Any] = {}  # noqa: RUF012
    ours: str = ""


IMAGE, COLUMNS, X = torch.zeros(2, 3, 4, 5), torch.zeros(2, 12, 12), torch.ones(3)
COPYING = ("reflect", "replicate", "circular")

PADDED: tuple[tuple[Any, ...], ...] = (
    (IMAGE, (1, 2, 3)),
    (IMAGE, (1,) * 10),
    *((IMAGE, sides) for sides in ((-3, -3), (-6, 3), (2**62, 2**62), 1, (True, 1))),
    ([1.0], (1, 1)),
    *((IMAGE, (1, 1), *more) for more in (("mirror",), (None,), ("constant", "0"), ("constant", 1j))),
    *((IMAGE.to_sparse(), (1, 1, 1, 1), mode) for mode in ("constant", "reflect")),
    (IMAGE.long(), (1, 1), "constant", math.inf),
    *((IMAGE, sides, "reflect") for sides in (None, (1.0, 1), (5, 0, 0, 0), (0, 0, 1, 9), (-3, -2, -4, 0))),
    *((IMAGE[0], sides, "reflect") for sides in ((0, 5), (-3, -2))),
    (IMAGE[0], (-3, -3), "replicate"),
    (IMAGE, (-3, -2, 0, 0), "replicate"),
    (IMAGE[None], (-3, -2, 0, 0, 1, 0), "replicate"),
    *((IMAGE, sides, "circular") for sides in ((6, 0, 0, 0), (-3, -3, 0, 0))),
    (IMAGE[..., :0], (1, 1, 1, 1), "circular"),
    (IMAGE[:, :0], (1, 1, 1, 1), "reflect"),
    (IMAGE[0, :0], (1, 1, 1, 1), "replicate"),
    *((IMAGE, sides, mode) for sides in ((1, 1), (), (1,) * 8) for mode in COPYING),
    *((IMAGE, (1,) * 4, mode, 2.0) for mode in COPYING),
)
UNFOLDED: tuple[tuple[Any, ...], ...] = (
    *((IMAGE, kernel) for kernel in (0, (), (1,) * 4, 1.5, None, 6)),
    *((IMAGE, 2, *more) for more in ((0,), (1, -1), (1, 0, 0), ((1,),), (1, (0, 0, 0)), (1, "same"))),
    *((image, 2) for image in (IMAGE[0, 0], IMAGE[None, None], IMAGE[:, :0], [1.0], IMAGE.long(), IMAGE.to_sparse())),
    (IMAGE[:, :, :0], 1, 1, 1),
)
FOLDED: tuple[tuple[Any, ...], ...] = (
    *((COLUMNS, (4, 5), *more) for more in ((0,), (2, 1, -1), ((2, 2, 2),))),
    *((COLUMNS, size, 2) for size in ((4,) * 4, (1, 1), None)),
    *((v, (4, 5), 2) for v in (COLUMNS[:, :11], COLUMNS[..., :11], COLUMNS[None], COLUMNS[..., :0], COLUMNS.int())),
)
ACTIVATIONS: tuple[Refused, ...] = (
    *(Refused("leaky_relu", (X, slope)) for slope in ("a", None, X, 1j)),
    *(Refused(name, (X, "a")) for name in ("elu", "celu", "softplus")),
    Refused("celu", (X, 0)),
    *(Refused("hardtanh", (X, *limits)) for limits in ((2, 1), ("a", 1), (None, 1))),
    *(Refused("threshold", (X, *numbers)) for numbers in (("a", 1), (1, None))),
    Refused("threshold", ([1.0], 1, 1)),
    Refused("softplus", (X, 1, None)),
    *(Refused("gelu", (X,), {"approximate": kind}) for kind in ("no", 1)),
    *(
        Refused(each.name, ([1.0],))
        for each in activation.OPERATIONS
        if hasattr(F, each.name) and "softm" not in each.name and each.name not in ("threshold", "sigmoid", "tanh")
    ),
)


def transposed() -> Iterator[Refused]:
    """Nothing to read, to write, or to be left."""
    x, w = torch.ones(2, 4, 5, 6), torch.ones(4, 3, 3, 2)
    yield Refused("conv_transpose2d", (x[:, :0], w[:0]))
    yield Refused("conv_transpose2d", (x.double(), w.double()), {"padding": (4, 3)})
    yield Refused("conv_transpose2d", (x.double(), w[:, :0].double()))
    yield Refused(
        "conv_transpose2d", (x.double(), w[:, :, :0].double()), ours="kernel size should be greater than zero"
    )


def adaptive(n: int) -> Iterator[Refused]:
    x = torch.ones((2, 3, 6, 5, 4)[: 2 + n])
    for name in (f"adaptive_avg_pool{n}d", f"adaptive_max_pool{n}d"):
        yield Refused(name, (x, torch.tensor(2) if n > 1 else torch.tensor(2.5)))
        yield Refused(name, (x, 2**62), ours="Storage size calculation overflowed")
        for size in (1, 2):
            yield Refused(name, (x.reshape(-1), size))
        yield Refused(name, (x.long(), 1))


def fractional(n: int) -> Iterator[Refused]:
    x, name = torch.ones((2, 3, 7, 6, 5)[: 2 + n]), f"fractional_max_pool{n}d"
    for ratio in ("a", *((1.5,) if n == 3 else ())):
        yield Refused(name, (x, 2), {"output_ratio": ratio})
    for size in ((), (None,) * n, 2**62):
        yield Refused(name, (x, 2), {"output_size": size})
    for input, kernel in ((x, True), (x.to(torch.complex64), 2), ([1.0], 2)):
        yield Refused(name, (input, kernel), {"output_size": 3})


CALLS: tuple[Refused, ...] = (
    *(Refused("pad", given) for given in PADDED),
    Refused("pad", (IMAGE, ((1, 1),))),
    *(Refused("unfold", given) for given in UNFOLDED),
    *(Refused("fold", given) for given in FOLDED),
    *ACTIVATIONS,
    Refused("dropout", (X > 0, 0.5)),
    *(Refused(name, (t, 0)) for name in ("softmax", "log_softmax", "softmin") for t in (None, [1.0], "a", 3)),
    *(Refused("log_softmax", (IMAGE, dim)) for dim in (4, -5)),
    *transposed(),
    *(row for n in (1, 2, 3) for row in adaptive(n)),
    *(row for n in (2, 3) for row in fractional(n)),
)


@pytest.mark.parametrize("call", CALLS, ids=[f"{n}-{call.name}" for n, call in enumerate(CALLS)])
def test_what_torch_refuses_is_refused_in_its_words(call: Refused) -> None:
    theirs, ours = (raised(lambda f=f: getattr(f, call.name)(*call.given, **call.options)) for f in (F, functional))
    line = call.ours or str(theirs).split("\n")[0]
    with checked(call.name, ERRORS):
        assert type(ours) is type(theirs)
        # torch's parser counts an activation's input as an argument with a place; ours has one place to be wrong in.
        assert str(ours).startswith((line, line.replace(" (position 1)", "")))
        # No tensor was given: how to make one.
        assert "softm" not in call.name or isinstance(call.given[0], Tensor) or "torch.as_tensor" in str(ours)
