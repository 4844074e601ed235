"use strict";
// A layer's passes as lists of terms.  With i = s·p + d·k − a the form
//     T(x, w, y) = Σ x[n, (g c), i] · w[(g o), c, k] · y[n, (g o), p]
// has three slots; a pass writes one of them and reads the other two.

const X = 0, W = 1, Y = 2;
// Products of a pass and cells of a grid that the page follows without waiting.
const MOST = 20000, CELLS = 2500;
const NAMES = { "forward": "forward", "input": "input gradient", "input-full": "… as full convolution",
  "weight": "weight gradient", "bias": "bias gradient", "second-input-weight": "∂⟨u, dx⟩/∂w",
  "second-input-output": "∂⟨u, dx⟩/∂dy", "second-weight-input": "∂⟨v, dw⟩/∂x", "second-weight-output": "∂⟨v, dw⟩/∂dy" };
const KEYS = Object.keys(NAMES);

/** Every index below `size`, row-major. */
const indices = (size) =>
  size.reduce((all, n) => all.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])), [[]]);
const product = (numbers) => numbers.reduce((a, b) => a * b, 1);

/** A tensor: its letter, its shape, the number of each cell by "0,0,1,2"; maybe a border and stuffed zeros. */
function tensor(letter, size, value, border = []) {
  const cells = new Map(indices(size).map((at, n) => [at.join(), value(at, n)]));
  return { letter, size, cells, border, stuffed: new Set() };
}

/** "6x7" as [6, 7]; one number stands for every axis. */
function perAxis(name, text, axes) {
  const parts = String(text).trim().split(/[x×, ]+/);
  if (!parts.every((part) => /^\d+$/.test(part))) throw new Error(`${name}: whole numbers with an x between, as 6x7`);
  const numbers = parts.map(Number);
  if (axes && numbers.length === 1) return Array(axes).fill(numbers[0]);
  if (axes && numbers.length !== axes)
    throw new Error(`${name}: one number${axes > 1 ? ` or ${axes}, as the input has` : ", not several"}`);
  return numbers;
}

/** "1:0x2" as [[1, 0], [2, 2]]. */
function pairs(text, axes) {
  const parts = String(text).trim().split(/[x×, ]+/).map((part) => part.split(":"));
  if (!parts.every((part) => part.length <= 2)) throw new Error("padding: before:after on each axis, as 1:0x2:2");
  const ends = (n) => perAxis("padding", parts.map((part) => part[n === 0 ? 0 : part.length - 1]).join("x"), axes);
  const after = ends(1);
  return ends(0).map((a, axis) => [a, after[axis]]);
}

/** The layer that the page's fields describe; an Error says in a sentence why there is none. */
function makeLayer(field) {
  const input = perAxis("input", field.input), axes = input.length, kind = field.kind, pool = kind.endsWith("pool");
  if (axes > 2) throw new Error("input: one number or two, as 9 or 6x7");
  const [kernel, stride, dilation] = ["kernel", "stride", "dilation"].map((name) => perAxis(name, field[name], axes));
  const padding = pairs(field.padding, axes);
  const [channels, filters, groups] = ["channels", "filters", "groups"].map((name) => perAxis(name, field[name], 1)[0]);
  const outputs = pool ? channels : filters, blocks = pool ? channels : groups, flip = kind === "conv" && field.flip;
  const least = { input, kernel, stride, dilation, channels: [channels], filters: [outputs], groups: [groups] };
  const zero = Object.keys(least).find((name) => Math.min(...least[name]) < 1);
  if (zero) throw new Error(`${zero}: at least 1`);
  if (channels % blocks || outputs % blocks)
    throw new Error(`${groups} groups must divide ${channels} channels and ${filters} filters without a rest`);
  if (kind === "avg_pool" && Math.max(...dilation) > 1) throw new Error("average pooling has no dilation in PyTorch");
  const widest = padding.findIndex((pair, axis) => pool && Math.max(...pair) > Math.floor(kernel[axis] / 2));
  if (widest >= 0) throw new Error(`pooling pads by at most half of its kernel ${kernel[widest]}`);
  const extent = kernel.map((k, axis) => dilation[axis] * (k - 1) + 1), sum = padding.map(([a, b]) => a + b);
  const turned = kind === "conv_transpose";
  const size = turned ? input.map((p, n) => stride[n] * (p - 1) + extent[n] - sum[n]) : input;
  const output = turned ? input : input.map((i, n) => Math.floor((i + sum[n] - extent[n]) / stride[n]) + 1);
  const short = (turned ? size : output).findIndex((n) => n < 1);
  if (short >= 0)
    throw new Error(turned ? "the padding cuts off the whole output" :
      `the kernel spans ${extent[short]} positions, the padded input has ${input[short] + sum[short]}`);
  const window = { size, kernel, stride, dilation, padding, output, extent, groups: blocks };
  const [C, O] = turned ? [outputs, channels] : [channels, outputs];
  const terms = product(output) * product(kernel) * C / blocks * O;
  const cells = product(size.map((n, axis) => n + sum[axis])) * C, spread = output.map((p, n) => stride[n] * (p - 1) + 1);
  const most = Math.max(cells, product(spread) * O, product(kernel) * C / blocks * O);
  if (terms > MOST || most > CELLS)
    throw new Error(`these are ${terms} products a pass and ${most} cells a grid, and the page shows ${MOST} and ${CELLS} at most: give less`);
  return { kind, pool, window, channels: C, filters: O, flip, source: turned ? Y : X, target: turned ? X : Y };
}

