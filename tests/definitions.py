"""The layers by their definitions: every sum written out, one term after another.

This file is the specification.  It shares no code with the package (a `Window` is read as a bundle of numbers, its
output size counted afresh) and knows no algorithm, so it can be checked by reading it beside the equations:

    i = s·p + d·k − a        input position i, tap k, output position p, each one number per axis

Arrays are NumPy's, of any dtype; on integers every result is exact.  Letters: n sample, g group, c channel and o output
channel inside a group, (g c) and (g o) their positions among all channels.
"""

from collections.abc import Iterator
from itertools import product
from math import exp, inf, isnan, log, prod

import numpy as np

from manualconv.geometry import Window

Array = np.ndarray
Index = tuple[int, ...]


def output_size(window: Window, ceil_mode: bool = False) -> Index:
    """P per axis, counted: placements whose last tap still lies on the padded input.

    With ceil_mode one more, if positions are left over and it starts on the input or in its left padding.
    """
    counts = []
    for i, k, s, d, (a, b) in zip(
        window.input_size, window.kernel_size, window.stride, window.dilation, window.padding, strict=True
    ):
        p = 0
        while s * p + d * (k - 1) - a < i + b:
            p += 1
        covered = s * (p - 1) + d * (k - 1) - a + 1
        counts.append(p + 1 if ceil_mode and covered < i + b and s * p - a < i else p)
    return tuple(counts)


def position(p: Index, k: Index, window: Window) -> Index:
    """``i = s·p + d·k − a``."""
    return tuple(
        s * q + d * j - a
        for q, j, s, d, (a, _) in zip(p, k, window.stride, window.dilation, window.padding, strict=True)
    )


def inside(i: Index, size: Index) -> bool:
    """``0 ≤ i < I`` on every axis."""
    return all(0 <= at < length for at, length in zip(i, size, strict=True))


def indices(size: Index) -> Iterator[Index]:
    """Every multi-index below `size`, row-major."""
    return product(*map(range, size))


# ------------------------------------------------------------------------------------------------ convolution


def terms(n_samples: int, n_channels: int, n_outputs: int, window: Window) -> Iterator[tuple[Index, Index, Index]]:
    """The terms of T(x, w, y): the three places whose numbers are multiplied.

    ``T = Σ x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]``, x = 0 outside.
    """
    per_group, outputs_per_group = n_channels // window.groups, n_outputs // window.groups
    for p, k in product(indices(output_size(window)), indices(window.kernel_size)):
        i = position(p, k, window)
        if not inside(i, window.input_size):
            continue
        for n, g, o, c in indices((n_samples, window.groups, outputs_per_group, per_group)):
            gc, go = g * per_group + c, g * outputs_per_group + o
            yield (n, gc, *i), (go, c, *k), (n, go, *p)


def trilinear(x: Array, w: Array, y: Array, window: Window) -> float:
    """``T(x, w, y)``."""
    total = 0
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        total += x[at_x] * w[at_w] * y[at_y]
    return total


def to_output(x: Array, w: Array, window: Window) -> Array:
    """∂T/∂y, convolution: x ``(N, C, *I)``, w ``(O, C/g, *K)`` → ``(N, O, *P)``."""
    y = np.zeros((len(x), len(w), *output_size(window)), x.dtype)
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        y[at_y] += x[at_x] * w[at_w]
    return y


def to_input(w: Array, y: Array, window: Window) -> Array:
    """∂T/∂x, the input gradient: w ``(O, C/g, *K)``, y ``(N, O, *P)`` → ``(N, C, *I)``."""
    x = np.zeros((len(y), w.shape[1] * window.groups, *window.input_size), y.dtype)
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        x[at_x] += w[at_w] * y[at_y]
    return x


