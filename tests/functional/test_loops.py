"""Values and gradients of every family of layers equal the loops, in as many cases as any other property draws.

The questions are the proofs', which ask each a few times in an ordinary run.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proof.test_proof import OPERATIONS, equals_the_loops

#: Drawn from together, dimension by dimension or kind by kind, the costly ones seldom.
FAMILIES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for n in (1, 2, 3) for name in (f"conv{n}d", f"conv_transpose{n}d")},
    **{name: tuple(f"{name}{n}d" for n in (2, 1, 3)) for name in ("avg_pool", "max_unpool", "subsample")},
    **{name: (name,) for name in ("linear", "adaptive_avg_pool", "adaptive_max_pool", "unfold", "fold")},
    "fractional_max_pool": ("fractional_max_pool2d", "fractional_max_pool3d"),
    "statistics over samples": ("batch_norm", "instance_norm"),
    "statistics of a sample": ("layer_norm", "group_norm"),
}


@pytest.mark.parametrize("names", FAMILIES.values(), ids=FAMILIES)
@given(data=st.data())
def test_values_and_gradients_equal_the_loops(names: tuple[str, ...], data: st.DataObject) -> None:
    operation = OPERATIONS[data.draw(st.sampled_from(names))]
    equals_the_loops(operation.question(data.draw(operation.cases)))
