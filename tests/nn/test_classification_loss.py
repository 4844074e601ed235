"""NLLLoss, CrossEntropyLoss, BCELoss, BCEWithLogitsLoss: torch's modules with our arithmetic."""

import pytest

from manualconv.testing.catalogue.classification_loss import CLASS_WEIGHTS, CLASSES
from tests.layers import spread_out
from tests.nn.twin import alike, twins

PROBABILITIES = spread_out((2, 3, 3), 5).sigmoid()
LOSSES = {
    "NLLLoss": ("NLLLoss", {}, CLASSES),
    "CrossEntropyLoss": ("CrossEntropyLoss", {"ignore_index": 0}, CLASSES.clamp(min=0)),
    "smoothed": ("CrossEntropyLoss", {"label_smoothing": 0.3}, CLASSES),
    "probabilities": ("CrossEntropyLoss", {"label_smoothing": 0.3}, PROBABILITIES),
    "BCELoss": ("BCELoss", {}, PROBABILITIES),
    "BCEWithLogitsLoss": ("BCEWithLogitsLoss", {"pos_weight": CLASS_WEIGHTS.flip(0)}, PROBABILITIES),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("row", LOSSES)
def test_a_module_is_torch_s_in_all_but_arithmetic(row: str, reduction: str) -> None:
    name, options, target = LOSSES[row]
    modules = twins(name, weight=CLASS_WEIGHTS, **options, reduction=reduction)
    assert next(iter(modules[0].state_dict())) == "weight"
    alike(modules, spread_out((2, 3, 3)) / 5 + 0.5, target, room=1e-14)
