"use strict";
// The page: fields in, cards out.

const $ = (id) => document.getElementById(id);
const form = $("layer"), start = JSON.parse($("start").textContent);
let layer, held, cards = [], timer = null;

/** Read the fields, trace, and show; a layer that cannot be is a sentence, and the old one stays. */
function update() {
  const field = Object.fromEntries(new FormData(form));
  try {
    const next = makeLayer({ ...field, flip: "flip" in field });
    const drawn = draw(next, field.seed);
    for (const letter of Object.keys(drawn)) {
      const given = start.numbers[letter];
      const same = field.seed === start.layer.seed && given?.length === drawn[letter].cells.size;
      if (same) drawn[letter] = tensor(letter, drawn[letter].size, (_, n) => given[n]);
    }
    if (next.kind === "max_pool") winners(next, drawn.x);
    [layer, held] = [next, drawn];
    blame("");
  } catch (error) {
    blame(error.message);
    return;
  }
  $("line").textContent = torchLine(layer);
  $("relation").textContent = `Tap k of placement p lies at ${relation(layer)}.`;
  show();
}

/** Say what is wrong, at the field too that the words begin with. */
function blame(words) {
  $("error").textContent = words;
  for (const field of form.elements) field.setAttribute("aria-invalid", String(words.startsWith(`${field.name}:`)));
}

/** The cards of the passes that are ticked. */
function show() {
  const boxes = [...$("choice").querySelectorAll("input")];
  for (const box of boxes) box.disabled = !passOf(layer, box.value);
  cards = boxes.filter((box) => box.checked && !box.disabled).map((box) => new Card(box.value));
  $("passes").replaceChildren(...cards.map((card) => card.element));
}

function move(by) {
  for (const card of cards) card.go(card.step + by);
}

function play(on = timer === null) {
  clearInterval(timer);
  timer = on ? setInterval(() => move(1), 900) : null;
  $("run").textContent = on ? "■ stop" : "▶ play";
  $("run").setAttribute("aria-pressed", String(on));
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, button, td")) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) move(by);
  else if (event.key === " ") play();
  else return;
  event.preventDefault();
});
for (const key of KEYS) {
  const box = make("input", { type: "checkbox", value: key });
  box.checked = (start.passes).includes(key);
  box.onchange = show;
  $("choice").append(make("label", { class: "check" }, box, NAMES[key]));
}
form.addEventListener("input", update);
form.addEventListener("submit", (event) => event.preventDefault());
$("back").onclick = () => move(-1);
$("forth").onclick = () => move(1);
$("run").onclick = () => play();

/** For a test: every number of the page, row-major. */
window.manualconv = {
  state() {
    const flat = ({ size, cells }) => ({ size, values: [...cells.values()] });
    const passes = KEYS.filter((key) => passOf(layer, key)).map((key) => {
      const t = trace(layer, key, held);
      return [key, { ...flat(t.written), steps: t.steps.length, line: passLine(layer, key) }];
    });
    const operands = Object.entries(held).map(([letter, grid]) => [letter, flat(grid)]);
    return { kind: layer.kind, line: torchLine(layer), error: $("error").textContent,
      operands: Object.fromEntries(operands), passes: Object.fromEntries(passes) };
  },
};

for (const [name, value] of Object.entries(start.layer)) {
  if (name === "flip") form.elements[name].checked = value;
  else form.elements[name].value = value;
}
update();
