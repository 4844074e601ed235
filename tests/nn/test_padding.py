"""The fifteen padding modules: torch's arguments, repr and results; our arithmetic."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import nn
from manualconv.testing.cases import Padding, paddings
from tests.nn.twin import results, twins

NAMES = {
    "constant": "ConstantPad",
    "zeros": "ZeroPad",
    "reflect": "ReflectionPad",
    "replicate": "ReplicationPad",
    "circular": "CircularPad",
}
ANY = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: paddings(ndim, modes=("constant", *list(NAMES)[2:])))


def arguments(name: str) -> tuple[float, ...]:
    """What a module takes behind its padding."""
    return (1.5,) if name.startswith("ConstantPad") else ()


@given(case=ANY, zeros=st.booleans())
def test_a_module_computes_what_torch_s_does(case: Padding, zeros: bool) -> None:
    name = NAMES["zeros" if zeros and case.mode == "constant" else case.mode] + f"{len(case.input_size)}d"
    x, cotangent = case.unbatch(case.input()), case.unbatch(case.cotangent())
    ours, theirs = (results(module, x, cotangent=cotangent) for module in twins(name, case.frame, *arguments(name)))
    assert all(map(torch.equal, ours, theirs))


def test_circular_padding_counts_the_input_s_axes_as_torch_does() -> None:
    for ndim in (1, 2, 3):
        for layers in (nn, torch.nn):
            with pytest.raises(ValueError, match=rf"expected {ndim + 1}D or {ndim + 2}D input \(got 6D input\)"):
                getattr(layers, f"CircularPad{ndim}d")(1)(torch.ones(1, 1, 2, 2, 2, 2))
