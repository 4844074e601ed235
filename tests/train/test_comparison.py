"""The comparison of backends: what is measured, what decides the exit code."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from tests.train.programs import Patch, Shown
from train import comparison, measurement
from train.errors import TrainError


def options(small_data: Path | None, **more: Any) -> Namespace:
    common = {"rounds": 1, "seed": 0, "batch_size": 20, "threads": 1, "max_train": None, "data_dir": small_data}
    return Namespace(**{**common, **more})


@pytest.mark.parametrize(("single", "double", "code"), [(0, 0, 0), (9e-4, 9e-9, 0), (2e-3, 0, 1), (0, 2e-8, 1)])
@pytest.mark.parametrize("slower", [1, 100])
def test_losses_decide_and_time_never(
    monkeypatch: Patch, capsys: Shown, single: float, double: float, code: int, slower: int
) -> None:
    def measured(_: Namespace, backend: str, dtype: str, steps: int | None) -> dict[str, Any]:
        manual = backend == "manual"
        off = manual * (single if dtype == "float32" else double)
        losses = [2.0] * 5 + [2.0 + off] + [2.0] * ((steps or 30) - 6)
        return {
            "seconds": 2.0 * (slower if manual else 1),
            "images": 60,
            "peak": 2**20 * (1 + manual),
            "losses": losses,
        }

    monkeypatch.setattr(comparison, "_measured", measured)
    assert comparison.run(options(None)) == code
    shown = capsys.readouterr().out
    assert f"speed-up {1 / slower:.2f} (fastest round)" in shown
    assert "torch 1 MiB, manual 2 MiB, ratio 2.00" in shown
    assert "float32, 10 steps" in shown
    assert "float64, 200 steps" in shown
    assert ("BEYOND" in shown) == bool(code)


def test_a_difference_that_is_no_number_is_beyond_every_bound() -> None:
    assert comparison.largest_difference([1.0, float("nan")], [1.0, 1.0]) == float("inf")
    assert comparison.largest_difference([1.0, 2.0, 0.5], [1.0, 1.5, 0.75]) == 0.5


def test_a_process_measures_one_backend(small_data: Path) -> None:
    """240 images in twelve batches an epoch, none kept for validation; more steps go on with the next epoch."""
    result = comparison._measured(options(small_data), "torch", "float32", None)
    assert result["images"] == 240
    assert len(result["losses"]) == 12
    assert result["seconds"] > 0
    assert result["peak"] is None or result["peak"] > 240 * 28 * 28
    here = measurement.measure(
        Namespace(**{**vars(options(small_data)), "backend": "torch", "dtype": "float64", "steps": 30})
    )
    assert len(here.losses) == 30
    assert here.losses[:12] == pytest.approx(result["losses"], abs=1e-5)


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"--backend torch in float32 failed: .*holds no MNIST files"):
        comparison._measured(options(tmp_path), "torch", "float32", None)
