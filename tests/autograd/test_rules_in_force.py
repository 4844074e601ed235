"""Which rules are in force where: generators, checkpoints, subclasses, restored layers; none is lost or stale."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.utils.checkpoint import checkpoint

from manualconv import Rules, convert, functional, nn, restore, set_rules
from manualconv.geometry import Window
from tests.layers import close, spread_out


def cubed(z: Tensor, g: Tensor) -> Tensor:
    """No activation's own."""
    return g * z**3


def slope(layer: object, shape: tuple[int, ...] = (3, 4)) -> Tensor:
    """The gradient of the sum of a layer's outputs."""
    x = spread_out(shape).requires_grad_()
    return grad(layer(x).sum(), x)[0]  # type: ignore[operator]


def test_the_block_of_a_generator_ends_alone_while_a_later_one_is_on() -> None:
    def steps() -> Iterator[None]:
        with Rules(slope=lambda z, g: 100 * g):
            yield
            functional.relu(torch.ones(1))

    x, exact = spread_out((3, 4)), slope(functional.relu)
    it = steps()
    next(it)
    with Rules(slope=cubed):
        list(it)
        close(slope(functional.relu), x**3)
    assert torch.equal(slope(functional.relu), exact)


@pytest.mark.filterwarnings("ignore:no layer met the rules")
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_runs_again_under_the_rules_of_its_forward(reentrant: bool) -> None:
    def pool(x: Tensor, g: Tensor, window: object) -> Tensor:
        return x * g.sum()

    net = nn.Sequential(nn.SiLU(), nn.MaxPool1d(2), nn.Tanh(), nn.Tanh())

    def gradients(kept: bool) -> Iterator[Tensor]:
        for forward, backward in ((Rules(slope=cubed, pool=pool), Rules()), (Rules(), Rules(slope=cubed))):
            x = spread_out((2, 3, 4)).requires_grad_()
            with forward:
                y = net(x) if kept else checkpoint(net, x, use_reentrant=reentrant)
            with backward:
                y.square().sum().backward()
            assert x.grad is not None
            yield x.grad

    for got, expected in zip(gradients(False), gradients(True)):
        close(got, expected)


def test_a_forward_of_one_s_own_runs_under_the_rules_of_its_layer() -> None:
    class Activation(nn.ReLU):
        def forward(self, input: Tensor) -> Tensor:
            return functional.relu(input)

    class Layer(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return functional.linear(input, self.weight, self.bias)

    def sevens(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
        return torch.full_like(x, 7)

    net = nn.Sequential(Activation(), Layer(4, 2).double())
    set_rules(net, slope=cubed, input=sevens)
    close(slope(net), 7 * spread_out((3, 4)) ** 3)
    with pytest.raises(
        torch.fx.proxy.TraceError, match=r"Activation has derivative rules \(slope=cubed\).*is_leaf_module"
    ):
        torch.fx.symbolic_trace(net)


def test_a_restored_layer_follows_what_its_model_is_told_meanwhile() -> None:
    net = convert(torch.nn.Sequential(torch.nn.ReLU(), nn.ReLU()))
    exact = slope(net[0])
    for rules, expected in (({}, exact), ({"slope": lambda z, g: 5 * g}, torch.full_like(exact, 5))):
        set_rules(net, slope=cubed)
        restore(net[0])
        set_rules(net, **rules)
        close(slope(convert(net)[0]), expected)


@pytest.mark.parametrize("changed", ["z", "g"])
def test_a_rule_that_changes_what_it_is_given_is_refused(changed: str) -> None:
    x = spread_out((3, 4)).requires_grad_()
    with Rules(slope=lambda z, g: {"z": z, "g": g}[changed].clamp_(min=0)):
        y = functional.relu(x) + x
    with pytest.raises(RuntimeError, match=r"slope rule .* changed what it was given in place.*compute a new tensor"):
        y.square().sum().backward()


def test_no_element_of_a_mapped_axis_asks_no_rule() -> None:
    with Rules(slope=cubed):
        rows = torch.vmap(torch.func.grad(lambda z: functional.relu(z).sum()), in_dims=1)(torch.zeros(3, 0))
    assert rows.shape == (0, 3)


def test_a_checkpoint_from_before_the_first_block_runs_again_without_its_rules() -> None:
    """In a process of its own, since the first block of one has torch's checkpoints ask for rules from then on."""
    program = """
        import torch
        from torch.utils.checkpoint import checkpoint
        from manualconv import Rules, nn

        # Without a rule the layer keeps its weight, under a rule its input first, which has the weight's shape.
        layer = nn.Conv1d(3, 3, 1, bias=False).requires_grad_(False)
        x = torch.rand(3, 3, 1, requires_grad=True)
        expected, = torch.autograd.grad(layer(x).square().sum(), x)
        made = [checkpoint(layer, x, use_reentrant=reentrant) for reentrant in (False, True)]
        for y in made:
            x.grad = None
            with Rules(input=lambda x, w, grad_output, window: 7 * grad_output):
                layer(x)  # meets the rules, so that the block does not warn
                y.square().sum().backward()
            print(torch.allclose(x.grad, expected))
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "True"]
