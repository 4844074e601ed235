"""Every law holds for ours on drawn convolutions of one, two and three axes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws import algebra, channels, derivatives, form, numbers, placement  # noqa: F401  (they enter their laws)
from tests.laws.implementations import by_hand
from tests.laws.law import LAWS, Law

#: Sixty laws look at every draw from sixty sides: each needs fewer than a property that stands alone.
EXAMPLES = max(25, settings.default.max_examples // 6)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_convolution_by_hand_obeys(law: Law, data: st.DataObject) -> None:
    law.holds(by_hand, data.draw(law.cases))


def test_the_catalogue_is_complete() -> None:
    assert {name.split()[0] for name in LAWS} >= {f"C{number}" for number in range(1, 41)}
