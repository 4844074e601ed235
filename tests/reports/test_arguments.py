"""Arguments as torch takes them: γ and β of any shape, a scalar bias, numbers of NumPy; messages that help."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import manualconv
import manualconv.functional as M
import manualconv.nn as MN
from manualconv import by_hand
from tests.bad_input.calls import outcome
from tests.layers import rounded, spread_out
from tests.reports.numbers_for import calls, values
from tests.reports.test_graph import ByHand

SHAPES: tuple[tuple[int, ...], ...] = ((1, 4), (4, 1), (2, 2), (4, 1, 1), (1, 4, 1, 1), (4, 1, 1, 1))


def _shaped(key: str, shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> dict[str, Any]:
    """Arguments of batch_norm with one of them, or all, in another shape."""
    kinds = {"weight": 1.5, "bias": 0.0, "running_mean": 0.0, "running_var": 3.0}
    numbers = {name: (spread_out((4,), n) + more).to(dtype) for n, (name, more) in enumerate(kinds.items())}
    return {name: t.reshape(shape) if key in (name, "both") else t for name, t in numbers.items()}


@pytest.mark.parametrize("size", [(2, 4), (2, 4, 5), (2, 4, 3, 5), (2, 4, 2, 3, 2)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_weight_of_c_numbers_in_another_shape_scales_the_channels(
    shape: tuple[int, ...], training: bool, size: tuple[int, ...]
) -> None:
    """Row 7; torch's forward takes it and its backward does not: ours has gradients in the parameter's own shape."""
    x = spread_out(size, 7).requires_grad_()
    flat, other = ({**_shaped("none", ()), **_shaped(key, shape)} for key in ("none", "weight"))
    for key in ("weight", "bias"):
        flat[key].requires_grad_()
        other[key] = flat[key].detach().reshape(shape).requires_grad_()
    expected = F.batch_norm(x, training=training, **{k: v if v.requires_grad else v.clone() for k, v in flat.items()})
    y = M.batch_norm(x, training=training, **other)
    assert y.shape == x.shape
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)
    cotangent = spread_out(size, 9)
    leaves = [(x, flat["weight"], flat["bias"]), (x, other["weight"], other["bias"])]
    theirs = torch.autograd.grad(expected, leaves[0], cotangent)
    ours = torch.autograd.grad(y, leaves[1], cotangent)
    for g, t, leaf in zip(ours, theirs, leaves[1]):
        assert g.shape == leaf.shape
        torch.testing.assert_close(g, t.reshape(g.shape), rtol=0, atol=1e-12)


@pytest.mark.parametrize("key", ["weight", "bias", "running_mean", "running_var"])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("shape", [*SHAPES, ()])
def test_what_torch_refuses_of_other_shapes_is_refused(shape: tuple[int, ...], own: bool, name: str, key: str) -> None:
    """Row 7: running statistics of batch norm are vectors; instance norm repeats all four, which have one axis."""
    channels = 1 if shape == () else 4
    numbers = {k: t[:channels].reshape(shape if k == key else (channels,)) for k, t in _shaped("none", ()).items()}
    x = spread_out((2, channels, 3, 5), 7)
    training = {"training" if name == "batch_norm" else "use_input_stats": own}
    theirs, ours = (
        outcome(lambda f: getattr(f, name)(x, **{k: t.clone() for k, t in numbers.items()}, **training), library)
        for library in (F, M)
    )
    assert ours.error is theirs.error, (theirs, ours)
    if theirs.error is None:
        torch.testing.assert_close(ours.value, theirs.value, rtol=0, atol=1e-12)
    else:
        assert ours.message.startswith(theirs.message.split(" but")[0]) and ours.message.endswith("]")


def test_a_weight_in_another_shape_is_right_in_half_precision_expanded_mapped_and_under_by_hand() -> None:
    """Row 7, the variations: mixed dtypes, a stride of 0, a slice, vmap over the weight, torch's own name."""
    x, w = spread_out((2, 3, 2, 2)).float(), spread_out((3, 1, 1, 1), 3).float()
    right = M.batch_norm(x, None, None, w.flatten(), None, True)
    rounded(M.batch_norm(x, None, None, w, None, True), right)
    half = M.batch_norm(x.bfloat16(), None, None, w, w, True)
    rounded(half, M.batch_norm(x.bfloat16(), None, None, w.flatten(), w.flatten(), True))
    for odd in (torch.ones(1, 1).expand(3, 1), torch.arange(6.0).reshape(3, 2)[:, :1], torch.ones(3, 1, 2)[..., 0]):
        expected = M.batch_norm(x, None, None, odd.flatten(), odd.flatten(), True)
        rounded(M.batch_norm(x, None, None, odd, odd, True), expected)
    many = torch.stack([w, 2 * w])
    mapped = torch.vmap(lambda v: M.batch_norm(x, None, None, v, None, True))(many)
    torch.testing.assert_close(mapped, torch.stack([right, 2 * right]), rtol=0, atol=1e-6)
    with by_hand():
        rounded(F.batch_norm(x, None, None, w, None, True), right)
        rounded(torch.batch_norm(x, w, None, None, None, True, 0.1, 1e-5, False), right)


