"""The page in use: keys, pointer, labels, a phone's width, no motion, no colour."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.browser.chromium import Tab

STEPS = "[...document.querySelectorAll('section input')].map((slider) => +slider.value)"
SUM = "document.querySelector('#pass-{} .sum').textContent"


def expect(faults: list[str], words: str, found: object, wanted: object) -> None:
    """Note what is not as wanted."""
    if found != wanted:
        faults.append(f"{words}: {found!r}, where {wanted!r} was wanted")


def keys(tab: Tab) -> list[str]:
    """Arrow keys step all passes, on a slider its own; space plays and stops."""
    faults: list[str] = []
    expect(faults, "at the start", tab.value(STEPS), [0, 0, 0])
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    tab.press("ArrowLeft")
    expect(faults, "after two steps and one back", tab.value(STEPS), [1, 1, 1])
    tab.value("document.querySelector('#pass-input input').focus()")
    tab.press("ArrowRight")
    expect(faults, "on a slider", tab.value(STEPS), [1, 2, 1])
    tab.value("document.activeElement.blur()")
    tab.press(" ")
    expect(faults, "space", tab.value("$('run').getAttribute('aria-pressed')"), "true")
    tab.press(" ")
    expect(faults, "space again", tab.value("$('run').getAttribute('aria-pressed')"), "false")
    return faults


def cells(tab: Tab) -> list[str]:
    """On a cell: arrow keys move, the sum is the cell's, Enter pins it, Escape lets it go; the focus is seen."""
    faults: list[str] = []
    tab.value("document.querySelector('#pass-input [data-grid=\"2\"]').focus()")
    tab.press("ArrowRight")
    tab.press("ArrowDown")
    expect(faults, "the focused cell", tab.value("document.activeElement.dataset.cell"), "0,0,1,1")
    expect(faults, "its sum", tab.value(SUM.format("input")).split(" = ")[0], "dx[1,1]")
    outline = tab.value("getComputedStyle(document.activeElement).outlineStyle")
    expect(faults, "the outline of the focus", outline, "solid")
    tab.press("Enter")
    expect(faults, "pinned", tab.value("document.querySelectorAll('td.pinned').length"), 1)
    tab.press("ArrowRight")
    expect(faults, "the sum of the pinned cell", tab.value(SUM.format("input")).split(" = ")[0], "dx[1,1]")
    tab.press("Escape")
    expect(faults, "let go", tab.value("document.querySelectorAll('td.pinned').length"), 0)
    return faults


def pointer(tab: Tab) -> list[str]:
    """Under the pointer a cell shows what contributes to it; a click pins it."""
    faults: list[str] = []
    place = '#pass-forward [data-grid="2"][data-cell="0,0,2,2"]'
    tab.mouse(place)
    expect(faults, "the sum", tab.value(SUM.format("forward")).split(" = ")[0], "y[2,2]")
    expect(faults, "cells read", tab.value("document.querySelectorAll('#pass-forward td.first').length"), 9)
    tab.mouse(place, ("mousePressed", "mouseReleased"))
    tab.mouse("h1")
    expect(faults, "pinned", tab.value("document.querySelector('td.pinned').dataset.cell"), "0,0,2,2")
    tab.mouse(place, ("mousePressed", "mouseReleased"))
    tab.mouse('#pass-forward [data-grid="0"][data-cell="0,0,0,0"]')
    expect(faults, "a cell that is read", tab.value(SUM.format("forward"))[:7], "x[0,0] ")
    return faults


