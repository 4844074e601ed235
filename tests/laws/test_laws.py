"""Every law holds for ours on drawn cases, and for torch's: what torch breaks is no law."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manualconv.testing.laws import batch_normalization, convolution, max_pooling
from manualconv.testing.laws.convolution.implementations import GOOD
from manualconv.testing.laws.law import Implementation, Law, Laws

#: Sixty laws look at every draw from sixty sides: each needs fewer than a property that stands alone.
EXAMPLES = max(25, settings.default.max_examples // 6)
FAMILIES: dict[str, tuple[Laws, dict[str, Implementation]]] = {
    "convolution": (convolution.LAWS, GOOD),
    "max pooling": (max_pooling.LAWS, max_pooling.GOOD),
    "batch norm": (batch_normalization.LAWS, batch_normalization.GOOD),
    "batch norm modules": (batch_normalization.MODULE_LAWS, batch_normalization.GOOD_MODULES),
}
LAWS = [
    pytest.param(law, right["by hand"], id=f"{family}: {law.name}")
    for family, (laws, right) in FAMILIES.items()
    for law in laws.values()
]


@pytest.mark.parametrize(("law", "ours"), LAWS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_ours_obeys(law: Law, ours: Implementation, data: st.DataObject) -> None:
    law.holds(ours.layer, data.draw(law.cases))


@pytest.mark.parametrize("law", max_pooling.LAWS.values(), ids=max_pooling.LAWS)
@settings(max_examples=10)
@given(data=st.data())
def test_the_referee_obeys(law: Law, data: st.DataObject) -> None:
    law.holds(max_pooling.torch_s, data.draw(law.cases))


def test_the_catalogue_is_complete() -> None:
    """P16, P18 and P19 are of means and adaptive pooling: tests/proof has their loops, exactly; P21 stands beside."""
    ids = {family: {name.split()[0] for name in laws} for family, (laws, _) in FAMILIES.items()}
    assert ids["convolution"] >= {f"C{number}" for number in range(1, 41)}
    assert ids["max pooling"] == {f"P{number}" for number in (*range(1, 16), 17, 20, 22)}
    assert ids["batch norm"] | ids["batch norm modules"] == {f"N{number}" for number in range(1, 15)}
