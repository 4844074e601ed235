"""The error of softmaxes, losses, norms and activations far from one, in roundings: bounded, and beside torch's own.

    magnitudes 10⁻³⁰ … 10³⁰ and offsets up to 10⁸, as far as the dtype has them; forward and gradient

    float64, float32   e ≤ the bound that stands beside the function
    norms              e ≤ 4 + log₂ m, m the entries of a mean; S is of the centred entries: an offset adds nothing;
                       the gradients of γ and β too
    half precision     e ≤ 1 + a hundredth: computed in float32, rounded once.  Slopes in y take y as it was rounded.

and no larger than torch's, or than the roundings that exponentials and logarithms of one library may differ by
(`BESIDE`).  e = |y − y*|/(u·S), where S is |y*| and what a rounding of the input's difference z − m, or of the output
that a slope is written in, moves it by; for gelu, whose 1 + erf cancels below 0, also |z|.  Results below the smallest
normal number are not counted.

y* is of mpmath's 40 digits for functions of one number (it comes with torch's sympy), and of NumPy's long double (64
bits) for rows.

Source: Higham, *Accuracy and Stability of Numerical Algorithms*, sections 2.2 and 3.1; `manualconv.testing.judge`.
"""

from collections.abc import Callable, Sequence
from math import inf, log2, prod
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.judge import ROUNDING

Wide = np.ndarray[Any, np.dtype[np.longdouble]]
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: str(d)[6:])
#: Roundings that two right libraries may differ by.
BESIDE = 3.0


def wide(t: Tensor) -> Wide:
    """A tensor's numbers, exactly, in long double."""
    return t.detach().double().numpy().astype(np.longdouble)


def long_double(v: Any) -> np.longdouble:
    """A number of mpmath's, which has no smallest."""
    return np.longdouble(0) if abs(v) < mp.mpf("1e-4000") else np.longdouble(mp.nstr(v, 25))


def errors(got: Tensor, exact: Wide, scale: Wide) -> Wide:
    """e of every entry whose exact value the dtype has."""
    kind = torch.finfo(got.dtype)
    distance = np.abs(wide(got) - exact) - kind.smallest_normal
    counted = (np.abs(exact) <= kind.max) & np.isfinite(scale)
    e = np.maximum(distance[counted], 0) / (ROUNDING[got.dtype] * np.maximum(scale[counted], kind.smallest_normal))
    assert not np.isnan(e).any()
    return e


def worst(got: Tensor, exact: Wide, scale: Wide) -> float:
    """The largest e, infinite for a NaN."""
    if got.isnan().any():
        return inf
    return float(errors(got, exact, scale).max(initial=0))


def numbers(dtype: torch.dtype) -> Tensor:
    """±1.37·10^k, and the places where exponentials happen; those that the dtype has."""
    far = [sign * 1.37 * 10.0**k for k in range(-30, 31) for sign in (1, -1)]
    z = torch.tensor([*far, *torch.linspace(-40, 40, 161).tolist()], dtype=torch.float64).to(dtype)
    return z[z.isfinite()]


def forward_and_gradient(
    name: str,
    apply: Callable[..., Tensor],
    z: Tensor,
    cotangent: Tensor,
    exact: Sequence[Wide],
    scales: Sequence[Wide],
    bounds: tuple[float, ...],
    parameters: tuple[Tensor, ...] = (),
) -> None:
    """Both of a function of ours and of torch's, given the library, measured and asked."""
    found = []
    for library in (functional, F):
        leaves = [t.clone().requires_grad_() for t in (z, *parameters)]
        y = apply(library, *leaves)
        found.append((y.detach(), *grad(y, leaves, cotangent)))
    parts = ("forward", "gradient", "gradient of γ", "gradient of β")
    for part, bound, right, scale, *both in zip(parts, bounds, exact, scales, *found):
        ours, theirs = (worst(t, right, scale) for t in both)
        asked, beside = (1.01, 1.01) if z.dtype.itemsize == 2 else (bound, BESIDE)
        print(f"{name + ', ' + part:44} {str(z.dtype)[6:]:9} bound {asked:7.2f}   e {ours:6.2f}   torch {theirs:9.2f}")
        assert ours <= asked, (name, part)
        assert ours <= max(theirs, beside), (name, part)


# ------------------------------------------------------------------------------------------------------ activations

One = Callable[[Any], Any]


def sigma(z: Any) -> Any:
    """σ, whose e^(−z) mpmath does not hold for the largest z."""
    return 1 / (1 + mp.exp(-z)) if z > -1000 else mp.exp(z)


