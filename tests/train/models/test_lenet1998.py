"""LeNet-5 of 1998: its table, its codes, its loss, and what has no parameter."""

import math

import pytest
import torch

import manualconv.nn
from tests.test_by_hand import exercise
from tests.train.models.twins import LIBRARIES, assert_one_step_is_the_same, parameters
from train.models import lenet5_1998
from train.models.characters import COLUMNS, ROWS, codes
from train.models.lenet1998 import C3_TABLE, J, NearestCodeLoss, PartialConvolution, RadialBasis

TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 32, 32, dtype=torch.float64) * 1.275 - 0.1


def test_the_table_is_the_article_s() -> None:
    rows = TABLE_I.split()
    assert tuple(tuple(c for c in range(6) if rows[c][o] == "X") for o in range(16)) == C3_TABLE


@pytest.mark.parametrize("layers", LIBRARIES, ids=["by hand", "torch"])
def test_sixty_thousand_parameters_are_trained(layers) -> None:
    network = lenet5_1998(layers)
    c3 = [18 * 25 + 6, 36 * 25 + 9, 6 * 25 + 1]
    assert sum(c3) == 1_516
    assert parameters(network) == [156, 12, *c3, 32, 48_120, 10_164]
    assert sum(p.numel() for p in network.parameters()) == 60_000


def test_the_sizes_on_the_way() -> None:
    x = torch.zeros(2, 1, 32, 32)
    shapes = []
    for layer in lenet5_1998(torch.nn):
        x = layer(x)
        if type(layer).__name__ != "ScaledTanh":
            shapes.append(tuple(x.shape[1:]))
    maps = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1)]
    assert shapes == [*maps, (120,), (84,), (10,), (10,)]


def test_one_step_by_hand_is_torch_s() -> None:
    t = torch.tensor([3, 8, 0])
    assert_one_step_is_the_same(lenet5_1998, images(3), lambda layers, y: NearestCodeLoss(layers)(y, t))


def test_nothing_of_it_runs_a_layer_of_torch_s() -> None:
    network, x = lenet5_1998(manualconv.nn).double(), images(2).requires_grad_()
    loss = NearestCodeLoss(manualconv.nn)
    operators = exercise(lambda x: loss(network(x), torch.tensor([1, 2])), [x])
    assert operators.forbidden == set()


def dense(layer: PartialConvolution, table: tuple[tuple[int, ...], ...], channels: int) -> tuple[torch.Tensor, ...]:
    """The weights with zeros where the table has no connection, and the biases."""
    kernels = iter([kernel for convolution in layer.convolutions for kernel in convolution.weight])
    bias = torch.cat([convolution.bias for convolution in layer.convolutions])
    weight = torch.zeros(len(table), channels, 3, 3, dtype=torch.float64)
    for o, row in enumerate(table):
        weight[o, list(row)] = next(kernels)
    assert next(kernels, None) is None
    return weight, bias


TABLE = ((0, 2), (3, 1), (1,), (0, 1, 3), (2, 3, 1), (2, 0))


def test_a_partial_convolution_is_a_dense_one_with_zeros_and_has_no_parameters_for_them() -> None:
    layer = PartialConvolution(manualconv.nn, TABLE, 3).double()
    assert sum(p.numel() for p in layer.parameters()) == sum(map(len, TABLE)) * 9 + 6
    x = torch.randn(2, 4, 6, 5, dtype=torch.float64, requires_grad=True)
    weight, bias = dense(layer, TABLE, 4)
    y, wanted = layer(x), torch.nn.functional.conv2d(x, weight, bias)
    torch.testing.assert_close(y, wanted, rtol=1e-13, atol=1e-13)
    cotangent = torch.randn_like(y)
    of = [x, *layer.parameters()]
    found, expected = (torch.autograd.grad(z, of, cotangent) for z in (y, wanted))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_map_of_c3_hangs_on_its_row_of_the_table_alone() -> None:
    layer = PartialConvolution(manualconv.nn, C3_TABLE, 5).double()
    x = torch.randn(1, 6, 7, 6, dtype=torch.float64, requires_grad=True)
    y = layer(x)
    for o, row in enumerate(C3_TABLE):
        (gradient,) = torch.autograd.grad(y[:, o].sum(), x, retain_graph=True)
        assert [c for c in range(6) if gradient[0, c].any()] == list(row)


