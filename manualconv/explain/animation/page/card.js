"use strict";
// A card is one pass on the page; it shows one step, or all terms of one cell.

/** An element with attributes and children. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A pass on the page: a slider, the grids, the sum. */
class Card {
  constructor(key) {
    this.trace = trace(layer, key, held);
    this.terms = this.trace.steps.flatMap((step) => step.terms);
    this.step = 0;
    this.spot = this.pin = null;
    this.never = [...this.trace.grids, this.trace.written].map((grid, n, all) => {
      const touched = new Set(this.terms.map((term) => (n === all.length - 1 ? term.to : term.read[n])));
      return new Set([...grid.cells.keys()].filter((cell) => !touched.has(cell)));
    });
    const last = this.trace.steps.length - 1;
    this.slider = make("input", { type: "range", min: 0, max: last, value: 0, "aria-label": `step of the ${this.trace.title}` });
    this.slider.oninput = () => { this.spot = this.pin = null; this.go(+this.slider.value); };
    this.count = make("output", {});
    this.sum = make("p", { class: "sum", "aria-live": "polite" });
    this.grids = make("div", { class: "grids" });
    this.element = make("section", { id: `pass-${key}`, "aria-label": this.trace.title }, make("h2", {}, this.trace.title),
      make("pre", {}, make("code", {}, passLine(layer, key))),
      make("label", { class: "steps" }, "step", this.slider, this.count), this.grids, this.sum);
    this.cells = new Map();
    [...this.trace.grids, this.trace.written].forEach((grid, n, all) => {
      if (n) this.grids.append(make("span", { class: "sign", "aria-hidden": "true" }, n === all.length - 1 ? "→" : "×"));
      this.grids.append(this.planes(grid, n));
    });
    for (const kind of ["mouseover", "focusin"]) this.grids.addEventListener(kind, (event) => this.look(event.target.closest("td")));
    for (const kind of ["mouseleave", "focusout"]) this.grids.addEventListener(kind, () => this.look(null));
    this.grids.addEventListener("click", (event) => this.hold(event.target.closest("td")));
    this.grids.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  /** A table for each plane of a grid. */
  planes(grid, which) {
    const axes = grid.size.length > 1 ? layer.window.kernel.length : 0;
    const lead = grid.size.slice(0, grid.size.length - axes);
    const spatial = grid.size.slice(lead.length).map((n, axis) => {
      const [a, b] = grid.border[axis] ?? [0, 0];
      return Array.from({ length: a + n + b }, (_, i) => i - a);
    });
    const rows = axes === 2 ? spatial[0].map((r) => spatial[1].map((c) => [r, c])) : [axes ? spatial[0].map((c) => [c]) : [[]]];
    return make("div", { class: "planes" }, ...indices(lead).map((front) => {
      const kept = front.filter((_, axis) => lead[axis] > 1), label = grid.letter + (kept.length ? `[${kept}]` : "");
      const table = make("table", { role: "grid", "aria-label": label }, make("caption", {}, label));
      table.append(...rows.map((row) => make("tr", {}, ...row.map((at) => {
        const cell = [...front, ...at].join();
        const box = make("td", { class: "cell", role: "gridcell", tabindex: -1, "data-grid": which, "data-cell": cell });
        this.cells.set(`${which}:${cell}`, box);
        return box;
      }))));
      table.querySelector("td").tabIndex = 0;
      return table;
    }));
  }

  look(box) {
    this.spot = box && { which: +box.dataset.grid, cell: box.dataset.cell };
    if (!this.pin) this.draw();
  }

  hold(box) {
    const same = box && this.pin && this.pin.cell === box.dataset.cell && this.pin.which === +box.dataset.grid;
    this.pin = box && !same ? { which: +box.dataset.grid, cell: box.dataset.cell } : null;
    this.draw();
  }

  key(event) {
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const box = event.target.closest("td"), [down, right] = ways[event.key] ?? [];
    if (!box) return;
    if (event.key === "Enter" || event.key === " ") this.hold(box);
    else if (event.key === "Escape") this.hold(null);
    else if (down === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const row = box.parentElement, table = box.closest("table");
    const next = down === undefined ? null : table.rows[row.rowIndex + down]?.cells[box.cellIndex + right];
    if (!next) return;
    box.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  go(step) {
    this.step = (step + this.trace.steps.length) % this.trace.steps.length;
    this.draw();
  }

  /** The terms that are shown: of the pinned cell, of the one under the pointer, else of the step. */
  draw() {
    const t = this.trace, step = t.steps[this.step], spot = this.pin ?? this.spot, last = t.grids.length;
    const terms = !spot ? step.terms
      : this.terms.filter((term) => (spot.which === last ? term.to : term.read[spot.which]) === spot.cell);
    this.slider.value = this.step;
    this.count.textContent = `${this.step} of 0 … ${t.steps.length - 1}`;
    this.sum.textContent = !spot ? (t.scatter ? sentOn(t, 0, step.at, terms) : sumInto(t, step.at, terms))
      : spot.which === last ? sumInto(t, spot.cell, terms) : sentOn(t, spot.which, spot.cell, terms);
    const now = spot ? t.written.cells : this.running(), touching = new Map();
    for (const term of terms)
      for (const name of [...term.read.map((cell, which) => `${which}:${cell}`), `${last}:${term.to}`])
        touching.has(name) ? touching.get(name).push(term) : touching.set(name, [term]);
    for (const [name, box] of this.cells) {
      const which = +name[0], cell = name.slice(2), grid = which === last ? t.written : t.grids[which];
      const mine = touching.get(name) ?? [];
      const active = mine.filter((term) => which !== last || !t.scatter || t.layer.kind !== "max_pool" || term.factors[1]);
      this.paint(box, which, cell, grid, active, now);
      box.classList.toggle("pinned", this.pin !== null && this.pin.which === which && this.pin.cell === cell);
    }
  }

  paint(box, which, cell, grid, terms, now) {
    const t = this.trace, last = t.grids.length, outside = !grid.cells.has(cell), names = ["cell"];
    if (terms.length) names.push(which === last ? "written" : ["first", "second"][which]);
    if (terms.length && which === 0 && t.layer.kind === "max_pool" && !t.scatter && terms[0].factors[1]) names[1] = "written";
    if (outside) names.push("padding");
    else if (grid.stuffed.has(cell)) names.push("stuffed");
    else if (!terms.length && this.never[which].has(cell)) names.push("never");
    const value = which === last ? now.get(cell) : outside ? 0 : grid.cells.get(cell);
    const hidden = outside && which === last, low = outside && t.layer.kind === "max_pool";
    const text = hidden || value === undefined ? "" : low ? "−∞" : number(value);
    const small = this.small(which, terms), look = [...names, text, small].join();
    if (box.look === look) return;
    box.look = look;
    box.className = names.join(" ");
    box.replaceChildren(text, ...(small && !outside ? [make("small", {}, small)] : []));
    box.setAttribute("aria-label", `${nameOf(grid, cell)} ${text || "empty"}${names.slice(1).map((word) => `, ${word}`).join("")}`);
  }

  /** The small number in a cell: what it is multiplied by, or what is added to it. */
  small(which, terms) {
    const [term] = terms, t = this.trace;
    if (terms.length !== 1 || t.layer.pool) return "";
    if (which === t.grids.length) return t.scatter ? `+${number(term.product)}`.replace("+−", "−") : "";
    return which === 0 && term.factors.length === 2 && !t.scatter ? `×${number(term.factors[1])}` : "";
  }

  /** What stands in the written grid after the step: of a gathered pass only the cells that are done. */
  running() {
    const t = this.trace, found = new Map(t.scatter ? [...t.written.cells.keys()].map((cell) => [cell, 0]) : []);
    for (const step of t.steps.slice(0, this.step + 1))
      for (const term of step.terms)
        if (t.written.cells.has(term.to)) found.set(term.to, (found.get(term.to) ?? 0) + term.product / term.over);
    return found;
  }
}