@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
@pytest.mark.parametrize("size", [(0,), (0, 4), (0, 4, 3), (2, 0, 3), (2, 4, 0)])
@pytest.mark.parametrize("channels", [None, 0, 4, 7])
def test_an_input_without_entries_is_normalised_as_torch_does(
    name: str, size: tuple[int, ...], channels: int | None
) -> None:
    """Rows 7 and 21: no channel, no sample, no position; an empty vector; parameters of any length, as torch."""
    x = torch.zeros(size, requires_grad=True)
    for own in (True, False):
        w = None if channels is None else torch.ones(channels, requires_grad=True)
        came = []
        for library in (F, M):
            statistics = (None, None) if own else (torch.zeros(channels or 0), torch.ones(channels or 0))
            y = outcome(lambda f: getattr(f, name)(x, *statistics, w, w, own), library)  # noqa: B023
            came.append(y)
        theirs, ours = came
        if theirs.message.startswith("select()"):  # torch looks for the first of no parameters; there is an answer
            assert w is not None
            assert ours.value.shape == size and torch.autograd.grad(ours.value.sum(), w)[0].shape == w.shape
            continue
        assert ours.error is theirs.error, (own, theirs, ours)
        if theirs.error is None:
            assert ours.value.shape == theirs.value.shape and ours.value.dtype == theirs.value.dtype
            leaves = (x,) if w is None else (x, w)
            gradients = [torch.autograd.grad(y.value.sum(), leaves) for y in came]
            for a, b in zip(*gradients):
                assert torch.equal(a, b)


@pytest.mark.parametrize("size", [(4,), (3, 4), (2, 3, 4), (0, 3, 4)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.int64, torch.complex64])
@pytest.mark.parametrize("bias", [2.0, 3, True, 1j])
@pytest.mark.parametrize("of", [torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.complex128])
def test_a_one_dimensional_weight_takes_a_scalar_bias_of_another_dtype(
    size: tuple[int, ...], dtype: torch.dtype, bias: Any, of: torch.dtype
) -> None:
    """Also seen, smaller: added as torch adds a number, refused where the result could not be held."""
    if isinstance(bias, complex) and not of.is_complex:
        return
    x, w, b = (
        torch.arange(2 * 3 * 4).reshape(2, 3, 4)[..., :4].to(dtype),
        torch.ones(4, dtype=dtype),
        torch.tensor(bias).to(of),
    )
    x = x.reshape(-1)[: torch.Size(size).numel()].reshape(size)
    theirs, ours = (outcome(lambda f: f.linear(x, w, b), library) for library in (F, M))
    assert ours.error is theirs.error, (theirs, ours)
    if theirs.error is None:
        assert ours.value.dtype == theirs.value.dtype and torch.equal(ours.value, theirs.value)