@pytest.mark.parametrize("layers", LIBRARIES, ids=["by hand", "torch"])
def test_distances_and_their_gradient(layers) -> None:
    """Whole numbers: exactly y_i = Σ_j (x_j − w_ij)² and ∂y_i/∂x_j = 2·(x_j − w_ij)."""
    w = torch.randint(0, 2, (10, 84)).double() * 2 - 1
    x = torch.randint(-3, 4, (5, 84)).double().requires_grad_()
    y = RadialBasis(layers, w)(x)
    assert y.tolist() == [[sum((a - b) ** 2 for a, b in zip(row, code)) for code in w.tolist()] for row in x.tolist()]
    cotangent = torch.randint(-5, 6, y.shape).double()
    (gradient,) = torch.autograd.grad(y, x, cotangent)
    assert torch.equal(gradient, (2 * (x[:, None] - w) * cotangent[:, :, None]).sum(1))


def test_the_codes_are_fixed_and_travel_with_the_weights() -> None:
    network = lenet5_1998(manualconv.nn)
    layer = next(layer for layer in network if isinstance(layer, RadialBasis))
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["codes"]
    assert torch.equal(layer.codes, codes())


def test_the_codes_are_ten_different_pictures() -> None:
    assert codes().shape == (10, ROWS * COLUMNS)
    assert bool((codes().abs() == 1).all())
    hamming = (codes()[:, None] != codes()).sum(2)
    apart = hamming[~torch.eye(10, dtype=torch.bool)]
    assert int(apart.min()) == J == int(hamming[3, 8])
    middle = (codes()[3] + codes()[8]) / 2
    assert int(((middle - codes()[3]) ** 2).sum()) == J
    one = codes()[1].reshape(ROWS, COLUMNS)
    assert (one[1:11, 3] == 1).all()
    assert (one[0] == -1).all()


@pytest.mark.parametrize("layers", LIBRARIES, ids=["by hand", "torch"])
@pytest.mark.parametrize("j", [0.5, 11.0])
def test_the_loss_is_equation_nine(layers, j: float) -> None:
    y, t = torch.rand(6, 10, dtype=torch.float64) * 20, torch.randint(10, (6,))
    wanted = [
        row[d] + math.log(math.exp(-j) + sum(math.exp(-v) for v in row)) for row, d in zip(y.tolist(), t.tolist())
    ]
    assert NearestCodeLoss(layers, j)(-y, t).item() == pytest.approx(sum(wanted) / 6, rel=1e-12)


def test_far_from_every_code_only_the_right_distance_counts() -> None:
    """∂E/∂y_D → 1 and the others → 0, so the gradient is that of the squared error of equation 8."""
    y = (J + 40 + torch.rand(4, 10, dtype=torch.float64)).requires_grad_()
    t = torch.tensor([7, 0, 2, 2])
    (gradient,) = torch.autograd.grad(NearestCodeLoss(manualconv.nn)(-y, t), y)
    torch.testing.assert_close(gradient, torch.nn.functional.one_hot(t, 10).double() / 4, rtol=0, atol=1e-15)


def test_the_first_weights_are_within_the_article_s_bounds() -> None:
    torch.manual_seed(0)
    network = lenet5_1998(torch.nn)
    for name, parameter in network.named_parameters():
        layer = network.get_submodule(name.rpartition(".")[0])
        inputs = 4 if parameter.shape in ((6,), (16,)) and not hasattr(layer, "in_channels") else None
        inputs = inputs or layer.weight[0].numel()
        largest = float(parameter.detach().abs().max())
        assert largest <= 2.4 / inputs, name
        assert largest > 0.5 * 2.4 / inputs or parameter.numel() < 4, name


def test_the_two_layers_that_torch_lacks_are_ours() -> None:
    for layers, home in ((manualconv.nn, "manualconv.nn."), (torch.nn, "train.models.torch_only")):
        for name in ("ScaledTanh", "Subsample2d"):
            found = [type(layer).__module__ for layer in lenet5_1998(layers).modules() if type(layer).__name__ == name]
            assert len(found) == {"ScaledTanh": 6, "Subsample2d": 2}[name]
            assert all(module.startswith(home) for module in found)
