"""``python -m tests.browser``: the page of `manualconv animate` in a headless Chromium; exits with 1 on any fault.

Each drawn layer is set on the page by keys, from field to field by Tab.  The page's numbers, which its own program
computes, are compared with torch's, which are computed from the page's operands by the PyTorch lines that it shows.
Then keyboard, pointer, labels, a phone's width, and that nothing is asked of a network.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from manualconv.explain import animate, make
from manualconv.explain.animation.explorer import fields
from tests.browser import chromium
from tests.browser.layers import layers
from tests.browser.numbers import faults_of_cards, faults_of_numbers
from tests.browser.use import CHECKS

NAMES = ("kind", "input", "kernel", "stride", "padding", "dilation", "channels", "filters", "groups", "seed", "flip")

#: After the last step, what stands in the cells that each card writes.
WRITTEN = """JSON.stringify(Object.fromEntries(cards.map((card) => {
    card.go(card.trace.steps.length - 1);
    const { key, grids, written } = card.trace;
    const boxes = [...written.cells.keys()].map((cell) => card.cells.get(`${grids.length}:${cell}`));
    return [key, boxes.map((box) => box.firstChild?.textContent)];
})))"""


def set_layer(tab: chromium.Tab, wanted: dict[str, str | bool], seed: int) -> list[str]:
    """Fill the form by the keyboard alone; a field that Tab does not reach in its turn is a fault."""
    tab.value("document.querySelector('select').focus()")
    kinds = tab.value("[...document.querySelectorAll('option')].map((option) => option.value)")
    for name in NAMES:
        here = tab.value("document.activeElement.name")
        if here != name:
            return [f"Tab reaches {here!r} where {name!r} stands"]
        if name == "kind":
            tab.press("Home")
            for _ in range(kinds.index(wanted["kind"])):
                tab.press("ArrowDown")
        elif name == "flip":
            if tab.value("document.activeElement.checked") != wanted["flip"]:
                tab.press(" ")
        else:
            tab.fill(str(seed) if name == "seed" else str(wanted[name]))
        tab.press("Tab")
    return []


def faults_of_layers(tab: chromium.Tab, count: int, seed: int) -> list[str]:
    """Set so many layers, and compare each of them."""
    faults, compared = [], 0
    for number, layer in enumerate(layers(count, seed)):
        wrong = set_layer(tab, fields(layer), number)
        state = json.loads(tab.value("JSON.stringify(window.manualconv.state())"))
        wrong += faults_of_numbers(layer, state) + faults_of_cards(json.loads(tab.value(WRITTEN)), state)
        compared += sum(len(found["values"]) for found in state["passes"].values())
        faults += [f"layer {number}, {state['line']}: {words}" for words in wrong]
    print(f"{count} layers set on the page, {compared:,} numbers compared with torch's", flush=True)
    return faults


def faults_of_use(tab: chromium.Tab, page: Path, pictures: Path | None) -> list[str]:
    """Use the page as people do, each time afresh."""
    faults = []
    for check in CHECKS:
        tab.open(page)
        wrong = check(tab)
        print(f"{check.__doc__}  {'; '.join(wrong) or 'ok'}", flush=True)
        faults += wrong
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            tab.picture(pictures / f"{check.__name__}.png")
    return faults


def main(arguments: list[str] | None = None) -> bool:
    """Set, compare and use; say what is wrong, and whether nothing is."""
    parser = argparse.ArgumentParser("python -m tests.browser", description=__doc__)
    parser.add_argument("--layers", type=int, default=40, metavar="N", help="set on the page (default 40)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (default 0)")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="save a screenshot after each check")
    options = parser.parse_args(arguments)
    program = chromium.found()
    if program is None:
        print("no browser: there is no Chromium here, and only root can install Debian's, by apt-get")
        return True
    try:
        with tempfile.TemporaryDirectory() as folder, chromium.tab(program) as tab:
            page = next(p for p in animate(make("conv", (5, 5), 3)).save(folder) if p.suffix == ".html")
            tab.open(page)
            faults = faults_of_layers(tab, options.layers, options.seed)
            faults += faults_of_use(tab, page, options.pictures) + tab.faults
    except RuntimeError as error:
        faults = [str(error)]
    print(*faults, f"{len(faults)} faults", sep="\n")
    return not faults


if __name__ == "__main__":
    sys.exit(not main())
