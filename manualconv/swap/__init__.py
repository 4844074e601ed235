"""Two ways to put our operations into code that was written for torch: exchange a model's layers, or run it by hand."""

from manualconv.swap.conversion import TORCH_LAYERS, Entry, Report, conversion_report, convert, restore
from manualconv.swap.mode import ByHand, by_hand

__all__ = ["TORCH_LAYERS", "ByHand", "Entry", "Report", "by_hand", "conversion_report", "convert", "restore"]