def log_sigma(z: Any) -> Any:
    return -mp.log1p(mp.exp(-z)) if z > 0 else z - mp.log1p(mp.exp(z))


def tau(z: Any) -> Any:
    """tanh(softplus z)."""
    return mp.tanh(-log_sigma(-z))


def mish_slope(z: Any) -> Any:
    return tau(z) + z * sigma(z) * mp.sech(-log_sigma(-z)) ** 2


def inner(z: Any) -> Any:
    return mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z**3)


def tanh_gelu_slope(z: Any) -> Any:
    u = mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * z**2)
    return (1 + mp.tanh(inner(z))) / 2 + z * mp.sech(inner(z)) ** 2 * u / 2


def selu_or(z: Any, value: Any) -> Any:
    return mp.mpf("1.0507009873554804934193349852946") * (z if z > 0 else value)


SELU_ALPHA = mp.mpf("1.6732632423543772848170429916717")


def nothing(z: Any) -> Any:
    return 0


class Exact(NamedTuple):
    """y and φ′, what the scales of both have beside |y| and |φ′|, and the bounds."""

    value: One
    slope: One
    more: One = nothing
    more_of_slope: One = nothing
    bounds: tuple[float, float] = (4, 4)


def tail(z: Any) -> Any:
    """What cancels in gelu below 0."""
    return min(-z, 40) if z < 0 else 0


def size(z: Any) -> Any:
    return 1 + min(abs(z), 40)


ACTIVATIONS = {
    "sigmoid": Exact(sigma, lambda z: sigma(z) * sigma(-z), more_of_slope=sigma),
    "tanh": Exact(mp.tanh, lambda z: mp.sech(z) ** 2, more_of_slope=lambda z: 2 * mp.tanh(z) ** 2),
    "logsigmoid": Exact(log_sigma, lambda z: sigma(-z)),
    "softplus": Exact(lambda z: z if z > 20 else -log_sigma(-z), lambda z: 1 if z > 20 else sigma(z)),
    "silu": Exact(
        lambda z: z * sigma(z),
        lambda z: sigma(z) * (1 + z * sigma(-z)),
        more_of_slope=lambda z: sigma(z) * size(z),
        bounds=(4, 8),
    ),
    "mish": Exact(lambda z: z * tau(z), mish_slope, more_of_slope=lambda z: tau(z) * size(z), bounds=(6, 8)),
    "gelu": Exact(lambda z: z * mp.ncdf(z), lambda z: mp.ncdf(z) + z * mp.npdf(z), tail, lambda z: 1, (4, 8)),
    "gelu by tanh": Exact(lambda z: z * (1 + mp.tanh(inner(z))) / 2, tanh_gelu_slope, tail, size, (4, 8)),
    "elu": Exact(lambda z: z if z > 0 else mp.expm1(z), lambda z: 1 if z > 0 else mp.exp(z)),
    "selu": Exact(
        lambda z: selu_or(z, SELU_ALPHA * mp.expm1(min(z, 0))),
        lambda z: selu_or(1 if z > 0 else -1, SELU_ALPHA * mp.exp(min(z, 0))),
    ),
}


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_far_from_one(name: str, dtype: torch.dtype) -> None:
    value, slope, more, more_of_slope, bounds = ACTIVATIONS[name]
    options = {"approximate": "tanh"} if name == "gelu by tanh" else {}
    z = numbers(dtype)
    with mp.workdps(40):
        points = [mp.mpf(v) for v in z.double().tolist()]
        exact, room = (
            [np.array([long_double(mp.mpf(f(v))) for v in points]) for f in functions]
            for functions in ((value, slope), (more, more_of_slope))
        )
    scales = [np.abs(right) + extra for right, extra in zip(exact, room)]
    forward_and_gradient(
        name, lambda f, t: getattr(f, name.split(" ")[0])(t, **options), z, torch.ones_like(z), exact, scales, bounds
    )


# ------------------------------------------------------------------------------------------------------------- rows


