"""``python -m tests.tools``: every tool that is here, a row a use; writes docs/TOOLS.md, exits with 1 on any failure.

Each tool runs in a process of its own: some of them change torch for the whole process.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import torch

from manualconv.bench import calls
from tests.tools import document
from tests.tools.catalogue import SNIPPETS, TOOLS
from tests.tools.snippet import Snippet
from tests.tools.trial import Outcome, outcomes, version


def tried_here(tool: str) -> list[tuple[Snippet, list[Outcome]]]:
    """The outcomes of a tool's snippets, run in this process."""
    return [(snippet, outcomes(snippet)) for snippet in SNIPPETS if snippet.tool == tool]


def tried(tool: str) -> list[tuple[Snippet, list[Outcome]]] | str:
    """The same, run in a process of its own; a sentence if that process died."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.tools", "--here", tool]
    child = subprocess.run(command, capture_output=True, text=True)
    last = child.stdout.splitlines()[-1:] or [""]
    if child.returncode or not last[0].startswith("{"):
        return f"exit status {child.returncode}: {(child.stderr.strip().splitlines() or ['no word'])[-1][:300]}"
    found = json.loads(last[0])
    return [(s, [Outcome(**o) for o in found[s.name]]) for s in SNIPPETS if s.tool == tool]


def line(snippet: Snippet, found: list[Outcome]) -> str:
    """A row of the table, its sentences below."""
    short = ["right" if o.text == "right" else "*" if o.holds else "WRONG" for o in found]
    sentences = [f"    {o.way}: {o.text}" for o in found if o.text != "right"]
    return "\n".join([f"{snippet.tool:28} {snippet.name:34} {'':3}{short[0]:8} {short[1]:8} {short[2]}", *sentences])


def main() -> bool:
    """Try what is asked for, and say whether every claim holds."""
    parser = argparse.ArgumentParser("python -m tests.tools", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="TOOL", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--here", metavar="TOOL", choices=TOOLS, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tools at once (default: one a core)")
    options = parser.parse_args()
    if options.here:
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        print(json.dumps({s.name: [asdict(o) for o in found] for s, found in tried_here(options.here)}))
        return True
    here = [tool for tool in options.only if version(TOOLS[tool])]
    failed = list[str]()
    print(f"{'tool':28} {'use':34} {'':3}{'nn':8} {'convert':8} by_hand", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        for tool, found in zip(here, pool.map(tried, here)):
            if isinstance(found, str):
                print(f"{tool:28} {found}", flush=True)
                failed.append(tool)
                continue
            print(*(line(*row) for row in found), sep="\n", flush=True)
            failed += [tool] if any(not o.holds for _, row in found for o in row) else []
    absent = [tool for tool in options.only if tool not in here]
    print(f"\n{len(here)} tools tried; not here: {', '.join(absent) or 'none'}; failed: {', '.join(failed) or 'none'}")
    if not failed and options.only == list(TOOLS):
        document.write(calls.table(calls.measure()))
        print(f"wrote {document.PATH.name}")
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
