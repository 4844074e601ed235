"""docs/TOOLS.md: written from the snippets and their claims, which `make tools` has tried."""

from __future__ import annotations

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
tries every snippet and writes this page; `make test` tries those whose tool is installed.

**Which way?** `convert` keeps each layer's exact type, so that a tool which looks layers up by type finds them: this
way works beside nearly everything. A model built of `manualconv.nn` has types of its own; a tool that keeps a table
by exact type needs to be told of them, and `manualconv.TORCH_LAYERS` has them, ours beside torch's:

```python
for ours, theirs in manualconv.TORCH_LAYERS.items():
    if theirs in table:
        table[ours] = table[theirs]
```

`by_hand` changes no model; what runs inside the block is by hand, a tool's own calls of torch's functions too.

**Rules.** A tool that has formulas of its own for a layer's derivatives (BackPACK, ExpandedWeights, Opacus' hooks) does
not follow the layer's `Rules` there. `torch.func` does: `vmap` of `grad`, Opacus with `force_functorch=True`.
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


def text(versions: dict[str, str], machine: str) -> str:
    """The page."""
    return "\n".join([INTRODUCTION, machine, "", *(_section(tool, versions) for tool in TOOLS)])


def write() -> None:
    """Write the page, with the versions that are here."""
    machine = f"Tried with torch {torch.__version__} on Python {platform.python_version()}, on the CPU."
    here = {tool: version(TOOLS[tool]) or written for tool, written in written_versions().items()}
    PATH.write_text(text(here, machine), encoding="utf-8")


def written_machine() -> str:
    """The page's own sentence about where it was tried."""
    return next(re.finditer(r"^Tried with torch .*$", PATH.read_text(encoding="utf-8"), flags=re.MULTILINE))[0]