def test_the_gradient_of_a_scalar_bias_has_its_dtype() -> None:
    x, w = spread_out((2, 3, 4)).float(), spread_out((4,), 1).float().requires_grad_()
    for dtype in (torch.float64, torch.float16):
        b = torch.tensor(2.0, dtype=dtype, requires_grad=True)
        theirs, ours = (torch.autograd.grad(f.linear(x, w, b).sum(), (w, b)) for f in (F, M))
        assert [g.dtype for g in ours] == [g.dtype for g in theirs] == [torch.float32, dtype]
        torch.testing.assert_close(ours, theirs)


#: What torch does there, and why ours does not: (part of the function's name, argument, part of the value's name).
APART = {
    **{("fold", "", kind): "other axes than two" for kind in ("tuple", "Size", "list", "(1,)", "range", "set")},
    ("lp_pool", "norm_type", "tensor"): "a constant here: a gradient is refused, and two powers are",
    ("unpool", "kernel_size", "0"): "an output of no positions: the indices lie outside",
    ("unpool", "kernel_size", "False"): "an output of no positions",
    ("unpool1d", "output_size", "range"): "torch adds a tuple to it",
    ("unpool1d", "output_size", "set"): "torch looks for its first",
    ("elu", "alpha", "NaN"): "which entries it reaches",
    ("elu", "alpha", "infinity"): "which entries it reaches",
    ("softplus", "threshold", "NaN"): "comparisons with it",
}
#: Errors that are no answer of torch's but its own stumbling: ours says something better, or takes the number.
STUMBLES = (
    "INTERNAL ASSERT",
    "isIntegral",
    "ambiguous",
    "ufunc",
    "cond must be",
    '_cpu" not implemented',
    "unpack",
    "Subtraction",
)


def _apart(name: str, key: str, value: str) -> bool:
    return any(f in name and k in key and v in value for f, k, v in APART)


def _result(library: Any, name: str, arguments: dict[str, Any]) -> Any:
    """The result, and the gradient of its input, of copies; running statistics too."""
    copies = {k: t.clone() if isinstance(t, Tensor) and k != "target" else t for k, t in arguments.items()}
    x = copies["input"].detach().requires_grad_()
    y = getattr(library, name)(**{**copies, "input": x})
    gradient = torch.autograd.grad(y.sum(), x)[0] if y.requires_grad and y.numel() > 0 else None
    return y.detach(), gradient, copies.get("running_mean"), copies.get("running_var")


CALLS = list(calls())


#: Every call by our function, and one whose numbers torch's own parser reads under `by_hand`.
RUNS = {f"{n}-{name}": (n, M) for n, (name, _, _) in enumerate(CALLS)}
RUNS |= {f"{key} by hand": (n, ByHand()) for key, (n, _) in RUNS.items() if "hardtanh" in key}


@pytest.mark.parametrize(("number", "library"), RUNS.values(), ids=RUNS)
def test_whatever_stands_for_a_number_is_read_as_torch_reads_it(number: int, library: Any) -> None:
    """Row 14: torch takes it, ours takes it and gives the same; torch refuses it, so does ours, with the same type."""
    name, arguments, keys = CALLS[number]
    for key, n in keys.items():
        for (what, value), (_, again) in zip(values(n), values(n), strict=True):
            if _apart(name, key, what):
                continue
            theirs = outcome(lambda f: _result(f, name, {**arguments, key: value}), F)  # noqa: B023
            ours = outcome(lambda f: _result(f, name, {**arguments, key: again}), library)  # noqa: B023
            where = f"{name}({key}={what}): {theirs.message[:90]} | {ours.message[:150]}"
            if theirs.error is not None and any(words in theirs.message for words in STUMBLES):
                continue
            if "unpool" in name and theirs.error is not None is not ours.error:
                continue  # torch reckons with whatever comes, and stumbles later
            assert ours.error is theirs.error, where
            if theirs.error is None:
                torch.testing.assert_close(ours.value, theirs.value, rtol=1e-4, atol=1e-4, equal_nan=True, msg=where)


