"""Flatten: torch's module."""

import pytest

from tests.layers import spread_out
from tests.nn.twin import alike, results, twins


@pytest.mark.parametrize(("axes", "shape"), [((), (2, 12)), ((2,), (2, 3, 4))])
def test_feature_maps_become_vectors(axes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    modules, x = twins("Flatten", *axes), spread_out((2, 3, 2, 2))
    alike(modules, x)
    assert results(modules[0], x)[0].shape == shape
