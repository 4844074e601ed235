"""docs/TOOLS.md: written from the snippets and their claims, which `make tools` has tried."""

import platform
import re
from pathlib import Path

import torch

from tests.tools.catalogue import SNIPPETS, TOOLS
from tests.tools.snippet import WAYS, Snippet
from tests.tools.trial import version

PATH = Path(__file__).resolve().parents[2] / "docs" / "TOOLS.md"

INTRODUCTION = """\
# Beside other tools

How manualconv lives with what people keep beside it. Each use of a tool below is a snippet that was run four times:
on a model of torch's, on the same model built of `manualconv.nn`, on torch's after `manualconv.convert`, and on
torch's inside `manualconv.by_hand()`. *Right* means that the tool found the same as in torch's model, to rounding,
and that operations of ours ran. Where something else is true, a sentence says it. `make tools` installs the tools,
tries every snippet and writes this page; `make test` tries those whose tool is installed, but for some that compile for
long.

**Which way?** `convert` keeps each layer's exact type, so that a tool which looks layers up by type finds them: this
way works beside nearly everything. A model built of `manualconv.nn` has types of its own; a tool that keeps a table
by exact type needs to be told of them, and `manualconv.TORCH_LAYERS` has them, ours beside torch's:

```python
for ours, theirs in manualconv.TORCH_LAYERS.items():
    if theirs in table:
        table[ours] = table[theirs]
```

A tool without such a table, which fuses or quantises by exact type, takes
`manualconv.convert(manualconv.restore(model))`: the same weights, torch's types, by hand.

`by_hand` changes no model; what runs inside the block is by hand, a tool's own calls of torch's functions too.

**What stays torch's.** `layer.forward(x)` runs none of a converted layer's hooks, and computes as torch's. A layer
that a tool replaces by one of its own computes as that one. A tool that counts or rewrites torch's operators itself
does not find those of the layers by hand: its row says so. `torch.jit.trace` and `torch.onnx.export(...,
dynamo=False)` record torch's operators: the numbers are equal, the traced code's derivatives are torch's.

**Rules.** BackPACK and Opacus' hooks have formulas of their own for a layer's derivatives and do not follow its
`Rules`; ExpandedWeights do not either, and are refused. `torch.func` follows them: `vmap` of `grad`, Opacus with
`force_functorch=True`.

**Compiled code.** The first `convert` of a program has `torch.compile` look at the hooks of layers from then on, and
drops what was compiled before, which would run without them.
"""

COST = """\
## What a call costs

`manualconv bench --calls`: small layers on an image of 4×8×8, where the way to the arithmetic is what takes time, and
a training step of LeNet-5, loss and optimiser included. A converted layer runs two hooks and a function mode more
than one of `manualconv.nn`, which is `converted − nn`; `torch/torch` is a second layer of torch's over the first.
"""


def _row(snippet: Snippet) -> str:
    claims = " | ".join(str(snippet.claims[way]) for way in WAYS)
    return f"| {snippet.title} | {claims} |"


def _section(tool: str, versions: dict[str, str]) -> str:
    found = [snippet for snippet in SNIPPETS if snippet.tool == tool]
    heading = tool if TOOLS[tool] == "torch" else f"{tool} {versions[tool]}"
    table = "\n".join(["| use | nn | convert | by_hand |", "|---|---|---|---|", *map(_row, found)])
    code = "\n\n\n".join(snippet.source for snippet in found)
    return f"## {heading}\n\n{table}\n\n```python\n{code}\n```\n"


def written_versions() -> dict[str, str]:
    """The version that the page has of every tool."""
    page = PATH.read_text(encoding="utf-8") if PATH.exists() else ""
    written = dict(re.findall(r"^## (.+) (\S+)$", page, flags=re.MULTILINE))
    return {tool: written.get(tool, "(not tried)") for tool in TOOLS}


def written_figures() -> tuple[str, str]:
    """Where the page says that it was tried, and its table of what a call costs."""
    page = PATH.read_text(encoding="utf-8")
    machine = next(re.finditer(r"^Tried with torch .*$", page, flags=re.MULTILINE))[0]
    return machine, re.findall(r"```\n(a call or a step.*?)\n```", page, flags=re.DOTALL)[0]


def text(versions: dict[str, str], machine: str, calls: str) -> str:
    """The page."""
    cost = f"{COST}\n```\n{calls}\n```\n"
    return "\n".join([INTRODUCTION, machine, "", *(_section(tool, versions) for tool in TOOLS), cost])


def write(calls: str) -> None:
    """Write the page, with the versions that are here and a table of `manualconv.bench.calls`."""
    machine = f"Tried with torch {torch.__version__} on Python {platform.python_version()}, on the CPU."
    here = {tool: version(TOOLS[tool]) or written for tool, written in written_versions().items()}
    PATH.write_text(text(here, machine, calls), encoding="utf-8")
