"""A bad call raises what the running torch raises for it, in torch's opening words, and says how to mend it."""

from __future__ import annotations

import inspect
import os
import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manualconv.functional
from manualconv.testing.ledger import ERRORS, checked
from tests.bad_input import loss, misuse, normalization
from tests.bad_input.calls import ANY, OURS, TORCH, Outcome, Row, opens, outcome
from tests.bad_input.dangerous import DANGEROUS, outcomes
from tests.bad_input.drawn import DIED, RIGHT, made, of_torch
from tests.bad_input.table import ROWS

SAFE = [row for row in ROWS if not row.dangerous]

#: Every numbered mistake that these layers can be part of.
NUMBERS = {*range(1, 116)}

#: Mistakes beside which torch's answer depends on the backend it happens to choose: sparse tensors, another device, and
#: where it is transposed another dtype; or on its parser: pooling's numbers of more than 32 bits.  An unpooling kernel
#: is not looked at beside an output size.
ALONE = {
    name: {
        *(24, 56, 111),
        *((21,) if "transpose" in name else ()),
        *((46,) if "pool" in name else ()),
        *((81, 84) if "unpool" in name else ()),
    }
    for name in RIGHT
}
FUNCTIONS = {
    name: [row for row in SAFE if row.function == name and row.number not in ALONE[name] and not row.refused]
    for name in RIGHT
    if any(row.function == name for row in ROWS)
}


def same(theirs: Any, ours: Any) -> bool:
    """Whether two results are equal, dtypes too."""
    if isinstance(theirs, Tensor):
        if theirs.dtype != ours.dtype or theirs.shape != ours.shape:
            return False
        return torch.equal(theirs, ours) or bool(((theirs == ours) | (theirs.isnan() & ours.isnan())).all())
    if isinstance(theirs, tuple):
        return len(theirs) == len(ours) and all(map(same, theirs, ours))
    return theirs is None or theirs == ours or isinstance(theirs, torch.nn.Module)


#: Whose steps round: where both libraries take the arguments, results are the same to a few roundings.
ROUNDED = {*normalization.NAMES, *loss.NAMES}


def alike(function: str, theirs: Any, ours: Any) -> bool:
    """Whether two results of a function are equal as far as it is exact."""
    if function in ROUNDED and isinstance(theirs, Tensor) and theirs.is_floating_point():
        return theirs.dtype == ours.dtype and torch.allclose(theirs, ours, rtol=1e-6, atol=1e-6, equal_nan=True)
    return same(theirs, ours)


def check(row: Row, theirs: Outcome, ours: Outcome) -> None:
    """The one promise, on what came of the call in both libraries."""
    if row.refused:
        assert theirs.error is None, "torch refuses it by now"
        assert ours.error is RuntimeError
    else:
        assert ours.error is theirs.error, f"{row.name}: {theirs} but {ours}"
    if not row.words and not row.refused:
        assert theirs.error is None, theirs
        assert same(theirs.value, ours.value), row.name
        return
    assert opens(theirs.message, row.words), theirs.message
    if row.theirs:
        assert ours.message == theirs.message
        return
    line = theirs.message.split("\n")[0] if row.words == ANY else row.words
    assert opens(ours.message, row.ours or line), f"{row.name}: {ours.message}, but torch: {line}"
    missing = [part for part in row.says if part not in ours.message]
    assert not missing, ours.message
    # Python's own words for an unknown argument; torch's for one of 58; else a fix, words in brackets at the end.
    if not re.search(r"unexpected keyword|modified by an inplace|output_size must|requested an output", ours.message):
        assert re.search(r"\[[^\[\]]*[a-z]{2}.*\]$", ours.message), ours.message


@pytest.mark.parametrize("row", SAFE, ids=[row.name for row in SAFE])
def test_a_bad_call_is_torch_s_error_explained(row: Row) -> None:
    with checked(row.function or "modules", ERRORS):
        check(row, outcome(row.call, TORCH), outcome(row.call, OURS))


def test_what_once_crashed_or_hung_is_an_error_in_a_process_that_lives() -> None:
    for row, theirs, ours in zip(DANGEROUS, outcomes("torch"), outcomes("ours"), strict=True):
        with checked(row.function or "modules", ERRORS):
            check(row, theirs, ours)


@pytest.mark.parametrize("name", misuse.FORGETFUL)
def test_an_input_edited_before_the_backward_pass_is_refused_or_was_not_needed(name: str) -> None:
    """torch refuses more of them, since it keeps more; a gradient of the edited input is what neither may give."""
    came = outcome(lambda library: misuse.edited(name, library, 3.0), OURS)
    if came.error is None:
        assert torch.equal(came.value, misuse.edited(name, OURS, 1.0))
    else:
        assert came.error is RuntimeError and "modified by an inplace operation" in came.message
        assert outcome(lambda library: misuse.edited(name, library, 3.0), TORCH).error is RuntimeError


