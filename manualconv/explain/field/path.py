"""What a forward pass wrote down: a row for each layer, and what each module gave back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from torch import Tensor
from torch.nn import Module
from torch.utils.flop_counter import FlopCounterMode

from manualconv.explain.field.tensor import Field
from manualconv.geometry import Window


@dataclass(frozen=True)
class Row:
    """One layer, or one place where branches meet.

    Attributes:
        name: its module's path; of a call in a larger module's own code, the path and the function's name.
        kind: the module's class, or the function.
        module: the path of the module that made the call.
        input_shape, output_shape: of the first tensors.
        field: what the result's units see.
        window: of a convolution or pooling.
        known: whether there is a rule for the function; if not, all positions were taken as mixed.
        passing: whether it is here for its parameters alone, as a batch normalisation: units see what they saw.
        parameters: how many the call took that no earlier one did.
        flops: floating-point operations, where they were counted.
    """

    name: str
    kind: str
    module: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    field: Field
    window: Window | None
    known: bool
    passing: bool
    parameters: int
    flops: int


@dataclass
class Path:
    """What one forward pass wrote down.

    Attributes:
        rows: layers in the order in which they ran.
        modules: the field and the shape of each module's result.
        keep, kept: the rows and modules whose results are to be kept, and these.
        counter: what counts floating-point operations.
        stack: the modules that run, from the outermost.
        used: how often each name was given to a row.
        taken: the parameters that calls took, by identity.
        idle: how many numbers each of the others has, by name.
        numbers: whether the pass had numbers, because the model asked for them.
        lost: whether the model's results, which are tensors, are none that were followed.
        begun: floating-point operations that were counted before.
    """

    rows: list[Row] = field(default_factory=list)
    modules: dict[str, tuple[Field, tuple[int, ...]]] = field(default_factory=dict)
    keep: Collection[str] = ()
    kept: dict[str, Tensor] = field(default_factory=dict)
    counter: FlopCounterMode | None = None
    stack: list[tuple[str, Module]] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    taken: set[int] = field(default_factory=set)
    idle: dict[str, int] = field(default_factory=dict)
    numbers: bool = False
    lost: bool = False
    begun: int = 0

    def __post_init__(self) -> None:
        self.begun = self.flops()

    def named(self, function: str) -> str:
        """A name for a call in the module that runs: its own, if it holds no others."""
        path, module = self.stack[-1]
        alone = path and next(module.children(), None) is None
        name = path if alone else f"{path}.{function}".lstrip(".")
        self.used[name] += 1
        return f"{name}#{self.used[name]}" if self.used[name] > 1 else name

    def flops(self) -> int:
        """Counted so far, in this pass alone."""
        return self.counter.get_total_flops() - self.begun if self.counter else 0
