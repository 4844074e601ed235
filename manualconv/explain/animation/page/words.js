"use strict";
// What a step computes and what PyTorch would be told, in words.

const number = (value) => String(Number.isInteger(value) ? value : +value.toPrecision(4)).replace("-", "−");
const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));
const one = (numbers) => (new Set(numbers).size === 1 ? `${numbers[0]}` : `(${numbers.join(", ")})`);

/** What computes y in PyTorch. */
function torchLine({ kind, pool, flip, window: w }) {
  const axes = w.kernel.length, even = w.padding.every(([a, b]) => a === b), turned = kind === "conv_transpose";
  const named = [["stride", w.stride, 1], ["padding", even ? w.padding.map(([a]) => a) : [0], 0], ["dilation", w.dilation, 1]];
  const options = named.filter(([name, values, usual]) => (pool && name === "stride") || values.some((n) => n !== usual))
    .map(([name, values]) => `${name}=${one(values)}`);
  if (!pool && w.groups > 1) options.push(`groups=${w.groups}`);
  const frame = [...w.padding].reverse().flat().join(", "), low = kind === "max_pool" ? ", value=-torch.inf" : "";
  const x = even || turned ? "x" : `F.pad(x, (${frame})${low})`;
  const second = pool ? one(w.kernel) : flip ? `w.flip(${w.kernel.map((_, n) => n + 2).join(", ")})` : "w";
  const cut = turned && !even ? `[..., ${w.padding.map(([a], n) => `${a}:${a + w.size[n]}`).join(", ")}]` : "";
  return `y = F.${kind}${axes}d(${[x, second, ...options].join(", ")})${cut}`;
}

/** What computes a pass in PyTorch, behind y's line and, of second order, behind the gradient's. */
function passLine(layer, key) {
  if (key === "forward") return torchLine(layer);
  if (key === "bias") return `db = dy.sum((${[0, ...layer.window.kernel.map((_, n) => n + 2)].join(", ")}))`;
  const [order, gradient, by] = key.split("-"), slot = key === "weight" ? "w" : "x";
  if (order !== "second") return `(d${slot},) = torch.autograd.grad(y, ${slot}, dy, create_graph=True)`;
  const [of, along] = gradient === "input" ? ["dx", "u"] : ["dw", "v"];
  const name = { input: "x", weight: "w", output: "dy" }[by];
  return `(d${name === "dy" ? "" : "d"}${name},) = torch.autograd.grad(${of}, ${name}, ${along}, retain_graph=True)`;
}

/** "i = 2p + k − 1" of each axis. */
function relation({ window: w }) {
  const times = (n, letter) => (n > 1 ? n + letter : letter);
  const parts = w.stride.map((s, n) => {
    const a = w.padding[n][0];
    return `i = ${times(s, "p")} + ${times(w.dilation[n], "k")}${a ? ` − ${a}` : ""}`;
  });
  return new Set(parts).size === 1 ? parts[0] : `${parts.join(" on rows, ")} on columns`;
}

/** "y[0,1]": without the axes in front that have one entry. */
function nameOf(grid, cell) {
  const kept = cell.split(",").filter((_, axis) => axis >= 2 || grid.size[axis] > 1);
  return kept.length ? `${grid.letter}[${kept}]` : grid.letter;
}

const productOf = ({ factors, over }, pool) =>
  (pool ? factors.slice(0, 1) : factors).map(factor).join("·") + (over > 1 ? `/${over}` : "");

/** The sum of the terms that go into one written cell. */
function sumInto(t, cell, terms) {
  const into = terms.filter((term) => term.to === cell), left = nameOf(t.written, cell);
  const right = number(into.reduce((sum, term) => sum + term.product, 0) / t.over);
  if (t.layer.kind === "max_pool") {
    const best = into.filter((term) => term.factors[1]), at = best.map((term) => nameOf(t.grids[0], term.read[0])).join(" and ");
    const all = t.key === "forward" ? `max(${into.map((term) => number(term.factors[0])).join(", ")}) = ` : "";
    return best.length ? `${left} = ${all}${right}, from ${at}` : `${left} = 0: it is no maximum`;
  }
  return `${left} = ${into.map((term) => productOf(term)).join(" + ") || "0: no term"} = ${right}`;
}

/** Where the terms that read one cell go. */
function sentOn(t, which, cell, terms) {
  const kept = terms.filter((term) => t.written.cells.has(term.to) && (t.layer.kind !== "max_pool" || term.factors[1]));
  const lost = terms.filter((term) => !t.written.cells.has(term.to)).length;
  const parts = kept.map((term) => `${nameOf(t.written, term.to)} += ${productOf(term, t.layer.pool)}`);
  if (lost) parts.push(`${lost} in the padding, lost`);
  const value = t.grids[which].cells.get(cell);
  return `${nameOf(t.grids[which], cell)} = ${number(value ?? 0)} goes into ${parts.join(", ") || "nothing"}`;
}
