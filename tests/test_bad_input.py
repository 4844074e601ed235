"""A bad call raises what the running torch raises for it, in torch's opening words, and says how to mend it."""

from __future__ import annotations

import inspect
import os
import re
from collections import Counter
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

import manualconv.functional
from manualconv.testing.catalogue import OPERATIONS
from manualconv.testing.ledger import ERRORS, LEDGER, checked
from tests.bad_input import misuse
from tests.bad_input.calls import ANY, OURS, TORCH, Outcome, Row, opens, outcome
from tests.bad_input.dangerous import DANGEROUS, outcomes
from tests.bad_input.drawn import DIED, drawn_keys, made, of_torch
from tests.bad_input.table import RIGHT, ROWS

SAFE = [row for row in ROWS if not row.dangerous]

#: Every numbered mistake that these layers can be part of.
NUMBERS = {*range(1, 116)}


def same(theirs: Any, ours: Any) -> bool:
    """Whether two results are equal, dtypes too."""
    if isinstance(theirs, Tensor):
        if theirs.dtype != ours.dtype or theirs.shape != ours.shape:
            return False
        return torch.equal(theirs, ours) or bool(((theirs == ours) | (theirs.isnan() & ours.isnan())).all())
    if isinstance(theirs, tuple):
        return len(theirs) == len(ours) and all(map(same, theirs, ours))
    return theirs is None or theirs == ours or isinstance(theirs, torch.nn.Module)


#: Words in brackets at the end.
HINT = re.compile(r"\[[^\[\]]*[a-z]{2}.*\]$", re.DOTALL)
#: Whose steps round: where both libraries take the arguments, results are the same to a few roundings.
ROUNDED = {name for name, each in OPERATIONS.items() if not all(example.exact for example in each.examples.values())}
ROUNDED |= {"lp_pool3d"}  # whose powers are whole in the catalogue alone


def alike(function: str, theirs: Any, ours: Any) -> bool:
    """Whether two results of a function are equal as far as it is exact."""
    if function in ROUNDED and isinstance(theirs, Tensor) and theirs.is_floating_point():
        room = 4 * max(torch.finfo(t).eps for t in (theirs.dtype, torch.float32))
        alike_kind = (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
        return alike_kind and torch.allclose(theirs, ours, rtol=room, atol=room, equal_nan=True)
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
        assert HINT.search(ours.message), ours.message


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


# ------------------------------------------------------------------------------------------- whatever the arguments are

#: Calls that are drawn of each function; ``make refusals`` draws 2,000.
DRAWN = int(os.environ.get("MANUALCONV_DRAWN", "60"))

#: What ours says where torch takes a call, and returns what nobody wrote, or a derivative that ours has not.
OURS_ALONE = re.compile(
    "Found an invalid max index|norm_type has no derivative here|with respect to argument 'random_samples'"
    "|wrapping around more than once|resulting in an empty dimension|Expected all tensors to be on the same device"
    "|more than one element of the written-to tensor|must be below 2|must be a number, and real|must be real numbers"
    r"|max_pool1d\(\): i "  # beyond 32 bits
)


class Lacking(NamedTuple):
    """What torch lacks, how its line, the function's name and the error's open then; ours computes, or `may_refuse`."""

    what: str
    line: str
    function: str = ""
    error: str = ""
    may_refuse: bool = False


LACKS = (
    Lacking("a kernel for a dtype", "", error="NotImplementedError"),
    Lacking("other axes than two", "It is expected", may_refuse=True),
    Lacking("other axes than two", "Expected 3D or 4D", function="unfold"),
    Lacking("a derivative, which it says before all else", "The function '.*' is not diff", may_refuse=True),
    Lacking("a look whether there are parameters, where no graph is recorded", r"select\(\): index 0 out of range"),
    Lacking("one answer of all backends to an empty output", ".*Output size is too small", function="conv_transpose"),
)
#: Lines of torch's, each of one mistake, where ours says another: since there are two, or since torch's is no help.
ANOTHER = re.compile(
    "(numel: integer|Stride calc|could not c|The function|It is expected|im2col|iteration over a 0-d"
    r"|expected \w+ to be a single|\w+: \w+ must (either )?be (either )?(omitted, )?a single|negative padding"
    r"|Padding must be|non-positive dilation|max_pool1d\(\) padding)"
)
#: Words of Python's, and of torch's for what it cannot hold or hold in place, behind which there is no hint.
UNEXPLAINED = re.compile(
    "(a leaf Variable|unsupported operation: more|Boolean value|iteration over|len\\(|int too big|The size of tensor a"
    r"|value cannot be converted to type float|S\w+ (size )?calculation|numel: |Negation|\"abs_cpu\" not"
    r"|max_pool1d\(\): padding=\(\d{19}|\[enforce fail)"
)
#: Where torch names functions that nobody called: ours has words of its own.
WORDED_HERE = ("unfold", "fold")


def lacking(each: Lacking, function: str, error: str, line: str, ours: str | None) -> bool:
    """Whether torch refuses a call for the want of something."""
    opens_so = function.startswith(each.function) and error.startswith(each.error) and re.match(each.line, line)
    return bool(opens_so) and (ours is None or each.may_refuse)


@pytest.mark.parametrize("part", range(4))
def test_ours_refuses_exactly_where_torch_does(part: int) -> None:
    """One mistake is refused in torch's words, any with a hint, and what both take has one result."""
    differing = []
    for function, number, error, line, result in of_torch(DRAWN, list(RIGHT)[part::4]):
        ours = made(OURS, function, number)
        name = None if ours.error is None else ours.error.__name__
        # Of nothing torch asks less.
        empty = error is None and any(0 in size for _, *size in result)
        alone = name is not None and (error == DIED or empty or OURS_ALONE.search(ours.message))
        if name != error:
            right = alone or any(lacking(each, function, error or "", line, name) for each in LACKS)
        elif error is None:
            theirs, mine = (made(library, function, number, whole=True).value for library in (TORCH, OURS))
            right = alike(function, theirs, mine)
        else:
            alike_said = ours.message.startswith(line) or len(drawn_keys(function, number)) > 1 or ANOTHER.match(line)
            explained = HINT.search(ours.message) or UNEXPLAINED.match(ours.message)
            right = function in WORDED_HERE or (alike_said and explained)
            LEDGER[function, ERRORS] += bool(right)
        if not right:
            differing.append(f"call {number} of {function}: torch {error} {line}, ours {name} {ours.message}")
    assert not differing, "\n".join(differing)