def test_numbers_of_numpy_and_tensors_are_read_by_layers_too() -> None:
    """Row 14: modules that are made with them."""
    x = spread_out((1, 4, 9, 9)).float()
    for make in (
        lambda nn: nn.Conv2d(4, np.int64(6), np.int32(3), np.int64(2), np.int8(1), groups=np.int64(2)),
        lambda nn: nn.MaxPool2d(np.int64(3), np.int64(2), (np.int64(1), torch.tensor(1))),
        lambda nn: nn.AvgPool2d(torch.tensor(3), np.uint8(2)),
        lambda nn: nn.GroupNorm(np.int64(2), 4, eps=np.float64(0.5)),
        lambda nn: nn.BatchNorm2d(4, np.float32(0.5), np.float32(0.25)),
        lambda nn: nn.LayerNorm(np.int64(9), eps=np.float32(0.5)),
        lambda nn: nn.Unfold(np.int64(3), stride=np.int64(2)),
        lambda nn: nn.LPPool2d(np.float64(2), np.int64(3), np.int64(2)),
        lambda nn: nn.ZeroPad2d(np.int64(2)),
        lambda nn: nn.ConstantPad2d(1, np.float32(0.5)),
        lambda nn: nn.LocalResponseNorm(np.int64(3), np.float32(0.5), np.float32(0.5), np.float32(2)),
        lambda nn: nn.Softmax(np.int64(1)),
    ):
        came = []
        for library in (torch.nn, MN):
            torch.manual_seed(0)
            came.append(outcome(lambda f: make(f)(x.abs()), library))  # noqa: B023
        assert came[1].error is came[0].error, came
        if came[0].error is None:
            torch.testing.assert_close(came[1].value, came[0].value, rtol=1e-5, atol=1e-5)


def test_a_one_hot_target_of_nll_loss_is_told_how_to_become_class_numbers() -> None:
    """Row 25: probabilities are cross_entropy's business, not nll_loss's."""
    log_p, target = spread_out((3, 4)), torch.eye(4)[:3]
    for t in (target, target.long()):
        with pytest.raises(RuntimeError, match=r"multi-target not supported") as error:
            M.nll_loss(log_p, t)
        assert "target.argmax(1)" in str(error.value) and "cross_entropy takes probabilities" in str(error.value)
    with pytest.raises(RuntimeError, match=r"multi-target not supported.*flatten"):
        M.nll_loss(log_p, torch.zeros(3, 1, dtype=torch.int64))
    with pytest.raises(RuntimeError, match=r"Long or Byte.*target.long.*only cross_entropy takes probabilities"):
        M.nll_loss(log_p, torch.zeros(3))
    assert torch.equal(M.nll_loss(log_p, target.argmax(1)), M.nll_loss(log_p, torch.arange(3)))


@pytest.mark.parametrize(
    ("module", "name", "says"),
    [
        (M, "kl_div", "no hand-written function of that name; torch.nn.functional.kl_div is torch's own"),
        (M, "erf", "torch.erf is torch's own"),
        (M, "max_pol2d", "did you mean max_pool2d"),
        (M, "Conv2d", "layers are in manualconv.nn"),
        (M, "xyzzy", "nor is it in torch"),
        (MN, "functional", "the functions are in manualconv.functional"),
        (MN, "PReLU", "torch.nn.PReLU is torch's own"),
        (MN, "parallel", "torch.nn.parallel is torch's own"),
        (MN, "Conv2D", "did you mean Conv2d?"),
        (manualconv, "Conv2d", "there is manualconv.nn.Conv2d"),
        (manualconv, "conv2d", "there is manualconv.functional.conv2d"),
        (manualconv, "by_hands", "did you mean by_hand?"),
    ],
)
def test_a_name_that_is_not_there_says_where_to_look(module: Any, name: str, says: str) -> None:
    """Row 25: of the package and its two rooms."""
    with pytest.raises(AttributeError) as error:
        getattr(module, name)
    assert str(error.value).startswith(f"module '{module.__name__}' has no attribute {name!r}: ")
    assert says in str(error.value)
