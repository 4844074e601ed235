"""Layers on paper: each printed sum is right, each result is torch's, each line of code is there and says it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

import manualconv
from manualconv.explain import Figure, worked_example
from manualconv.explain.worked import TOPICS, topic
from manualconv.explain.worked.convolution import convolution
from manualconv.explain.worked.dense import activation, linear
from manualconv.explain.worked.normalization import batch_norm, dropout
from manualconv.explain.worked.pooling import pooling
from manualconv.explain.worked.probabilities import cross_entropy, softmax, squared_error
from manualconv.explain.worked.signal import shift_add
from manualconv.explain.worked.subsampling import subsampling
from manualconv.testing.cases import Convolution as Case
from manualconv.testing.cases import convolutions
from tests.explain.reading import results, same, tensors

ROOT = Path(manualconv.__file__).parents[1]
#: A page is some hundred lines, each computed twice.
FEW = settings(max_examples=max(25, settings.default.max_examples // 4))


def drawn(data: st.DataObject, *shape: int) -> Tensor:
    """Whole numbers from −9 to 9."""
    seed = data.draw(st.integers(0, 2**32))
    return torch.randint(-9, 10, shape, generator=torch.Generator().manual_seed(seed)).double()


# ----------------------------------------------------------------------------------------------- convolution


@FEW
@given(case=st.sampled_from((1, 2)).flatmap(convolutions), seed=st.integers(0, 99))
def test_a_convolution_s_numbers_are_torch_s(case: Case, seed: int) -> None:
    """A5, A6, B4 to B6: one sample, any channels, groups, strides, dilations and paddings."""
    window = case.window
    assume(case.batch)
    x, w, y = (t.double() for t in case.batched())
    x, y = x[:1], y[:1]
    b = torch.randint(-9, 10, w.shape[:1], generator=torch.Generator().manual_seed(seed)).double()
    leaves = [t.clone().requires_grad_() for t in (x, w, b)]
    frame = [side for pair in reversed(window.padding) for side in pair]
    theirs = (F.conv1d, F.conv2d)[window.ndim - 1]
    z = theirs(F.pad(leaves[0], frame), *leaves[1:], window.stride, 0, window.dilation, window.groups)
    gradients = grad(z, leaves, y)
    page = convolution(x[0], w, b, y[0], window.stride, window.padding, window.dilation, window.groups)
    found = tensors(page)
    for name, expected in zip(("Z", "dA", "dW", "db"), (z, *gradients), strict=True):
        assert found[name] == expected.detach().flatten().tolist()  # small whole numbers: exactly
    inner = [float((a * c).sum()) for a, c in ((z.detach() - b.reshape(-1, *(1,) * window.ndim), y), (x, gradients[0]))]
    assert inner[0] == inner[1] == found["<A, dA>"][0] == found["<W, dW>"][0]


def test_the_words_that_a_reader_meets_elsewhere_are_explained_here() -> None:
    text = str(worked_example("conv"))
    for word in (
        "cotangent of Z: ∂E/∂Z",
        "three slots",
        "(g c) is channel c of group g",
        "x̄ is dA",
        "i = s*p + d*k - a",
    ):
        assert word in text
    assert "(g o) (1 0), number 1, reads (g c) (1 0), (1 1), numbers 2, 3" in text


def test_the_rotated_kernel_and_its_gradient_stand_at_stride_one_alone() -> None:
    one, two = convolution(), convolution(dZ=torch.ones(1, 1, 1), stride=2)
    assert "W turned = -1 0    dA = 1 2  0" in one.text
    assert "W turned" not in two.text


def test_entries_are_named_by_their_positions_the_channel_only_where_there_are_several() -> None:
    one = [name for name, _ in results(convolution()) if name.startswith("dA")]
    assert one == [f"dA[{r},{c}]" for r in range(3) for c in range(3)]
    A, W = torch.ones(2, 1, 3), torch.ones(3, 2, 1, 2)
    several = [name for name, _ in results(convolution(A, W, torch.ones(3), torch.ones(3, 1, 2)))]
    assert several[:6] == [f"Z[{o},0,{p}]" for o in range(3) for p in range(2)]
    assert several[6:12] == [f"dA[{c},0,{i}]" for c in range(2) for i in range(3)]
    assert several[12:24] == [f"dW[{o},{c},0,{k}]" for o in range(3) for c in range(2) for k in range(2)]


# ----------------------------------------------------------------------------------------------- other layers


@FEW
@given(data=st.data(), size=st.integers(1, 5), kernel=st.integers(1, 3), stride=st.integers(1, 3))
def test_pooling_s_numbers_are_torch_s(data: st.DataObject, size: int, kernel: int, stride: int) -> None:
    """B8 to B10, with ties and overlapping windows among the draws."""
    width = data.draw(st.integers(kernel, 5))
    size, padding = max(size, kernel), data.draw(st.integers(0, kernel // 2))
    A = drawn(data, size, width)
    most = F.max_pool2d(A[None].requires_grad_(), kernel, stride, padding)
    dZ, dZ_mean = (drawn(data, *most.shape[1:]) for _ in range(2))
    found = tensors(pooling(A, dZ, dZ_mean, kernel, stride, padding))
    leaf = A[None].clone().requires_grad_()
    maxima, means = F.max_pool2d(leaf, kernel, stride, padding), F.avg_pool2d(leaf, kernel, stride, padding)
    both = (grad(maxima, leaf, dZ[None])[0], grad(means, leaf, dZ_mean[None])[0])
    assert same(found["Z"], torch.cat((maxima.flatten(), means.flatten())))
    assert same(found["dA"], torch.cat([t.flatten() for t in both]))


@FEW
@given(data=st.data(), samples=st.integers(1, 3), channels=st.integers(1, 4), outputs=st.integers(1, 3))
def test_a_linear_layer_s_numbers_are_torch_s(data: st.DataObject, samples: int, channels: int, outputs: int) -> None:
    sizes = ((samples, channels), (outputs, channels), (outputs,), (samples, outputs))
    A, W, b, dZ = (drawn(data, *size) for size in sizes)
    leaves = [t.clone().requires_grad_() for t in (A, W, b)]
    z = F.linear(*leaves)
    found = tensors(linear(A, W, b, dZ))
    for name, expected in zip(("Z", "dA", "dW", "db"), (z, *grad(z, leaves, dZ)), strict=True):
        assert found[name] == expected.detach().flatten().tolist()


@FEW
@given(data=st.data(), count=st.integers(1, 4))
def test_activations_numbers_are_torch_s(data: st.DataObject, count: int) -> None:
    Z, dA = drawn(data, count) / 4, drawn(data, count)
    found = tensors(activation(Z, dA))
    leaf = Z.clone().requires_grad_()
    values = [f(leaf) for f in (torch.relu, torch.sigmoid, torch.tanh)]
    assert same(found["A"], torch.cat(values))
    assert same(found["dZ"], torch.cat([grad(a, leaf, dA)[0] for a in values]))


@FEW
@given(data=st.data(), count=st.integers(2, 4))
def test_softmax_and_the_losses_are_torch_s(data: st.DataObject, count: int) -> None:
    """B15 to B17."""
    z, dp, t = drawn(data, count) / 4, drawn(data, count), drawn(data, count)
    target = data.draw(st.integers(0, count - 1))
    leaf = z.clone().requires_grad_()
    p = leaf.softmax(0)
    jacobian = torch.autograd.functional.jacobian(lambda u: u.softmax(0), z)
    found = tensors(softmax(z, dp))
    assert same(found["p"], p) and same(found["J"], jacobian) and same(found["dz"], grad(p, leaf, dp)[0])
    loss = F.cross_entropy(leaf[None], torch.tensor([target]))
    found = tensors(cross_entropy(z, target))
    assert same(found["E"], loss) and same(found["dz"], grad(loss, leaf)[0])
    error = 0.5 * ((leaf.sigmoid() - t) ** 2).sum()
    found = tensors(squared_error(z, t))
    assert same(found["E"], error) and same(found["delta"], grad(error, leaf)[0])


@FEW
@given(data=st.data(), count=st.integers(2, 5), gamma=st.integers(-3, 3), beta=st.integers(-3, 3))
def test_batch_norm_s_numbers_are_torch_s(data: st.DataObject, count: int, gamma: int, beta: int) -> None:
    """B18: training; eps is large enough for six digits to say something where all entries are equal."""
    x, dy = drawn(data, count), drawn(data, count)
    leaves = [
        t.clone().requires_grad_() for t in (x[:, None], torch.tensor([gamma]).double(), torch.tensor([beta]).double())
    ]
    mean, variance = torch.zeros(1).double(), torch.ones(1).double()
    y = F.batch_norm(leaves[0], mean, variance, leaves[1], leaves[2], True, 0.1, 0.25)
    found = tensors(batch_norm(x, dy, float(gamma), float(beta), 0.25))
    expected = dict(zip(("y", "dx", "dgamma", "dbeta"), (y, *grad(y, leaves, dy[:, None])), strict=True))
    for name, tensor in {**expected, "mean": mean, "variance": variance}.items():
        assert torch.allclose(torch.tensor(found[name]).double(), tensor.flatten(), rtol=1e-5, atol=1e-5)


@FEW
@given(data=st.data(), count=st.integers(1, 6), p=st.sampled_from((0.0, 0.25, 0.5)), seed=st.integers(0, 99))
def test_dropout_multiplies_both_directions_by_one_mask(data: st.DataObject, count: int, p: float, seed: int) -> None:
    """B19."""
    x, dy = drawn(data, count), drawn(data, count)
    state = torch.get_rng_state()
    page = dropout(x, dy, p, seed)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(seed)
    mask = (F.dropout(torch.ones(count).double(), p) != 0).double()
    torch.set_rng_state(state)
    found = tensors(page)
    assert same(found["y"], x * mask / (1 - p)) and same(found["dx"], dy * mask / (1 - p))


@FEW
@given(data=st.data(), short=st.integers(1, 4), long=st.integers(1, 5))
def test_shift_and_add_is_numpy_s_convolution(data: st.DataObject, short: int, long: int) -> None:
    """A3."""
    import numpy as np

    f, g, dh = drawn(data, short), drawn(data, long), drawn(data, short + long - 1)
    found = tensors(shift_add(f, g, dh))
    assert found["h"] == np.convolve(f.numpy(), g.numpy()).tolist()
    assert found["df"] == np.correlate(dh.numpy(), g.numpy(), "valid").tolist()
    assert found["dg"] == np.correlate(dh.numpy(), f.numpy(), "valid").tolist()


@FEW
@given(data=st.data(), rows=st.integers(1, 2), columns=st.integers(1, 3), kernel=st.integers(1, 3))
def test_sub_sampling_s_numbers_are_torch_s(data: st.DataObject, rows: int, columns: int, kernel: int) -> None:
    """B12, with rows and columns left over."""
    x = drawn(data, rows * kernel + kernel // 2, columns * kernel) / 8
    dy, (beta, b) = drawn(data, rows, columns), (drawn(data, 2) / 8).tolist()
    leaves = [t.clone().requires_grad_() for t in (x, torch.tensor([beta]).double(), torch.tensor([b]).double())]
    y = torch.sigmoid(leaves[1] * F.avg_pool2d(leaves[0][None], kernel, divisor_override=1) + leaves[2])
    dx, dbeta, db = grad(y, leaves, dy[None])
    found = tensors(subsampling(x, dy, beta, b, kernel))
    corners = dx[: rows * kernel : kernel, ::kernel]
    for name, expected in {"y": y, "dbeta": dbeta, "db": db, "dx": corners}.items():
        assert torch.allclose(torch.tensor(found[name]).double(), expected.detach().flatten(), rtol=1e-5, atol=1e-6)


# ----------------------------------------------------------------------------------------------- the article's numbers

GOLDEN = {
    "A3": ("shift-add", "h(n)            1  4  9 17 20 17 12"),
    "A3, moving": ("shift-add", "h(n)           1 3 5 7 5 3"),
    "A4": ("shift-add", "box * box, a triangle: 0.2 0.4 0.6 0.8 1 0.8 0.6 0.4 0.2"),
    "A18": ("toeplitz", "16 of 36 non-zeros, 4 distinct weights"),
    "A18, uses": ("toeplitz", "uses per neuron [1, 2, 1, 2, 4, 2, 1, 2, 1]"),
    "A18, sparse": ("toeplitz", "neuron 1 feeds A alone"),
    "B6": ("conv", "db[0] = 1 + 0 + 0 + 3 = 4"),
    "B8": ("pool", "Z[0,0] = max(1, 2, 3, 4) = 4"),
    "B9": ("pool", "                  8 0 0 0"),
    "B9, ties": ("pool", "A = 2 2 0    Z = 2 2    dZ = 1 10    dA = 1 10 0"),
    "B9, overlaps": ("pool", "A = 1 5 2    Z = 5 5    dZ = 1 10    dA = 0 11 0"),
    "B10": ("pool", "Z = 2.5 0.75    dA = 1 1 2 2"),
    "B12": ("subsample", "dbeta = 0.23966*0.625 + 0.224457*1.125 + 0.157487*2.625 + 0.13401*3.125 = 1.23448"),
    "B15": ("softmax", "p[2] = exp(3) / (exp(1) + exp(2) + exp(3)) = 0.665241"),
    "B16": ("cross-entropy", "E = -log(0.665241) = 0.407606"),
    "B16, dz": ("cross-entropy", "dz[2] = 0.665241 - 1 = -0.334759"),
}


@pytest.mark.parametrize(("name", "line"), GOLDEN.values(), ids=GOLDEN)
def test_the_article_s_numbers_are_printed(name: str, line: str) -> None:
    assert line in worked_example(name).text


# ----------------------------------------------------------------------------------------------- every topic


@pytest.fixture(scope="module")
def pages() -> dict[str, Figure]:
    return {name: worked_example(name) for name in TOPICS}


@pytest.mark.parametrize("name", TOPICS)
def test_every_line_s_arithmetic_is_right(name: str, pages: dict[str, Figure]) -> None:
    assert len(results(pages[name])) >= (0 if name in ("toeplitz", "errata") else 7)
    assert topic(name).__doc__


@pytest.mark.parametrize("name", sorted({*TOPICS} - {"errata"}))
def test_every_place_in_the_code_is_there_and_says_what_is_printed(name: str, pages: dict[str, Figure]) -> None:
    text = pages[name].text
    quoted = re.findall(r"^    (manualconv/\S+\.py):(\d+)  \S+\n        (.+)$", text, flags=re.MULTILINE)
    assert quoted
    for file, line, words in quoted:
        source = (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert words in " ".join(source.replace("``", "").split())
    ran = re.findall(r"^    (forward|backward) +(manualconv/\S+\.py):(\d+)  (\S+)$", text, flags=re.MULTILINE)
    assert {direction for direction, *_ in ran} == {"forward", "backward"}
    for _, file, line, function in ran:
        source = (ROOT / file).read_text(encoding="utf-8").splitlines()
        near = " ".join(source[max(int(line) - 4, 0) : int(line) + 2])
        assert function.rpartition(".")[2] in near


def test_a_topic_that_there_is_not_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match="no topic is called 'sofmax'; did you mean softmax"):
        worked_example("sofmax")
    with pytest.raises(ValueError, match="no topic is called 'qqq'; there are conv, pool"):
        worked_example("qqq")
