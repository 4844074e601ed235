"""What a FLOP counter is told: one convolution, whatever algorithm computes it.

``torch.utils.flop_counter`` adds up formulas of operators.  An algorithm of ours is several of them or none (compiled
loops), and may multiply less often than the definition: the counters forget what ran inside a map, and get the
definition's count, by torch's formula for its own layer.  That one takes a layer's groups for one where it counts the
gradient of the weight.

Source: ``conv_flop_count`` and ``conv_backward_flop`` in torch.utils.flop_counter.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from manualconv.torch_internals import CONVOLUTION, CONVOLUTION_BACKWARD, flop_counters


def counted(run: Callable[[], Tensor], multiplications: int) -> Tensor:
    """``run()``, which the open counters take for one convolution of so many multiplications."""
    counters = flop_counters()
    before = [{name: dict(counts) for name, counts in counter.flop_counts.items()} for counter in counters]
    result = run()
    for counter, counts_before in zip(counters, before):
        counter.flop_counts.clear()
        for name, counts in counts_before.items():
            counter.flop_counts[name].update(counts)
        operator = CONVOLUTION_BACKWARD if counter.mod_tracker.is_bw else CONVOLUTION
        if operator in counter.flop_registry:
            for name in set(counter.mod_tracker.parents):
                counter.flop_counts[name][operator] += 2 * multiplications
    return result
