"""The trilinear form, one frequency at a time and in blocks: what algorithms by Fourier transform share.

After a transform every map is a product summed over one letter, in each group of channels and at each frequency,

    y[n, o] = Σ_c x[n, c]·w[o, c]*          x[n, c] = Σ_o w[o, c]·y[n, o]          w[o, c] = Σ_n x[n, c]·y[n, o]*

and every letter stands in two of the three.  The smallest of them is *kept* whole, with letters i and j.  The letter l
that it lacks is gone through in blocks: of the other two, *wide* has l and j, *narrow* l and i,

    narrow[l, i] = Σ_j wide·kept          wide[l, j] = Σ_i narrow·kept          kept[i, j] = Σ_l wide·narrow

So each signal is transformed once, and besides the kept spectra only one block of others is held at a time.  The sums
are taken element by element: for a few channels in a group that is faster than a matrix product for each frequency.

Shapes: x ``(g, N, C/g)``, w ``(g, O/g, C/g)``, y ``(g, N, O/g)``, each with signals of any size behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Protocol

import torch
from torch import Tensor

from manualconv.geometry import Axes

#: Bytes of spectra of a block: what a part of the third cache holds, several of the longest signals; and where a call
#: of the transform costs as much as the signals do.
BLOCK_BYTES, LEAST_BYTES = 4 * 2**20, 2**17
#: Letters of x, w and y, and the factor of each map that is conjugate.
LETTERS = {"x": "nc", "w": "oc", "y": "no"}
CONJUGATE = {"x": "", "w": "y", "y": "w"}
EVERY = slice(None)


class Signals(Protocol):
    """Signals in the time domain, ``(g, a, b)`` of them, to and from blocks of their spectra."""

    @property
    def shape(self) -> tuple[int, ...]:
        """How many groups, and of each letter."""

    def spectra(self, g: slice, a: slice, b: slice) -> Tensor:
        """A block transformed: ``(g, a, b, *F)``."""

    def write(self, spectra: Tensor, g: slice, a: slice, b: slice) -> None:
        """A block transformed back, to its places."""


def transformed(t: Tensor, n: Axes) -> Tensor:
    """``F t`` over the last axes, n long."""
    spectra: Tensor = torch.fft.rfftn(t, n, tuple(range(-len(n), 0)))
    return spectra


def inverted(spectra: Tensor, n: Axes) -> Tensor:
    """``F⁻¹``: a whole period of every signal."""
    period: Tensor = torch.fft.irfftn(spectra, n, tuple(range(-len(n), 0)))
    return period


@dataclass(frozen=True)
class _Role:
    """Signals with their letters in the order of a role, conjugate where the map has them so."""

    name: str
    signals: Signals
    is_turned: bool
    is_conjugate: bool

    @property
    def shape(self) -> tuple[int, ...]:
        g, a, b = self.signals.shape
        return (g, b, a) if self.is_turned else (g, a, b)

    def read(self, g: slice, a: slice, b: slice) -> Tensor:
        spectra = self.signals.spectra(g, b, a).transpose(1, 2) if self.is_turned else self.signals.spectra(g, a, b)
        return spectra.conj_physical_() if self.is_conjugate else spectra

    def write(self, spectra: Tensor, g: slice, a: slice, b: slice) -> None:
        if self.is_turned:
            self.signals.write(spectra.transpose(1, 2), g, b, a)
        else:
            self.signals.write(spectra, g, a, b)


def _roles(target: str, given: dict[str, Signals]) -> tuple[_Role, _Role, _Role]:
    """Kept ``(g, i, j)``, the smallest; wide ``(g, l, j)``, the largest; narrow ``(g, l, i)``."""
    kept, narrow, wide = sorted(given, key=lambda name: prod(given[name].shape))
    (j,) = set(LETTERS[kept]) & set(LETTERS[wide])
    (i,) = set(LETTERS[kept]) & set(LETTERS[narrow])

    def role(name: str, last: str) -> _Role:
        # Where both letters have only one value, there is nothing to transpose.
        turned = LETTERS[name][1] != last and max(given[name].shape[1:]) > 1
        return _Role(name, given[name], turned, CONJUGATE[target] == name)

    return role(kept, j), role(wide, j), role(narrow, i)


@dataclass(frozen=True)
class _Blocks:
    """The slices of groups, of l and of j that are gone through."""

    g: tuple[slice, ...]
    l: tuple[slice, ...]  # noqa: E741  (the docstring's letter)
    j: tuple[slice, ...]


def _blocks(kept: _Role, wide: _Role, signal: int, most: int) -> _Blocks:
    """Blocks for which spectra, `signal` bytes each, take about `most` bytes at their peak."""
    (groups, i, j), l = kept.shape, wide.shape[1]  # noqa: E741
    sums = l * i if j > 1 else 0  # of one channel to one there is no sum
    steps = min(most, BLOCK_BYTES) // ((i * j + 2 * l * j + sums) * signal), l, j
    if steps[0] == 0:
        rest = min(max(most - i * j * signal, LEAST_BYTES), BLOCK_BYTES)
        several = rest // ((i + 2 * j) * signal)
        steps = (1, several, j) if several else (1, 1, (rest // signal - i) // 2)
    return _Blocks(*map(_in_steps, (groups, l, j), steps))


def _in_steps(length: int, step: int) -> tuple[slice, ...]:
    """A range in slices of about equal length, `step` at the most, one at the least."""
    step = -(-length // -(-length // max(step, 1)))
    return tuple(slice(start, min(start + step, length)) for start in range(0, length, step))


def compute(target: str, given: dict[str, Signals], n: Axes, item: int, allowed: float) -> None:
    """Write the one of x, w and y that is called `target`, from the other two.

    Args:
        target: its name.
        given: all three.
        n: the period.
        item: bytes of a number.
        allowed: bytes that spectra may take at once.
    """
    kept, wide, narrow = _roles(target, given)
    blocks = _blocks(kept, wide, 2 * item * prod(n[:-1]) * (n[-1] // 2 + 1), int(allowed))
    run = {kept.name: _compute_kept, wide.name: _compute_wide, narrow.name: _compute_narrow}[target]
    for g in blocks.g:
        run(kept, wide, narrow, g, blocks)


def _compute_narrow(kept: _Role, wide: _Role, narrow: _Role, g: slice, blocks: _Blocks) -> None:
    """``narrow[l, i] = Σ_j wide[l, j]·kept[i, j]``."""
    k = kept.read(g, EVERY, EVERY)
    for l in blocks.l:  # noqa: E741
        q: Tensor | None = None
        for j in blocks.j:
            p = wide.read(g, l, j)
            terms = [_summed(p, k[:, None, i, j]) for i in range(k.shape[1])]
            part = terms[0].unsqueeze(2) if len(terms) == 1 else torch.stack(terms, 2)
            q = part if q is None else q.add_(part)
            del p, terms, part
        assert q is not None
        narrow.write(q, g, l, EVERY)


def _summed(p: Tensor, k: Tensor) -> Tensor:
    """``Σ_j p·k`` of ``(g, l, j, *F)`` and ``(g, 1, j, *F)``."""
    return p[:, :, 0] * k[:, :, 0] if p.shape[2] == 1 else (p * k).sum(2)


def _compute_wide(kept: _Role, wide: _Role, narrow: _Role, g: slice, blocks: _Blocks) -> None:
    """``wide[l, j] = Σ_i narrow[l, i]·kept[i, j]``."""
    k = kept.read(g, EVERY, EVERY)
    for l in blocks.l:  # noqa: E741
        q = narrow.read(g, l, EVERY)
        for j in blocks.j:
            p = q[:, :, 0, None] * k[:, None, 0, j]
            for i in range(1, k.shape[1]):
                p.addcmul_(q[:, :, i, None], k[:, None, i, j])
            if j is blocks.j[-1]:
                q = p  # not read again: its memory is free for the signals
            wide.write(p, g, l, j)
            del p


def _compute_kept(kept: _Role, wide: _Role, narrow: _Role, g: slice, blocks: _Blocks) -> None:
    """``kept[i, j] = Σ_l wide[l, j]·narrow[l, i]``."""
    k: Tensor | None = None
    for l in blocks.l:  # noqa: E741
        q = narrow.read(g, l, EVERY)
        for j in blocks.j:
            p = wide.read(g, l, j)
            if k is None:
                k = p.new_zeros((len(p), *kept.shape[1:], *p.shape[3:]))
            for m in range(l.stop - l.start):
                k[:, :, j].addcmul_(p[:, m, None], q[:, m, :, None])
            del p
    assert k is not None
    kept.write(k, g, EVERY, EVERY)
