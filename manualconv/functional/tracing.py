"""What torch.jit's tracer records of our functions: torch's own.

A trace (``torch.jit.trace``, ``torch.onnx.export(..., dynamo=False)``) holds torch's operators and nothing else: no
Function, and of what was computed in Python between them only the numbers of that one run.  So while the tracer is on,
each of our functions is torch's of the same name.  The numbers are equal; the derivatives of the traced code are
torch's.  What torch's function cannot be asked for is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manualconv.autograd.slots import in_force, pool_in_force, slope_in_force
from manualconv.geometry import is_pairs

#: What our functions take beyond torch's, with the value that says nothing; and padding in pairs or ``'full'``.
OURS_ALONE = {"rules": None, "flip": False, "ties": "first"}


def without_defaults(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name that torch's function takes, and of ours those that say something."""
    return {key: value for key, value in kwargs.items() if key not in OURS_ALONE or value != OURS_ALONE[key]}


def is_beyond_torch(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether arguments, `without_defaults`, ask for what torch's function has not."""
    padding = (is_pairs(v) or (isinstance(v, str) and v == "full") for v in (*args, *kwargs.values()))
    return any(key in OURS_ALONE for key in kwargs) or any(padding)


def recorded_as_torch_s(name: str, theirs: Callable[..., Any] | None, args: tuple[Any, ...], kwargs: Any) -> Any:
    """Torch's function in place of ours, for the tracer.

    Raises:
        RuntimeError: torch has no such function or argument, or derivative rules are in force.
    """
    kwargs = without_defaults(kwargs)
    ruled = any(rules is not None for rules in (in_force(None), slope_in_force(), pool_in_force()))
    if theirs is None or is_beyond_torch(args, kwargs) or ruled:
        what = "derivative rules, ties or padding of ours" if theirs is not None else f"function {name}"
        raise RuntimeError(
            f"torch.jit's tracer records torch's operators, and torch has no {what}: trace {name} without, or call "
            "manualconv.restore(model) and trace torch's layers"
        )
    return theirs(*args, **kwargs)
