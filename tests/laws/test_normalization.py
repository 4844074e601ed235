"""Every law of normalisation holds for ours; those of modules and of float32 beside them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from manualconv import functional, nn
from tests.laws.normalization import LAWS, near
from tests.layers import spread_out
from tests.strategies import normalizations

EXAMPLES = max(25, settings.default.max_examples // 6)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@settings(max_examples=EXAMPLES)
@given(case=normalizations(kinds=("batch",), some=True))
def test_batch_norm_by_hand_obeys(law: object, case: object) -> None:
    law(functional.batch_norm, case)  # type: ignore[operator]


def test_the_catalogue_is_complete() -> None:
    """N7 and N10 are about modules and stand below."""
    assert {name.split()[0] for name in LAWS} == {f"N{n}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 11)}


@given(batches=st.integers(1, 6), seed=st.integers(0, 99))
def test_n7_without_a_momentum_batches_of_one_size_give_their_plain_mean(batches: int, seed: int) -> None:
    layer = nn.BatchNorm1d(3, momentum=None).double()
    images = [spread_out((4, 3, 2), seed + n) * (n + 1) for n in range(batches)]
    for x in images:
        layer(x)
    near(layer.running_mean, torch.stack([x.mean((0, 2)) for x in images]).mean(0))
    near(layer.running_var, torch.stack([x.var((0, 2)) for x in images]).mean(0))
    assert int(layer.num_batches_tracked) == batches


@given(seed=st.integers(0, 99))
def test_n10_in_evaluation_it_folds_into_the_convolution_before_it(seed: int) -> None:
    torch.manual_seed(seed)
    conv, norm = nn.Conv2d(2, 3, (3, 2), bias=True).double(), nn.BatchNorm2d(3).double()
    for _ in range(2):
        norm(conv(torch.randn(4, 2, 5, 6).double()))
    torch.nn.init.normal_(norm.weight)
    norm.eval()
    folded = torch.nn.utils.fuse_conv_bn_eval(conv.eval(), norm)
    x = torch.randn(2, 2, 5, 6).double()
    near(folded(x), norm(conv(x)))


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