/** The shapes of the slots x, w and y. */
const sizes = ({ window, channels, filters }) => [[1, channels, ...window.size],
  [filters, channels / window.groups, ...window.kernel], [1, filters, ...window.output]];

/** The cells of x, w and y that are multiplied, term after term; x's may lie in the padding. */
function places({ window, channels, filters, flip }) {
  const { kernel, stride, dilation, padding, output, groups } = window, found = [];
  const c = channels / groups, o = filters / groups;
  for (const [g, out, into] of indices([groups, o, c]))
    for (const p of indices(output))
      for (const k of indices(kernel)) {
        const i = p.map((q, n) => stride[n] * q + dilation[n] * k[n] - padding[n][0]);
        const tap = flip ? k.map((j, n) => kernel[n] - 1 - j) : k;
        found.push([[0, g * c + into, ...i], [g * o + out, into, ...tap], [0, g * o + out, ...p]]);
      }
  return found;
}

/** Small whole numbers for every tensor of a layer, the same for the same seed. */
function draw(layer, seed) {
  let state = (Number(seed) + 1) * 2654435761 % 4294967296;
  const next = (low, high) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor(state / 4294967296 * (high - low + 1));
  };
  const all = sizes(layer), source = all[layer.source], target = all[layer.target];
  const shapes = { x: source, w: all[W], dy: target, u: source, v: all[W] };
  for (const letter of layer.pool ? ["w", "v"] : []) delete shapes[letter];
  return Object.fromEntries(Object.entries(shapes).map(([letter, size]) =>
    [letter, tensor(letter, size, () => (layer.pool && letter === "x" ? next(0, 9) : next(-2, 3)))]));
}

/** dy with s − 1 zeros between neighbours, and w rotated by 180°: the convolution that gathers dx. */
function full(layer, dy, w) {
  const { window, channels, filters, flip } = layer, g = window.groups, c = channels / g, o = filters / g;
  const size = window.output.map((p, n) => window.stride[n] * (p - 1) + 1);
  const between = (at) => at.slice(2).some((i, n) => i % window.stride[n]);
  const source = (at) => [at[0], at[1], ...at.slice(2).map((i, n) => i / window.stride[n])].join();
  const rest = window.size.map((i, n) =>
    (i + window.padding[n][0] + window.padding[n][1] - window.extent[n]) % window.stride[n]);
  const padding = window.extent.map((e, n) => [e - 1 - window.padding[n][0], e - 1 - window.padding[n][1] + rest[n]]);
  const one = window.stride.map(() => 1);
  const turned = { ...layer, channels: filters, filters: channels, flip: false,
    window: { ...window, size, stride: one, padding, output: window.size } };
  const x = tensor("dy", [1, filters, ...size], (at) => (between(at) ? 0 : dy.cells.get(source(at))));
  x.stuffed = new Set(indices(x.size).filter(between).map(String));
  const tap = (k) => (flip ? k : k.map((j, n) => window.kernel[n] - 1 - j));
  const kernel = tensor(flip ? "w" : "w rotated", [channels, o, ...window.kernel], ([into, out, ...k]) =>
    w.cells.get([Math.floor(into / c) * o + out, into % c, ...tap(k)].join()));
  return [turned, x, kernel];
}

