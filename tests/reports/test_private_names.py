"""CASES, "also seen, smaller": one private name missing from torch must cost its feature, never the import.

Each name is taken away from a torch that is loaded already, in a process of its own, and then manualconv is imported
there for the first time.  The numbers to compare with were made before by torch.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from manualconv import by_hand, torch_internals
from manualconv.torch_internals.optional import ASKED, NEEDED
from tests.systems import needs_fork
from tests.test_floors import dotted_name, is_private_torch

ROOM = Path(torch_internals.__file__).parent
#: Where other names lead from: ``forward_ad._current_level``.
ALIASES = {"forward_ad": "torch.autograd.forward_ad", "checkpoint": "torch.utils.checkpoint"}


def read_in(tree: ast.Module) -> Iterator[str]:
    """The private names of torch's that a file reads by itself: dotted, by ``from``, by ``getattr`` of a constant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield dotted_name(node)
        elif (
            isinstance(node, ast.Call)
            and dotted_name(node.func) == "getattr"
            and isinstance(node.args[1], ast.Constant)
        ):
            yield f"{dotted_name(node.args[0])}.{node.args[1].value}"


def in_full(dotted: str) -> str:
    """A name as it leads from torch."""
    first, dot, rest = dotted.partition(".")
    return ALIASES.get(first, first) + dot + rest


def taken_otherwise(text: str) -> set[str]:
    """Private names that a file takes past `torch_internals.optional.private`."""
    return {name for name in map(in_full, read_in(ast.parse(text))) if is_private_torch(name)}


by_hand()  # raw operations are asked for where the table of their names is made

#: Read while it runs, since it changes: with a number to do without it.
CHANGING = {"torch.autograd.forward_ad._current_level"}
OPERATIONS = {name for name in ASKED if name.startswith(("torch._C._nn.", "torch._ad", "torch._conv"))}
OPERATIONS |= {"torch._softmax", "torch._log_softmax"}
#: Every name, and the private parts of torch that they lie in.
NAMES = {*ASKED, *CHANGING}
PARTS = {
    owner
    for name in NAMES
    for at in range(2, name.count(".") + 1)
    if is_private_torch(owner := ".".join(name.split(".")[:at])) and owner not in ("torch._C", "torch.ops.aten")
}


def test_every_private_name_is_asked_for_in_one_way() -> None:
    """A name read in another way than by ``private`` would not be optional, and not be taken away below."""
    found = set().union(*(taken_otherwise(file.read_text(encoding="utf-8")) for file in ROOM.glob("*.py")))
    assert found == CHANGING
    assert all(ASKED.values()), "this torch has them all"
    assert all(map(is_private_torch, ASKED))
    planted = (
        "import torch\nfrom torch._C import a\nforward_ad._b\ngetattr(torch._C, 'c')\nx = torch.ops.aten.d\ntorch.nn.e"
    )
    assert taken_otherwise(planted) >= {"torch._C.a", "torch.autograd.forward_ad._b", "torch._C.c", "torch.ops.aten.d"}
    assert "torch.nn.e" not in taken_otherwise(planted)


