"""The three maps by the loops of `loops`.  Importing this file imports Numba."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.correlation.compiled_loops import correlate, memory_of_runs, memory_of_sums, weigh
from manualconv.kernels.correlation.compiled_sums import SUMS, Array
from manualconv.kernels.correlation.compiled_tables import Plan, packed, plan_of_input, plan_of_output, taps_by_phase
from manualconv.kernels.correlation.loops import FRAME

Run = Callable[[int, int], object]

#: Parts that the images and bands of `to_weight` are added up in, whatever the number of threads.
CHUNKS = 8


class Correlation:
    """The three maps of a window for groups of `channels` and `outputs`: each gives what runs a range of units."""

    def __init__(self, window: Window, channels: int, outputs: int, batch: int, item: int) -> None:
        self._window, self._sizes = window, (channels, outputs)
        self._batch, self._item, self._groups = batch, item, window.groups

    def to_output(self, x: Array, w: Array, b: Array, y: Array) -> tuple[Run, int]:
        """Writes y."""
        channels, outputs = self._sizes
        plan = plan_of_output(self._window, channels, outputs, self._item, self._batch)
        w = packed(w.reshape(self._groups, outputs, channels, -1), [list(range(self._window.taps))])
        return self._correlate(x, w, b, y, plan, channels, outputs)

    def to_input(self, w: Array, y: Array, x: Array) -> tuple[Run, int]:
        """Writes x."""
        channels, outputs = self._sizes
        plan = plan_of_input(self._window, channels, outputs, self._item, self._batch)
        taps = [[number for number, _ in some] for some in taps_by_phase(self._window).values()]
        w = packed(w.reshape(self._groups, outputs, channels, -1).swapaxes(1, 2), taps)
        return self._correlate(y, w, np.zeros(self._groups * channels, w.dtype), x, plan, outputs, channels)

    def _correlate(
        self, x: Array, w: Array, b: Array, y: Array, plan: Plan, channels: int, outputs: int
    ) -> tuple[Run, int]:
        x, w, b, y = x.reshape(-1), w.reshape(-1), b.reshape(-1), y.reshape(-1)
        numbers = (channels, outputs, self._groups)
        units = self._batch * self._groups * (len(plan.run_ends) - 1)

        def run(first: int, last: int) -> None:
            correlate(x, w, b, y, plan, *numbers, *memory_of_runs(plan, channels, x), first, last)

        return run, units

    def to_weight(self, x: Array, y: Array) -> tuple[Run, int, Callable[[Array], None]]:
        """The third writes w once all units have run."""
        (channels, outputs), window = self._sizes, self._window
        plan = plan_of_output(window, channels, outputs, self._item, self._batch)
        bands = len(plan.run_ends) - 1
        image = (channels * plan.volume + outputs * plan.most * plan.longest) * self._item
        images = max(1, min(self._batch // CHUNKS, FRAME // image)) if bands == 1 else 1
        # Extra memory is no more than x and y.
        room = (x.size + y.size) // (self._groups * plan.sums)
        chunks = max(1, min(CHUNKS, -(-self._batch // images) * bands, room))
        sums = np.zeros((chunks, self._groups, plan.sums), x.dtype)
        x, y, flat = x.reshape(-1), y.reshape(-1), sums.reshape(-1)
        numbers = (self._batch, channels, outputs, self._groups, images, chunks)

        def weights(w: Array) -> None:
            blocks, begin = [], 0
            with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are numbers like others here
                whole = sums.sum(0).reshape(self._groups, -1, SUMS)
            for block, step, of in ((4, 3, outputs // 4), (2, 5, outputs // 2 % 2), (1, 5, outputs % 2)):
                if not of:
                    continue
                tiles = -(-plan.terms // step)
                some = whole[:, begin : begin + of * tiles, : block * step].reshape(-1, of, tiles, block, step)
                some = some.swapaxes(2, 3).reshape(-1, of * block, tiles * step)
                blocks.append(some[..., : plan.terms])
                begin += of * tiles
            w[:] = np.concatenate(blocks, 1).reshape(w.shape)

        def run(first: int, last: int) -> None:
            memory = memory_of_sums(plan, channels, outputs, images, x)
            weigh(x, y, flat, plan, *numbers, *memory, first, last)

        return run, chunks * self._groups, weights