def mistakes(tab: Tab) -> list[str]:
    """What makes no layer is a sentence; the field says that it is wrong, and the old layer stays."""
    faults: list[str] = []
    for name, text, words in (
        ("kernel", "3,a", "kernel: whole numbers"),
        ("kernel", "9", "the kernel spans 9 positions, the padded input has 5"),
        ("input", "400x400", "products a pass"),
        ("padding", "1:2:3", "padding: before:after"),
        ("dilation", "0", "dilation: at least 1"),
        ("stride", "1e9", "stride: whole numbers"),
        ("channels", "2x2", "channels: one number, not several"),
        ("filters", "1000000000", "products a pass"),
        ("groups", "2", "2 groups must divide 1 channels"),
    ):
        before = tab.value(f"document.querySelector('[name={name}]').value")
        line = tab.value("$('line').textContent")
        tab.value(f"document.querySelector('[name={name}]').focus()")
        tab.fill(text)
        said = tab.value("$('error').textContent")
        if words not in said:
            faults.append(f"{name} {text} says {said!r}")
        if words.startswith(f"{name}:"):
            expect(faults, f"{name} {text}", tab.value("document.activeElement.getAttribute('aria-invalid')"), "true")
        tab.fill(before)
        expect(faults, f"{name} put right", tab.value("$('error').textContent"), "")
        expect(faults, f"the layer after {name}", tab.value("$('line').textContent"), line)
    return faults


def extremes(tab: Tab) -> list[str]:
    """The largest layers that the page takes are stepped through: it answers, or the tab's patience ends."""
    faults: list[str] = []
    tab.value("document.querySelectorAll('#choice input').forEach((box) => { box.checked = true; })")
    for wanted in (
        {"input": "50x50", "kernel": "1"},
        {"input": "46x46", "kernel": "3", "padding": "1"},
        {"input": "2500x1", "kernel": "1"},
        {"input": "50x50", "kernel": "50"},
        {"input": "5x5", "kernel": "1", "stride": "1000000000"},
    ):
        fields = {"kernel": "3", "stride": "1", "padding": "0", **wanted}
        tab.value(
            f"for (const [name, value] of Object.entries({json.dumps(fields)})) form.elements[name].value = value; "
            "update(); move(1)"
        )
        expect(faults, f"{wanted}", tab.value("$('error').textContent"), "")
        expect(faults, f"{wanted}", tab.value("cards.every((card) => card.sum.textContent.length > 5)"), True)
    return faults


def labels(tab: Tab) -> list[str]:
    """Everything that takes the focus has a name for those who do not see it."""
    tab.ask("Accessibility.enable")
    nodes = tab.ask("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "checkbox", "combobox", "gridcell", "slider", "spinbutton", "textbox", "grid"}
    named = [node for node in nodes if node.get("role", {}).get("value") in roles]
    faults = [f"a {node['role']['value']} has no name" for node in named if not node.get("name", {}).get("value")]
    return faults if len(named) > 50 else [f"only {len(named)} controls are found"]


def phone(tab: Tab) -> list[str]:
    """On 360 points nothing runs out of the page, and the cards stand below each other."""
    faults: list[str] = []
    tab.ask("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    expect(faults, "the page's width", tab.value("document.documentElement.scrollWidth"), 360)
    lefts = (
        "[...new Set([...document.querySelectorAll('section')].map((card) => card.getBoundingClientRect().x))].length"
    )
    expect(faults, "cards in a row", tab.value(lefts), 1)
    tab.mouse("#forth", ("mousePressed", "mouseReleased"))
    expect(faults, "after a tap on next", tab.value(STEPS), [1, 1, 1])
    return faults


def stillness(tab: Tab) -> list[str]:
    """Where less motion is asked for, nothing moves over."""
    faults: list[str] = []
    tab.ask("Emulation.clearDeviceMetricsOverride")
    duration = "getComputedStyle(document.querySelector('td')).transitionDuration"
    expect(faults, "usually", tab.value(duration), "0.15s")
    tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    expect(faults, "with less motion", tab.value(duration), "0s")
    return faults


def grey(tab: Tab) -> list[str]:
    """Without colour: read, multiplied and written cells have different edges; padding has a pattern."""
    tab.ask("Emulation.setEmulatedVisionDeficiency", type="achromatopsia")
    style = "getComputedStyle(document.querySelector('#pass-forward td.{}')).borderTopStyle"
    edges = [tab.value(style.format(name)) for name in ("first", "second", "written")]
    faults: list[str] = []
    expect(faults, "edges", edges, ["solid", "dashed", "double"])
    return faults


CHECKS: tuple[Callable[[Tab], list[str]], ...] = (
    keys,
    cells,
    pointer,
    mistakes,
    extremes,
    labels,
    phone,
    stillness,
    grey,
)
