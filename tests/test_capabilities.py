"""docs/capabilities.json says what the proofs say, and docs/CAPABILITIES.md what it says: each cell is proved again."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from tests.capabilities.document import DATA, PAGE, SAMPLED, Marks, as_written, page, read, version_of, written
from tests.capabilities.modes import DOUBLE, MODES
from tests.capabilities.operations import OPERATIONS, Layer, Operation, function_of
from tests.capabilities.proofs import (
    FORMAT,
    LOOPS,
    NOT_ASKED,
    OURS,
    RIGHT,
    SIDES,
    TRUNCATED,
    WRONG,
    columns,
    outcomes,
    text,
    tried,
)
from tests.layers import MEASUREMENTS

CELLS = DATA.read_text(encoding="utf-8")
WRITTEN = read(CELLS)
#: Nothing of torch's stands beside them: tests/proof and their own files in tests/functional prove them.
ALONE = {"toeplitz", "subsample1d", "subsample2d", "subsample3d"}


def test_torch_is_asked_itself_wherever_it_has_the_function() -> None:
    """What stands for it elsewhere is right where torch's own is not: of hardsigmoid in float64."""
    replaced = {function_of(row) for row, operation in OPERATIONS.items() if not isinstance(operation.referee, Layer)}
    assert not [name for name in replaced if hasattr(F, name) or hasattr(torch, name)]


def test_every_function_has_a_row_and_every_cell_is_filled() -> None:
    assert {function_of(row) for row in OPERATIONS} == set(functional.__all__) - MEASUREMENTS - ALONE
    expected = {
        (group, row, column, side)
        for group in MODES
        for row in OPERATIONS
        for column in columns(group)
        for side in SIDES
    }
    assert set(WRITTEN) == expected, "run: make capabilities"
    assert all(WRITTEN.values())


@pytest.mark.filterwarnings("ignore")  # torch's own, in modes that make it warn
@pytest.mark.parametrize("row", OPERATIONS)
@pytest.mark.parametrize("group", MODES)
def test_every_cell_is_what_its_proof_says(group: str, row: str) -> None:
    modes = {name: mode for name, mode in columns(group).items() if not mode.slow or row in SAMPLED}
    # Torch's half is of one release, and changes with `make capabilities` alone: some rows tell whether it still holds.
    is_written = torch.__version__.partition("+")[0] == version_of(CELLS)
    sides = SIDES if is_written and (row in SAMPLED or list(OPERATIONS).index(row) % 8 == 0) else (OURS,)
    found = {(name, side): text(outcomes(side, row, mode)) for name, mode in modes.items() for side in sides}
    kept = {(name, side): WRITTEN[group, row, name, side] for name, side in found}
    if not is_written:  # an error's type is that of the torch that runs
        found, kept = (
            {key: re.sub(r"\w+Error", "error", cell) for key, cell in cells.items()} for cells in (found, kept)
        )
    assert found == kept, "if this is meant, run: make capabilities"


def test_what_is_written_is_read_back_as_it_was_proved() -> None:
    """So that some rows can be proved again and the others left as they stand."""
    again = written(as_written(WRITTEN))
    assert read(again) == WRITTEN
    if version_of(again) == version_of(CELLS):
        assert again.partition("groups")[2] == CELLS.partition("groups")[2], "no cell twice, and each in its line"


def test_the_page_is_the_one_that_the_cells_make() -> None:
    assert page(CELLS) == PAGE.read_text(encoding="utf-8"), "run: make capabilities"


def test_every_cell_changes_the_page() -> None:
    """One of another outcome shows as another mark: torch's as well as ours."""
    for side in SIDES:
        for group in MODES:
            column = list(columns(group))[-1]
            assert WRITTEN[group, "conv2d", column, side] in CELLS
            changed = as_written(WRITTEN | {(group, "conv2d", column, side): WRONG})
            assert page(written(changed)) != page(CELLS), (group, side)