def to_weight(x: Array, y: Array, window: Window) -> Array:
    """∂T/∂w, the weight gradient: x ``(N, C, *I)``, y ``(N, O, *P)`` → ``(O, C/g, *K)``."""
    w = np.zeros((y.shape[1], x.shape[1] // window.groups, *window.kernel_size), x.dtype)
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        w[at_w] += x[at_x] * y[at_y]
    return w


def with_bias(z: Array, b: Array) -> Array:
    """``y[n, o, p] = z[n, o, p] + b[o]``."""
    y = z.copy()
    for at in indices(z.shape):
        y[at] += b[at[1]]
    return y


def to_bias(y: Array) -> Array:
    """The bias gradient ``b[o] = Σ_{n,p} y[n, o, p]``: a sum, never a mean."""
    b = np.zeros(y.shape[1], y.dtype)
    for at in indices(y.shape):
        b[at[1]] += y[at]
    return b


# ---------------------------------------------------------------------------------------------------- pooling


def max_pool(x: Array, window: Window, ceil_mode: bool = False) -> tuple[Array, Array]:
    """Values and flat positions of every window's maximum: ``(N, C, *I)`` → twice ``(N, C, *P)``.

    Taps in row-major order, a later one wins only if it is larger, so ties go to the first; a NaN wins over everything,
    the last one where there are several.  Padding takes no part.
    """
    size = output_size(window, ceil_mode)
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    winner = np.zeros(y.shape, np.int64)
    for n, c, *p in indices(y.shape):
        best, best_at = -inf, None
        for k in indices(window.kernel_size):
            i = position(tuple(p), k, window)
            if inside(i, window.input_size):
                value = x[(n, c, *i)]
                if best_at is None or value > best or isnan(value):
                    best, best_at = value, i
        y[(n, c, *p)] = best
        winner[(n, c, *p)] = np.ravel_multi_index(best_at, window.input_size)
    return y, winner


def max_pool_gradient(y: Array, winner: Array, window: Window) -> Array:
    """``x[l] = Σ_{p : i*(p) = l} y[p]``: each cotangent to the position that won, sums where windows overlap."""
    x = np.zeros((*y.shape[:2], *window.input_size), y.dtype)
    for n, c, *p in indices(y.shape):
        at = (n, c, *p)
        x[(n, c, *np.unravel_index(winner[at], window.input_size))] += y[at]
    return x


def divisors(
    window: Window, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None
) -> Array:
    """What each window's sum is divided by, ``(*P,)``: its taps on the input, or on the input and the padding.

    The overhang of ceil_mode is neither.
    """
    size = output_size(window, ceil_mode)
    count = np.zeros(size, np.int64)
    for p, k in product(indices(size), indices(window.kernel_size)):
        on_axis = zip(position(p, k, window), window.input_size, window.padding, strict=True)
        if count_include_pad:
            count[p] += all(-a <= i < length + b for i, length, (a, b) in on_axis)
        else:
            count[p] += all(0 <= i < length for i, length, _ in on_axis)
    return count if divisor_override is None else np.full_like(count, divisor_override)


def avg_pool(x: Array, window: Window, divisor: Array) -> Array:
    """``y[n, c, p] = Σ_k x[n, c, s·p + k − a] / divisor[p]``; the shape of `divisor` says how many placements."""
    y = np.zeros((*x.shape[:2], *divisor.shape), x.dtype)
    for (n, c, *p), k in product(indices(y.shape), indices(window.kernel_size)):
        i = position(tuple(p), k, window)
        if inside(i, window.input_size):
            y[(n, c, *p)] += x[(n, c, *i)]
    return y / divisor


def avg_pool_gradient(y: Array, window: Window, divisor: Array) -> Array:
    """``x[n, c, i] = Σ_{k,p : s·p + k − a = i} y[n, c, p] / divisor[p]``."""
    x = np.zeros((*y.shape[:2], *window.input_size))
    for (n, c, *p), k in product(indices(y.shape), indices(window.kernel_size)):
        i = position(tuple(p), k, window)
        if inside(i, window.input_size):
            x[(n, c, *i)] += y[(n, c, *p)] / divisor[tuple(p)]
    return x


def subsample(x: Array, w: Array, b: Array, window: Window) -> Array:
    """``u[n, c, p] = b[c] + w[c] · Σ_k x[n, c, s·p + k]``: trainable sub-sampling before its activation."""
    u = np.zeros((*x.shape[:2], *output_size(window)), x.dtype)
    for n, c, *p in indices(u.shape):
        total = 0
        for k in indices(window.kernel_size):
            total += x[(n, c, *position(tuple(p), k, window))]
        u[(n, c, *p)] = b[c] + w[c] * total
    return u


def subsample_gradients(x: Array, w: Array, u: Array, window: Window) -> tuple[Array, Array, Array]:
    """What the cotangent u gives x, w and b: ``w[c]·u`` at every position of a window, ``Σ u·Σ_k x``, ``Σ u``."""
    x_bar, w_bar, b_bar = np.zeros_like(x), np.zeros_like(w), np.zeros_like(w)
    for n, c, *p in indices(u.shape):
        delta = u[(n, c, *p)]
        b_bar[c] += delta
        for k in indices(window.kernel_size):
            i = position(tuple(p), k, window)
            x_bar[(n, c, *i)] += w[c] * delta
            w_bar[c] += delta * x[(n, c, *i)]
    return x_bar, w_bar, b_bar


# --------------------------------------------------------------------------------------------- unfold and fold


def unfold(x: Array, window: Window) -> Array:
    """``v[n, (c k), p] = x[n, c, s·p + d·k − a]``, ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""
    size = output_size(window)
    v = np.zeros((*x.shape[:2], *window.kernel_size, *size), x.dtype)
    for k, p in product(indices(window.kernel_size), indices(size)):
        i = position(p, k, window)
        if inside(i, window.input_size):
            v[(slice(None), slice(None), *k, *p)] = x[(slice(None), slice(None), *i)]
    return v.reshape(len(x), x.shape[1] * prod(window.kernel_size), prod(size))


def fold(v: Array, window: Window) -> Array:
    """``x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} v[n, (c k), p]``, ``(N, C·ΠK, ΠP)`` → ``(N, C, *I)``."""
    size, channels = output_size(window), v.shape[1] // prod(window.kernel_size)
    v = v.reshape(len(v), channels, *window.kernel_size, *size)
    x = np.zeros((len(v), channels, *window.input_size), v.dtype)
    for k, p in product(indices(window.kernel_size), indices(size)):
        i = position(p, k, window)
        if inside(i, window.input_size):
            x[(slice(None), slice(None), *i)] += v[(slice(None), slice(None), *k, *p)]
    return x


# ---------------------------------------------------------------------------------------------------- padding


def constant_pad(x: Array, padding: tuple[tuple[int, int], ...], value: float = 0) -> Array:
    """``y[b, p] = x[b, p − a]`` where that is inside, `value` elsewhere; `padding` is ``(a, b)`` of the last axes."""
    lead = x.ndim - len(padding)
    sizes = (i + a + b for i, (a, b) in zip(x.shape[lead:], padding, strict=True))
    y = np.full((*x.shape[:lead], *sizes), value, x.dtype)
    for at in indices(y.shape):
        i = tuple(p - a for p, (a, _) in zip(at[lead:], padding, strict=True))
        if inside(i, x.shape[lead:]):
            y[at] = x[at[:lead] + i]
    return y


def source(p: int, size: int, sides: tuple[int, int], mode: str) -> int:
    """``i(p)`` on one axis, found by walking: bounce at either end, stop there, or start again from the other."""
    a, b = sides
    i, low, high = p - a, 0, size
    if mode == "circular":
        low, high = max(-a, 0), size - max(-b, 0)
    while not low <= i < high:
        if mode == "reflect":
            i = -i if i < 0 else 2 * (size - 1) - i
        elif mode == "replicate":
            i += 1 if i < 0 else -1
        else:
            i += high - low if i < low else low - high
    return i


def copies(size: Index, padding: tuple[tuple[int, int], ...], mode: str) -> Iterator[tuple[Index, Index]]:
    """Every output position p with the input position i(p) it is a copy of."""
    for p in indices(tuple(i + a + b for i, (a, b) in zip(size, padding, strict=True))):
        yield p, tuple(source(q, i, sides, mode) for q, i, sides in zip(p, size, padding, strict=True))


def extend(x: Array, padding: tuple[tuple[int, int], ...], mode: str) -> Array:
    """``y[b, p] = x[b, i(p)]``, ``(*B, *I)`` → ``(*B, *P)``."""
    lead = x.ndim - len(padding)
    sizes = (i + a + b for i, (a, b) in zip(x.shape[lead:], padding, strict=True))
    y = np.zeros((*x.shape[:lead], *sizes), x.dtype)
    for p, i in copies(x.shape[lead:], padding, mode):
        y[(..., *p)] = x[(..., *i)]
    return y


def fold_back(y: Array, size: Index, padding: tuple[tuple[int, int], ...], mode: str) -> Array:
    """``x[b, l] = Σ_{p : i(p) = l} y[b, p]``, ``(*B, *P)`` → ``(*B, *I)``: the gradient of `extend`."""
    x = np.zeros((*y.shape[: y.ndim - len(size)], *size), y.dtype)
    for p, i in copies(size, padding, mode):
        x[(..., *i)] += y[(..., *p)]
    return x


# ----------------------------------------------------------------------------------------- dense layers, losses


def linear(x: Array, w: Array, b: Array) -> Array:
    """``y[n, o] = b[o] + Σ_c x[n, c] · w[o, c]``."""
    y = np.zeros((len(x), len(w)), x.dtype)
    for n, o in indices(y.shape):
        y[n, o] = b[o] + sum(x[n, c] * w[o, c] for c in range(x.shape[1]))
    return y


def linear_gradients(x: Array, w: Array, y: Array) -> tuple[Array, Array, Array]:
    """``dx[n, c] = Σ_o y[n, o]·w[o, c]``, ``dW[o, c] = Σ_n y[n, o]·x[n, c]``, ``db[o] = Σ_n y[n, o]``."""
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w), x.dtype)
    for n, o, c in indices((*y.shape, x.shape[1])):
        dx[n, c] += y[n, o] * w[o, c]
        dw[o, c] += y[n, o] * x[n, c]
    for n, o in indices(y.shape):
        db[o] += y[n, o]
    return dx, dw, db


def log_softmax(z: Array) -> Array:
    """``y[n, c] = z[n, c] − log Σ_j e^z[n, j]``, the largest entry taken out of the sum."""
    y = np.zeros(z.shape)
    for n, row in enumerate(z):
        top = max(row)
        y[n] = row - (top + log(sum(exp(value - top) for value in row)))
    return y


def cross_entropy(z: Array, target: Array) -> tuple[float, Array]:
    """``E = −1/N Σ_n log p[n, t_n]`` and ``∂E/∂z = (p − one-hot(t))/N``."""
    y = log_softmax(z)
    gradient = np.exp(y)
    for n, t in enumerate(target):
        gradient[n, t] -= 1
    return -sum(y[n, t] for n, t in enumerate(target)) / len(z), gradient / len(z)


def taps(window: Window) -> int:
    """ΠK: terms of one window."""
    return prod(window.kernel_size)