/** 1 for "y:tap" where the first maximum of the window is. */
function winners(layer, x) {
  const best = new Map();
  for (const [at, w, y] of places(layer)) {
    const value = x.cells.get(at.join());
    if (value !== undefined && (!best.has(y.join()) || value > best.get(y.join())[0])) best.set(y.join(), [value, w.join()]);
  }
  if (best.size < product(sizes(layer)[Y])) throw new Error("a window lies on padding alone: pad less");
  return new Set([...best].map(([y, [, tap]]) => `${y}:${tap}`));
}

/** What a pass writes and reads, as [slot, letter]; null where the layer does not have it. */
function passOf({ pool, kind, source, target, flip }, key) {
  if (pool && !["forward", "input", "second-input-output"].includes(key)) return null;
  if (kind === "conv_transpose" && key === "input-full") return null;
  const [title, written, ...reads] = {
    "forward": ["forward", [target, "y"], [source, "x"], [W, "w"]],
    "input": ["input gradient", [source, "dx"], [target, "dy"], [W, "w"]],
    "input-full": [`input gradient as full convolution, ${flip ? "the flipped w turned back" : "w rotated by 180°"}`,
      [Y, "dx"], [X, "dy"], [W, "w"]],
    "weight": ["weight gradient", [W, "dw"], [source, "x"], [target, "dy"]],
    "bias": ["bias gradient", [target, "db"], [target, "dy"]],
    "second-input-weight": ["second order: ∂⟨u, dx⟩/∂w", [W, "ddw"], [source, "u"], [target, "dy"]],
    "second-input-output": ["second order: ∂⟨u, dx⟩/∂dy", [target, "ddy"], [source, "u"], [W, "w"]],
    "second-weight-input": ["second order: ∂⟨v, dw⟩/∂x", [source, "ddx"], [target, "dy"], [W, "v"]],
    "second-weight-output": ["second order: ∂⟨v, dw⟩/∂dy", [target, "ddy"], [source, "x"], [W, "v"]],
  }[key];
  return { key, title, written, reads: pool ? reads.slice(0, 1) : reads };
}

/** The terms of a pass: [x, w, y, factor of a pooling layer]. */
function* termsOf(layer, mask) {
  for (const place of places(layer)) {
    const inside = place[X].slice(2).every((i, n) => i >= 0 && i < layer.window.size[n]);
    if (!mask) yield [...place, null];
    else if (inside) yield [...place, mask.has(`${place[Y].join()}:${place[W].join()}`) ? 1 : 0];
  }
}

/** A pass on the numbers: grids that are read, the grid that is written, and the steps with their terms. */
function trace(layer, key, held) {
  const pass = passOf(layer, key);
  let at = layer, grids = pass.reads.map(([, letter]) => held[letter]);
  if (key === "input-full") [at, ...grids] = full(layer, held.dy, held.w);
  const border = at.window.padding.map((pair) => pair.map((n) => Math.max(n, 0)));
  grids = grids.map((grid, n) => ({ ...grid, border: pass.reads[n][0] === X && key !== "bias" ? border : [] }));
  const [slot, letter] = pass.written, over = layer.kind === "avg_pool" ? product(layer.window.kernel) : 1;
  const size = key === "bias" ? [sizes(layer)[slot][1]] : sizes(at)[slot];
  const written = tensor(letter, size, () => 0, slot === X && key !== "bias" ? border : []);
  const about = slot === X ? Y : slot, steps = new Map();
  const add = (step, term) => {
    if (!steps.has(step)) steps.set(step, { at: step, terms: [] });
    steps.get(step).terms.push(term);
    if (written.cells.has(term.to)) written.cells.set(term.to, written.cells.get(term.to) + term.product);
  };
  const mask = layer.kind === "max_pool" ? winners(layer, held.x) : null;
  if (key === "bias")
    for (const [cell, value] of grids[0].cells)
      add(cell.split(",")[1], { read: [cell], factors: [value], to: cell.split(",")[1], product: value, over });
  else
    for (const place of termsOf(at, mask)) {
      const cells = place.slice(0, 3).map(String), read = pass.reads.map(([s]) => cells[s]);
      const factors = read.map((cell, n) => grids[n].cells.get(cell) ?? 0);
      if (mask) factors.push(place[3]);
      add(cells[about], { read, factors, to: cells[slot], product: product(factors), over });
    }
  for (const [cell, sum] of written.cells) written.cells.set(cell, sum / over);
  const order = (a, b) => { const d = a.at.split(",").map((n, i) => n - b.at.split(",")[i]); return d.find(Boolean) ?? 0; };
  return { ...pass, layer, grids, written, over, scatter: slot === X && key !== "bias",
    steps: [...steps.values()].sort(order) };
}