def test_marks_are_small_where_right_with_a_reserve_and_capital_where_not() -> None:
    marks = Marks()
    found = [{"f32": RIGHT, "f64": second} for second in (RIGHT, "TypeError", LOOPS, WRONG)]
    assert [marks.of(cell) for cell in (*found, {"f32": "TypeError"}, {"f32": NOT_ASKED}, found[1])] == [
        *(RIGHT, "a", "b", "A", "B", NOT_ASKED, "a"),
    ]
    assert marks.explained() == [
        "- a: ✓ f32; TypeError f64",
        "- b: ✓ f32; ✓ one by one f64",
        "- A: ✓ f32; **wrong** f64",
        "- B: TypeError",
    ]


def test_nothing_by_hand_is_silently_wrong() -> None:
    assert not [key for key, cell in WRITTEN.items() if key[3] == OURS and WRONG in cell]


# -------------------------------------------------------------------------------- the proofs can come out otherwise


def judge(apply, group: str, mode: str, oracle=None, dtype: torch.dtype = torch.float64) -> str:
    """What a function of one tensor ``(2, 3, 4, 4)`` comes to, against itself if there is no oracle."""
    operation = Operation(apply, apply, oracle or apply, ((2, 3, 4, 4),))
    return tried(apply, operation, replace(MODES[group][mode], dtypes=(dtype,)), dtype)


class WithoutConjugation(torch.autograd.Function):
    """A square whose gradient is right for real numbers, and whose forward mode forgets that it is nested."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, y_bar: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0] * y_bar

    @staticmethod
    def jvp(ctx, x_dot: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0] * x_dot


def test_wrong_is_said_of_a_wrong_sign_shape_dtype_and_conjugate() -> None:
    assert judge(torch.square, "Values", "forward") == RIGHT
    for wrong in (lambda x: -x * x, lambda x: (x * x)[:1], lambda x: (x * x).float(), lambda x: x * x + 1e-13):
        assert judge(wrong, "Values", "forward", torch.square) == WRONG
    planted = WithoutConjugation.apply
    assert judge(planted, "Values", "gradient", torch.square) == RIGHT
    assert judge(planted, "Values", "gradient", torch.square, torch.complex128) == WRONG
    assert judge(planted, "torch.func", "jvp", torch.square) == RIGHT
    assert judge(planted, "torch.func", "jvp of jvp", torch.square) == WRONG


@pytest.mark.parametrize("group", MODES)
def test_every_mode_tells_another_function_from_the_right_one(group: str) -> None:
    """A factor of 1.5 in the result, the gradient and every further derivative."""
    for name, mode in MODES[group].items():
        if name in ("meta", "fake", "over weight"):  # no numbers there, no second tensor here
            continue
        dtype = mode.dtypes[0] if group == "Values" else mode.dtypes[-1]
        assert judge(lambda x: 1.5 * x * x * x, group, name, lambda x: x * x * x, dtype) == WRONG, name


def test_reservations_are_seen() -> None:
    assert judge(lambda x: (x * x).contiguous(), "Settings", "channels_last", dtype=torch.float32) == FORMAT
    assert judge(lambda x: x * x, "Settings", "channels_last", dtype=torch.float32) == RIGHT
    assert judge(lambda x: x.flatten(), "Settings", "channels_last", dtype=torch.float32) == NOT_ASKED

    def halved(x: Tensor) -> Tensor:
        return x.div(2, rounding_mode="trunc")

    assert judge(halved, "Values", "forward", lambda x: x / 2, torch.int64) == TRUNCATED
    assert judge(lambda x: x + 1, "Values", "forward", lambda x: x / 2, torch.int64) == WRONG


def test_a_loop_over_samples_is_seen() -> None:
    """torch's fractional pooling has no rule for vmap."""
    samples = torch.full((2, 3, 2), 0.5, dtype=torch.float64)
    assert judge(lambda x: F.fractional_max_pool2d(x, 2, 2, _random_samples=samples), "vmap", "over input") == LOOPS


def test_integers_have_no_gradient_and_that_is_said() -> None:
    assert WRITTEN["Values", "conv2d", "gradient int64", OURS] == "RuntimeError"


def test_doubles_are_the_compilers_dtype() -> None:
    assert {mode.dtypes for mode in MODES["Compilers"].values()} == {DOUBLE}
