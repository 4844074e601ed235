"""The worked examples of docs/RULES.md, run from that page and compared with what each must come to."""

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional, nn, set_rules
from manualconv.autograd import WeightCorrelation
from manualconv.autograd.rules import Rules, under_rules
from manualconv.geometry import Window
from manualconv.testing.cases import Convolution as Case
from manualconv.testing.cases import convolutions
from tests.layers import close, spread_out
from tests.pages import defined_on


@pytest.fixture(scope="module")
def page() -> Any:
    """Every name that the page's code defines."""
    return defined_on("RULES.md")


def by_loops(rule: str, a: Tensor, b: Tensor, window: Any) -> Tensor:
    """One of the definitions on tensors."""
    return torch.from_numpy(getattr(definitions, rule)(a.detach().numpy(), b.detach().numpy(), window))


def leaves(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    """x and w asking for gradients, and a cotangent."""
    x, w, y = case.batched()
    return x.detach().requires_grad_(), w.detach().requires_grad_(), y


# ------------------------------------------------------------------------------------------------- feedback alignment


@given(case=convolutions(2))
def test_feedback_alignment_is_the_transposed_convolution_of_other_weights(page: Any, case: Case) -> None:
    x, w, cotangent = leaves(case)
    feedback = case.batched(seed=5)[1]
    rule = page.FeedbackAlignment(SimpleNamespace(weight=torch.ones(2, 2)), torch.Generator())
    rule.feedback = feedback
    x_bar, w_bar = grad(under_rules(x, w, None, case.window, Rules(input=rule)), (x, w), cotangent)
    assert torch.equal(x_bar, by_loops("to_input", feedback, cotangent, case.window))
    assert torch.equal(w_bar, by_loops("to_weight", x, cotangent, case.window))


def small_net() -> nn.Sequential:
    """Three layers with weights, whose hidden ones learn through what comes down from above."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 6, 3), nn.Tanh(), nn.Conv2d(6, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(96, 4))
    return nn.Sequential(*layers)


def angle(a: Tensor, b: Tensor) -> float:
    """The cosine between two tensors."""
    a, b = a.detach(), b.detach()
    return float((a * b).sum() / (a.norm() * b.norm()))


def test_feedback_alignment_learns_and_its_weights_turn_towards_the_feedback(page: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    templates = torch.randn(4, 1, 8, 8, generator=generator)
    labels = torch.arange(4).repeat(16)
    images = templates[labels] + 0.5 * torch.randn(64, 1, 8, 8, generator=generator)
    net = page.align(small_net())
    last = net[5]
    feedback = last.derivative_rules.input.feedback
    before = angle(last.weight, feedback)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = nn.CrossEntropyLoss()(net(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert angle(last.weight, feedback) > before + 0.1


# ------------------------------------------------------------------------------------------------------ sign-symmetric


@given(case=convolutions(2))
def test_sign_symmetric_feedback_is_the_transposed_convolution_of_the_signs(page: Any, case: Case) -> None:
    x, w, cotangent = leaves(case)
    y = under_rules(x, w, None, case.window, Rules(input=page.sign_symmetric))
    x_bar, w_bar = grad(y, (x, w), cotangent)
    assert torch.equal(x_bar, by_loops("to_input", w.detach().sign(), cotangent, case.window))
    assert torch.equal(w_bar, by_loops("to_weight", x, cotangent, case.window))


# ---------------------------------------------------------------------------------------------------- straight-through


def test_quantised_weights_run_rounded_and_learn_as_if_they_were_not(page: Any) -> None:
    layer = set_rules(
        page.QuantisedConv2d(2, 3, (3, 2), stride=(2, 1), padding=1).double(), weight=page.straight_through
    )
    layer.weight.data.copy_(spread_out(layer.weight.shape) * 0.7)  # −1.4 … 1.4: some beyond the range
    x = spread_out((2, 2, 6, 5), 3).requires_grad_()
    y = layer(x)
    rounded = (layer.weight.detach() * 4).round() / 4
    assert not torch.equal(rounded, layer.weight) and (rounded.abs() > 1).any()
    sizes = ((2, 1), ((1, 1), (1, 1)))
    close(y, functional.conv2d(x, rounded, layer.bias, *sizes))
    cotangent = spread_out(y.shape, 5)
    q = rounded.clone().requires_grad_()
    through_q = grad(functional.conv2d(x, q, None, *sizes), (x, q), cotangent)
    x_bar, w_bar = grad(y, (x, layer.weight), cotangent)
    close(x_bar, through_q[0])
    close(w_bar, torch.where(rounded.abs() <= 1, through_q[1], 0.0))


# ----------------------------------------------------------------------------------------- inside a gradient penalty


def critic() -> nn.Sequential:
    """A smooth one, so that the penalty reaches the weights on every way."""
    net = nn.Sequential(nn.Conv2d(2, 3, (2, 3), padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(90, 5), nn.Tanh())
    for n, p in enumerate(net.double().parameters()):
        p.data.copy_(spread_out(p.shape, n) / 2)
    return net


def test_the_penalty_s_gradient_is_exact_though_its_first_pass_skips_the_weights(page: Any, monkeypatch: Any) -> None:
    calls: list[bool] = []
    whole = WeightCorrelation.call
    monkeypatch.setattr(
        WeightCorrelation, "call", staticmethod(lambda *a: calls.append(torch.is_grad_enabled()) or whole(*a))
    )
    net, x = critic(), spread_out((2, 2, 4, 6), 3).requires_grad_()
    results, counts = [], []
    for rules in ({}, {"weight": page.none_while_building_a_graph}):
        calls.clear()
        value = page.penalty(net, x, **rules)
        counts.append(len(calls))
        results.append(grad(value, (x, *net.parameters()), allow_unused=True))
    assert counts == [2, 0]
    close(results[1], results[0])


def test_the_penalty_holds_the_weights_constant(page: Any) -> None:
    net, x = critic(), spread_out((2, 2, 4, 6), 3).requires_grad_()
    fixed = {"input": page.constant_weight, "weight": page.no_gradient, "bias": page.no_gradient}
    got = grad(page.penalty(net, x, **fixed), (x, *net.parameters()), allow_unused=True)
    exact = grad(page.penalty(net, x), (x, *net.parameters()), allow_unused=True)
    constants = {name: p.detach() for name, p in net.named_parameters()}
    (slope,) = grad(torch.func.functional_call(net, constants, (x,)).sum(), x, create_graph=True)
    close(got[0], grad((slope * slope).sum(), x)[0])
    close(got[0], exact[0])
    assert got[1:] == (None,) * 4
    assert all(g is not None and g.abs().max() > 0 for g in exact[1:4])


# ---------------------------------------------------------------------------------------------------- through padding


@given(case=convolutions(2))
def test_no_gradient_comes_through_a_window_that_touches_the_padding(page: Any, case: Case) -> None:
    x, w, cotangent = leaves(case)
    window = case.window
    (x_bar,) = grad(under_rules(x, w, None, window, Rules(input=page.not_through_padding)), x, cotangent)
    kept = cotangent.clone().contiguous().numpy()
    for p in itertools.product(*map(range, window.output_size)):
        first = [s * q - a for s, q, (a, _) in zip(window.stride, p, window.padding)]
        reach = [f + d * (k - 1) for f, d, k in zip(first, window.dilation, window.kernel_size)]
        if any(f < 0 or r >= i for f, r, i in zip(first, reach, window.input_size)):
            kept[(np.s_[:], np.s_[:], *p)] = 0
    assert torch.equal(x_bar, by_loops("to_input", w, torch.from_numpy(kept), window))


def test_without_padded_positions_the_layer_is_the_valid_one(page: Any) -> None:
    x, w = spread_out((2, 3, 6, 7)).requires_grad_(), spread_out((4, 3, 3, 2), 1)
    y = functional.conv2d(x, w, padding=(2, 1), rules=Rules(input=page.not_through_padding))
    cotangent = spread_out(y.shape, 2)
    close(grad(y, x, cotangent), grad(functional.conv2d(x, w), x, cotangent[:, :, 2:-2, 1:-1]))


# ----------------------------------------------------------------------------------------------- guided backpropagation


def test_guided_backpropagation_lets_positive_gradients_through_where_the_unit_was_on(page: Any) -> None:
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 3, 2), nn.ReLU(), nn.Flatten()).double()
    for n, p in enumerate(net.parameters()):
        p.data.copy_(spread_out(p.shape, n))
    x, z = spread_out((2, 2, 6, 5), 3), [spread_out((2, 2, 6, 5), 3)]
    for layer in net[:4]:
        z.append(functional.relu(z[-1]) if isinstance(layer, nn.ReLU) else layer(z[-1]).detach())
    g = torch.zeros(2, 18, dtype=x.dtype)
    g[:, 7] = 1
    g = g.reshape(z[3].shape)
    windows = [
        Window(tuple(a.shape[2:]), tuple(c.kernel_size), (1, 1), (1, 1), ((0, 0),) * 2)
        for a, c in zip(z[::2], net[:3:2])
    ]
    for at, layer, window in ((3, net[2], windows[1]), (1, net[0], windows[0])):
        g = by_loops("to_input", layer.weight, g * (z[at] > 0) * (g > 0), window)
    assert g.abs().max() > 0
    close(page.saliency(net, x, 7), g)


# ----------------------------------------------------------------------------------------------------- surrogate slope


def test_a_spiking_unit_is_a_step_that_learns_by_the_slope_of_a_fast_sigmoid(page: Any) -> None:
    unit, z = page.Spike(0.5), spread_out((3, 8)).requires_grad_()
    spikes, cotangent = unit(z), spread_out((3, 8), 1)
    assert spikes.tolist() == [[float(value > 0.5) for value in row] for row in z.tolist()]
    slopes = [g / (1 + 10 * abs(v - 0.5)) ** 2 for v, g in zip(z.flatten().tolist(), cotangent.flatten().tolist())]
    close(grad(spikes, z, cotangent)[0].flatten(), torch.tensor(slopes, dtype=z.dtype))


def test_silent_units_learn_to_spike(page: Any) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), page.Spike(1.5)).double()
    x = torch.rand(16, 3, dtype=torch.float64)
    silent = net(x).sum().item()
    optimiser = torch.optim.SGD(net.parameters(), lr=8.0)
    for _ in range(60):
        optimiser.zero_grad()
        (4 - net(x).sum(1).mean()).backward()
        optimiser.step()
    assert silent == 0 and net(x).mean() > 0.9


# -------------------------------------------------------------------------------------------------------- soft maximum


def test_the_soft_maximum_s_way_back_is_the_gradient_of_its_logarithm_of_sums(page: Any) -> None:
    x = spread_out((2, 2, 5, 6)).requires_grad_()
    with Rules(pool=page.soft_maximum):
        y = functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ceil_mode=True)
    cotangent, total = spread_out(y.shape, 2), x.sum() * 0
    assert torch.equal(y, torch.nn.functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ceil_mode=True))
    for p, q in itertools.product(*map(range, y.shape[2:])):
        rows = [i for i in (2 * p - 1 + k for k in range(3)) if 0 <= i < 5]
        columns = [j for j in (q - 1 + 2 * k for k in range(2)) if 0 <= j < 6]
        taps = x[:, :, rows][:, :, :, columns].flatten(2)
        total = total + (0.5 * (taps / 0.5).logsumexp(2) * cotangent[:, :, p, q]).sum()
    close(grad(y, x, cotangent, retain_graph=True), grad(total, x))