#: Run in a child.  Prints a line for each set of names: what was wrong without them, or nothing.
PROGRAM = '''
import os, sys
import torch
import torch.utils.checkpoint
import torch._functorch.pyfunctorch, torch._functorch.utils

sys.dont_write_bytecode, sys.pycache_prefix = False, sys.argv[1]
F = torch.nn.functional


class Without:
    """What forwards all names of an object but one."""

    def __init__(self, whole, name):
        self.__dict__.update(whole=whole, name=name)

    def __getattr__(self, name):
        if name == self.name:
            raise AttributeError(name)
        return getattr(self.whole, name)


def take_away(dotted):
    *owners, name = dotted.split(".")
    owner = torch
    for part in owners[1:]:
        owner = getattr(owner, part)
    try:
        delattr(owner, name)
    except (AttributeError, TypeError):
        pass
    if hasattr(owner, name):
        # A name that torch makes up when it is asked for, or a class that cannot change.
        above = torch
        for part in owners[1:-1]:
            above = getattr(above, part)
        setattr(above, owners[-1], Without(owner, name))
        assert not hasattr(getattr(above, owners[-1]), name)


def goes_back():
    """Whether torch itself can still run a backward pass."""
    try:
        torch.ones(1, requires_grad=True).sum().backward()
    except AttributeError:
        return False
    return True


def step(layers, cross_entropy):
    """A step of a small network: its loss, what it gives after, every buffer and every gradient."""
    torch.manual_seed(0)
    x = torch.randn(3, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    model = torch.nn.Sequential(
        layers.Conv2d(2, 3, 3, padding=1), layers.BatchNorm2d(3), layers.ReLU(inplace=True), layers.MaxPool2d(2),
        layers.Flatten(), layers.Linear(27, 4),
    ).double()
    loss = cross_entropy(model(x), torch.tensor([0, 3, 1]))
    with torch.no_grad():
        forward = [loss.detach(), model(x), *model.buffers()]
    if not goes_back():
        return forward
    loss.backward()
    return [*forward, x.grad, *(p.grad for p in model.parameters())]


def ours():
    """All that shall still be there, imported for the first time in this process."""
    import manualconv.nn
    import manualconv.functional
    from manualconv import by_hand, convert

    found = step(manualconv.nn, manualconv.functional.cross_entropy)
    x = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    layers = convert(torch.nn.Sigmoid()), manualconv.nn.Sigmoid()
    converted, ours = (layer(x.clone().requires_grad_()).grad_fn.name() for layer in layers)
    assert converted == ours
    with by_hand():
        return [torch.relu(torch.conv2d(x, x)), *found]


def wrong(names, expected):
    """What differs without some names; None if nothing does."""
    for name in names:
        take_away(name)
    try:
        found = ours()
        assert len(found) == len(expected) or not goes_back()
        for mine, theirs in zip(found, expected):
            assert mine.shape == theirs.shape and torch.allclose(mine, theirs, rtol=1e-12, atol=1e-12)
    except BaseException as failure:
        return f"{type(failure).__name__}: {str(failure).partition(chr(10))[0]}"


def use(name):
    """Use what nothing but a name can do: see NEEDED."""
    from torch.autograd import forward_ad
    from manualconv import functional
    from manualconv.bench.memory import Watch

    x = torch.rand(2, 3, 4, 4)
    if name == "maybe_get_level":
        torch.vmap(lambda x: functional.batch_norm(x, torch.zeros(3), torch.ones(3), training=True))(x[None])
    elif name == "temporarily_clear_interpreter_stack":
        torch.func.grad(lambda x: functional.batch_norm(x, torch.zeros(3), torch.ones(3), training=True).sum())(x)
    elif name == "temporarily_pop_interpreter_stack":
        torch.func.grad(lambda x: functional.lp_pool2d(x, torch.tensor(2.0), 2).sum())(x)
    elif name == "_set_fwd_grad_enabled":
        with forward_ad.dual_level():
            functional.sigmoid(forward_ad.make_dual(x, x))
    elif name == "TorchDispatchMode":
        Watch()


def sentence(name):
    """What a feature says without the one name that it needs; nothing if it needs no such name."""
    take_away(name)
    try:
        use(name.rpartition(".")[2])
    except RuntimeError as failure:
        return str(failure)


expected = [torch.full((1, 1, 1, 1), 9.0, dtype=torch.float64), *step(torch.nn, F.cross_entropy)]
# What a first run loads late of torch and others stays loaded: it may not do without a name, and it takes time.
ours()
for name in [name for name in sys.modules if name.partition(".")[0] == "manualconv"]:
    del sys.modules[name]
for line in sys.stdin.read().splitlines():
    child = os.fork()
    if not child:
        kind, _, name = line.partition(" ")
        complaint = sentence(name) if kind == "feature" else wrong(line.split(), expected)
        if complaint:
            print(line, complaint, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, line
'''


LINES = {
    "names": sorted(NAMES - OPERATIONS),
    "parts": sorted(PARTS),
    # They differ in nothing but their names, so that they are taken away all at once.
    "operations": [" ".join(sorted(OPERATIONS))],
    "features": [f"feature {name}" for name in sorted(NEEDED)],
    # What nothing can do without, to prove that the children see a fault.
    "planted": ["torch.nn.Conv2d", "torch.nn.Transformer"],
}


@pytest.fixture(scope="module")
def said() -> str:
    """What is wrong without the names of each line, a line each; nothing of the others."""
    # What is compiled to bytecode once is not compiled again in every child.
    with TemporaryDirectory() as bytecode:
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, bytecode],
            input="\n".join(line for lines in LINES.values() for line in lines),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOM.parents[1]), "OMP_NUM_THREADS": "1"},
            timeout=300,
        )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@needs_fork
@pytest.mark.parametrize("kind", ["names", "parts", "operations"])
def test_a_private_name_that_torch_lacks_costs_no_import_and_no_number(said: str, kind: str) -> None:
    assert LINES[kind]
    assert [line for line in said.splitlines() if line.startswith(tuple(LINES[kind]))] == []


@needs_fork
def test_a_name_that_nothing_does_without_is_noticed(said: str) -> None:
    lines = [line for line in said.splitlines() if line.startswith(tuple(LINES["planted"]))]
    assert lines == ["torch.nn.Conv2d AttributeError: module 'torch.nn' has no attribute 'Conv2d'"]


@needs_fork
def test_a_feature_says_which_name_it_lacks(said: str) -> None:
    """In one sentence, when it is used; `test_a_private_name_...` shows that all else is as before."""
    assert NEEDED
    found = [line.split(" ", 2)[2] for line in said.splitlines() if line.startswith("feature ")]
    assert found == [
        f"{feature} needs {name}, which torch {torch.__version__} does not have; "
        "install the torch release that manualconv is tested with"
        for name, feature in sorted(NEEDED.items())
    ]
