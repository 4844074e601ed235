"""Every law of normalisation holds for ours, functions and modules; the bound of float32 beside them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from manualconv import functional, nn
from manualconv.testing.cases import normalizations
from tests.laws.normalization import LAWS, MODULE_LAWS

EXAMPLES = max(25, settings.default.max_examples // 6)
#: How many, and a seed.
BATCHES = st.tuples(st.integers(1, 6), st.integers(0, 99))


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@settings(max_examples=EXAMPLES)
@given(case=normalizations(kinds=("batch",), some=True))
def test_batch_norm_by_hand_obeys(law: object, case: object) -> None:
    law(functional.batch_norm, case)  # type: ignore[operator]


@pytest.mark.parametrize("law", MODULE_LAWS.values(), ids=MODULE_LAWS)
@settings(max_examples=EXAMPLES)
@given(case=BATCHES)
def test_batch_norm_modules_by_hand_obey(law: object, case: object) -> None:
    law(nn.BatchNorm1d, case)  # type: ignore[operator]


def test_the_catalogue_is_complete() -> None:
    numbers = {int(name.split()[0][1:]) for name in (*LAWS, *MODULE_LAWS)}
    assert numbers == set(range(1, 15))


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm", "layer_norm", "group_norm"])
def test_the_error_of_float32_is_that_of_rounding_the_input(name: str, mean: float) -> None:
    """At most ``32·u·(1 + |mean|/std)``."""
    x = (mean + torch.randn(8, 4, 6, 5, generator=torch.Generator().manual_seed(int(mean)))).float()
    layer = {
        "batch_norm": lambda x: functional.batch_norm(x, None, None, training=True),
        "instance_norm": functional.instance_norm,
        "layer_norm": lambda x: functional.layer_norm(x, (6, 5)),
        "group_norm": lambda x: functional.group_norm(x, 2),
    }[name]
    assert (layer(x).double() - layer(x.double())).abs().max() <= 32 * 2.0**-24 * (1 + mean)
