"""Layer, group and local response normalisation modules: torch's arguments and repr; our arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from tests.layers import spread_out
from tests.nn.twin import alike, twins

LAYERS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "LayerNorm": ("LayerNorm", ((3, 5),), {"eps": 0.1}),
    "LayerNorm of one axis": ("LayerNorm", (5,), {}),
    "LayerNorm, no bias": ("LayerNorm", (5,), {"bias": False}),
    "LayerNorm, not affine": ("LayerNorm", (5,), {"elementwise_affine": False}),
    "GroupNorm": ("GroupNorm", (2, 4), {"eps": 0.1}),
    "GroupNorm, not affine": ("GroupNorm", (4, 4), {"affine": False}),
    "LocalResponseNorm": ("LocalResponseNorm", (3,), {"alpha": 0.5, "beta": 0.6, "k": 2.0}),
}


@pytest.mark.parametrize(("name", "arguments", "options"), LAYERS.values(), ids=LAYERS)
def test_a_module_is_torch_s_in_all_but_arithmetic(name: str, arguments: Any, options: dict[str, Any]) -> None:
    alike(twins(name, *arguments, **options), spread_out((2, 4, 3, 5)), room=1e-10)