def test_every_numbered_mistake_is_made_and_no_row_is_there_twice() -> None:
    assert sorted(NUMBERS - {row.number for row in ROWS}) == []
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []


def raises(function: str) -> str:
    """What a docstring has under Raises; that of the function it begins with if it has nothing of its own."""
    text = inspect.getdoc(getattr(manualconv.functional, function)) or ""
    _, section, said = text.partition("Raises:")
    return said if section else raises(re.findall(r"`(\w+)`", text)[0])


@pytest.mark.parametrize("function", sorted({row.function for row in SAFE if row.function}))
def test_every_kind_of_error_stands_in_the_docstring(function: str) -> None:
    errors = {outcome(row.call, OURS).error for row in SAFE if row.function == function}
    said = raises(function)
    assert sorted(error.__name__ for error in errors if error is not None and error.__name__ not in said) == []


# ------------------------------------------------------------------------------------------- several mistakes at once


def agree(function: str, rows: tuple[Row, ...]) -> None:
    """Whatever is said first about several mistakes, it is an error of torch's type."""
    arguments = {**RIGHT[function]}
    for row in rows:
        arguments.update(row.changes)

    def call(library: Any) -> Any:
        return getattr(library.functional, function)(**arguments)

    theirs, ours = outcome(call, TORCH), outcome(call, OURS)
    names = " and ".join(row.name for row in rows)
    if theirs.error is NotImplementedError and ours.error is None:
        return  # torch has no kernel for it, as for bytes whose taps are apart; ours is the same for every dtype
    assert ours.error is theirs.error, f"{names}: {theirs} but {ours}"
    assert alike(function, theirs.value, ours.value), names


@pytest.mark.parametrize("function", FUNCTIONS)
def test_of_two_mistakes_either_is_an_error_of_torch_s_type(function: str) -> None:
    for pair in combinations(FUNCTIONS[function], 2):
        if not pair[0].changes.keys() & pair[1].changes.keys():
            agree(function, pair)


@given(data=st.data())
def test_of_three_mistakes_any_is_an_error_of_torch_s_type(data: st.DataObject) -> None:
    function = data.draw(st.sampled_from(sorted(FUNCTIONS)))
    three = data.draw(st.tuples(*[st.sampled_from(FUNCTIONS[function])] * 3))
    agree(function, three)


# ------------------------------------------------------------------------------------------- whatever the arguments are

#: Calls that are drawn of each function; ``make refusals`` draws 2,000.
DRAWN = int(os.environ.get("MANUALCONV_DRAWN", "12"))

#: What ours says where torch takes a call, and returns what nobody wrote, or a derivative that ours has not.
OURS_ALONE = re.compile(
    "Found an invalid max index|norm_type has no derivative here|with respect to argument 'random_samples'"
    "|wrapping around more than once|resulting in an empty dimension|Expected all tensors to be on the same device"
    "|more than one element of the written-to tensor|must be below 2|must be a number, and real|must be real numbers"
    r"|max_pool1d\(\): i "  # beyond 32 bits
)


@pytest.mark.parametrize("part", range(8))
def test_ours_refuses_exactly_where_torch_does(part: int) -> None:
    differing = []
    for function, number, error, line, result in of_torch(DRAWN, list(RIGHT)[part::8]):
        ours = made(OURS, function, number)
        name = None if ours.error is None else ours.error.__name__
        # torch has no kernel for a dtype, other axes than two, or no derivative, which it says before anything else.
        lacking = line.startswith("It is expected") or (name is None and error == "NotImplementedError")
        lacking = lacking or (name is None and function == "unfold" and line.startswith("Expected 3D or 4D"))
        lacking = lacking or "is not differentiable with respect to" in line
        # Where no graph is recorded, torch reads the first of no parameters.
        lacking = lacking or (name is None and line.startswith("select(): index 0 out of range"))
        # Some of torch's backends give a transposed convolution's empty output, others do not.
        lacking = lacking or (name is None and "transpose" in function and "Output size is too small" in line)
        # Of nothing torch asks less.
        empty = error is None and any(0 in size for _, *size in result)
        alone = name is not None and (error == DIED or empty or OURS_ALONE.search(ours.message))
        if name != error and not lacking and not alone:
            differing.append(f"call {number} of {function}: torch {error} {line}, ours {name} {ours.message}")
        elif name is None and error is None:
            assert [list(map(str, kind)) for kind in result] == [list(map(str, kind)) for kind in ours.value], number
    assert not differing, "\n".join(differing)