def rows(dtype: torch.dtype, offset: float, entries: int = 10) -> Tensor:
    """Rows of every magnitude, moved by the offset; those that the dtype has."""
    z = torch.randn(61, 4, entries, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = (z * 10.0 ** torch.arange(-30, 31).reshape(-1, 1, 1) + offset).reshape(-1, entries).to(dtype)
    return z[z.isfinite().all(1)]


def probabilities(z: Wide) -> tuple[Wide, Wide, Wide]:
    """d = z − m, p and log p."""
    d = z - z.max(1, keepdims=True)
    e = np.exp(d)
    return d, e / e.sum(1, keepdims=True), d - np.log(e.sum(1, keepdims=True))


OFFSETS = [0.0, 1.0, -1e3, 1e4, -1e6, 1e8]


@every_dtype
@pytest.mark.parametrize("offset", OFFSETS)
def test_softmaxes_and_cross_entropies_far_from_one(offset: float, dtype: torch.dtype) -> None:
    z = rows(dtype, offset)
    g = torch.randn(z.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    target = torch.arange(len(z)) % z.shape[1]
    d, p, y = probabilities(wide(z))
    h = wide(g)
    chosen = np.eye(z.shape[1], dtype=np.longdouble)[target.numpy()]
    # A p of d = −1000 is 0 however far d moves.
    moved = p * (1 + np.minimum(np.abs(d), 200))
    cases: dict[str, tuple[Callable[[Any, Tensor], Tensor], tuple[Wide, ...], tuple[Wide, ...]]] = {
        "softmax": (
            lambda f, t: f.softmax(t, 1),
            (p, p * (h - (p * h).sum(1, keepdims=True))),
            (
                moved,
                moved * (np.abs(h) + (p * np.abs(h)).sum(1, keepdims=True))
                + p * (moved * np.abs(h)).sum(1, keepdims=True),
            ),
        ),
        "log_softmax": (
            lambda f, t: f.log_softmax(t, 1),
            (y, h - p * h.sum(1, keepdims=True)),
            (np.abs(d) + np.abs(y) + 1, np.abs(h) + (moved + p) * np.abs(h).sum(1, keepdims=True)),
        ),
        "cross_entropy": (
            lambda f, t: f.cross_entropy(t, target, reduction="none"),
            (-(y * chosen).sum(1), p - chosen),
            ((np.abs(d) * chosen).sum(1) + np.abs((y * chosen).sum(1)) + 1, moved + p + chosen),
        ),
    }
    for name, (apply, exact, scales) in cases.items():
        cotangent = torch.ones(len(z), dtype=dtype) if name == "cross_entropy" else g
        bounds = (z.shape[1] + 4,) * 2
        forward_and_gradient(f"{name}, offset {offset:g}", apply, z, cotangent, exact, scales, bounds)


# ----------------------------------------------------------------------------------------------------------- losses


def huber(r: Wide, delta: float, divisor: float) -> tuple[Wide, Wide]:
    """Value and slope."""
    a = np.abs(r)
    value = np.where(a <= delta, a * a / (2 * np.longdouble(divisor)), (a - np.longdouble(delta) / 2) * delta / divisor)
    return value, np.clip(r, -delta, delta) / np.longdouble(divisor)


def of_logits(z: Wide, t: Wide) -> tuple[Wide, Wide]:
    """The cross-entropy of a coin and its slope, by terms that do not cancel."""
    small = np.exp(-np.abs(z))
    softplus = np.maximum(z, 0) + np.log1p(small)
    of_minus = np.maximum(-z, 0) + np.log1p(small)
    up, down = (np.where(s > 0, 1, small) / (1 + small) for s in (z, -z))
    return t * of_minus + (1 - t) * softplus, (1 - t) * up - t * down


LOSSES: dict[str, tuple[dict[str, float], Callable[[Wide, Wide], tuple[Wide, Wide]]]] = {
    "mse_loss": ({}, lambda x, t: ((x - t) ** 2, 2 * (x - t))),
    "l1_loss": ({}, lambda x, t: (np.abs(x - t), np.sign(x - t))),
    "smooth_l1_loss": ({"beta": 1.0}, lambda x, t: huber(x - t, 1.0, 1.0)),
    "smooth_l1_loss of 1e-20": ({"beta": 2.0**-66}, lambda x, t: huber(x - t, 2.0**-66, 2.0**-66)),
    "smooth_l1_loss of 1e20": ({"beta": 2.0**66}, lambda x, t: huber(x - t, 2.0**66, 2.0**66)),
    "huber_loss of 1e10": ({"delta": 2.0**33}, lambda x, t: huber(x - t, 2.0**33, 1.0)),
    "binary_cross_entropy_with_logits": ({}, of_logits),
}


@every_dtype
@pytest.mark.parametrize("offset", [0.0, 1e3, -1e8])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_far_from_one(name: str, offset: float, dtype: torch.dtype) -> None:
    options, formula = LOSSES[name]
    x = rows(dtype, offset)
    generator = torch.Generator().manual_seed(2)
    if name.startswith("binary"):
        t = torch.randint(2, x.shape, generator=generator).to(dtype)
    else:
        t = (rows(dtype, offset) * torch.rand(x.shape, generator=generator)).to(dtype)
    exact = formula(wide(x), wide(t))
    forward_and_gradient(
        f"{name}, offset {offset:g}",
        lambda f, x: getattr(f, name.split(" ")[0])(x, t, reduction="none", **options),
        x,
        torch.ones_like(x),
        exact,
        [np.abs(right) for right in exact],
        (6, 6),
    )


# ------------------------------------------------------------------------------------------------------------ norms

EPS = 1e-5
#: name → the axes of (8, 6, 10, 10) that share a mean, the shape of γ and β, and the call.
NORMS: dict[str, tuple[tuple[int, ...], tuple[int, ...], Callable[..., Tensor]]] = {
    "batch_norm": (
        (0, 2, 3),
        (6, 1, 1),
        lambda f, x, w, b: f.batch_norm(x, None, None, w.flatten(), b.flatten(), True, eps=EPS),
    ),
    "instance_norm": (
        (2, 3),
        (6, 1, 1),
        lambda f, x, w, b: f.instance_norm(x, None, None, w.flatten(), b.flatten(), eps=EPS),
    ),
    "layer_norm": ((2, 3), (10, 10), lambda f, x, w, b: f.layer_norm(x, (10, 10), w, b, EPS)),
    "group_norm": ((1, 2, 3), (6, 1, 1), lambda f, x, w, b: f.group_norm(x, 1, w.flatten(), b.flatten(), EPS)),
}
#: Squares of more, or of the differences of more, are infinite in the dtype that the norm is computed in.
LARGEST = {torch.float64: 30, torch.float32: 15, torch.float16: 4, torch.bfloat16: 15}
SPREADS = [(magnitude, 0.0) for magnitude in (-30, -10, -3, 0, 3, 10, 15, 30)]
SPREADS += [(0, offset) for offset in (1.0, -1e2, 1e4, 1e6, -1e8)]


@every_dtype
@pytest.mark.parametrize("name", NORMS)
def test_norms_far_from_one(name: str, dtype: torch.dtype) -> None:
    """No digit is lost to an offset: S is of the centred entries, |x̂| and their mean, where torch's error is of |x|."""
    axes, affine, apply = NORMS[name]
    generator = torch.Generator().manual_seed(3)
    unit, g, w, b = (
        torch.randn(size, generator=generator, dtype=torch.float64)
        for size in ((8, 6, 10, 10), (8, 6, 10, 10), affine, affine)
    )
    g, w, b = g.to(dtype), (1 + w / 4).to(dtype), b.to(dtype)
    m, others = prod(unit.shape[axis] for axis in axes), (0, 1) if len(affine) == 2 else (0, 2, 3)

    def mean(t: Wide) -> Wide:
        return t.mean(axes, keepdims=True)

    def total(t: Wide) -> Wide:
        return t.sum(others).reshape(affine)

    for magnitude, offset in SPREADS:
        x = (unit * 10.0**magnitude + offset).to(dtype)
        if magnitude > LARGEST[dtype] or abs(offset) > torch.finfo(dtype).max:
            continue
        z, h = wide(x), wide(w) * wide(g)
        centred = z - mean(z)
        # Long double has 11 bits more than float64, and an offset of 10⁸ takes 27.
        centred = centred - mean(centred)
        r = 1 / np.sqrt(mean(centred * centred) + np.longdouble(EPS))
        x_hat = r * centred
        size = np.abs(x_hat) + mean(np.abs(x_hat))
        products = np.abs(x_hat) * mean(np.abs(h) * size) + size * mean(np.abs(h) * np.abs(x_hat))
        exact = (
            wide(w) * x_hat + wide(b),
            r * (h - mean(h) - x_hat * mean(h * x_hat)),
            total(wide(g) * x_hat),
            total(wide(g)),
        )
        scales = (
            np.abs(wide(w)) * size + np.abs(wide(b)),
            r * (np.abs(h) + mean(np.abs(h)) + products),
            total(np.abs(wide(g)) * size),
            total(np.abs(wide(g))),
        )
        label = f"{name}, 1e{magnitude} around {offset:g}"
        bounds = (log2(m) + 4,) * 4
        forward_and_gradient(label, apply, x, g, exact, scales, bounds, (w, b))
