"use strict";

// The unit explorer. Data come as scripts that fill `siteData`, since a page on disk cannot fetch.

const PAGE = 24;
const SOME_PICTURES = 4;
const VERDICTS = [null, ["wrong", "✗"], ["close", "~"], ["right", "✓"]];
const DIM = 0.5;

const list = document.getElementById("units");
const dialog = document.getElementById("unit");
const form = document.getElementById("choices");
const choices = {
  search: document.getElementById("search"),
  filter: document.getElementById("filter"),
  probe: document.getElementById("probe"),
  concepts: document.getElementById("concepts"),
};
const more = document.getElementById("more");
const layer = siteData[list.dataset.layer];
const dead = new Set(layer.dead);
const sheets = new Map();
let views = [];
let pictures = null;
let found = [];
let shown = 0;

/** Load a script of data once, and return its content. */
function load(name) {
  if (siteData[name] !== undefined) return Promise.resolve(siteData[name]);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `../data/${name}.js`;
    script.addEventListener("load", () => resolve(siteData[name]));
    script.addEventListener("error", () => reject(new Error(`cannot read data/${name}.js`)));
    document.head.append(script);
  });
}

/** Load a sheet of images once. */
function loadSheet(name) {
  if (!sheets.has(name)) {
    const image = new Image();
    image.src = `../${name}`;
    sheets.set(name, image.decode().then(() => image));
  }
  return sheets.get(name);
}

/** Return an element with a class and content; texts never become HTML. */
function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** Return the masks of a unit as bytes; null for a layer without maps. */
function masksOf(unit) {
  const packed = pictures.masks[unit];
  return packed ? Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0)) : null;
}

/** Draw one image of a unit: its tile, dim where the unit does not fire, with an outline. */
async function drawPicture(canvas, unit, place) {
  const tile = pictures.tiles[unit][place];
  const { size, columns, mask } = pictures;
  const perSheet = columns * columns;
  const masks = masksOf(unit);
  const image = await loadSheet(`${pictures.sheets}-${Math.floor(tile / perSheet)}.webp`);
  const at = tile % perSheet;
  const scale = 2;
  canvas.width = canvas.height = size * scale;
  const context = canvas.getContext("2d");
  const [x, y] = [(at % columns) * size, Math.floor(at / columns) * size];
  context.drawImage(image, x, y, size, size, 0, 0, canvas.width, canvas.height);
  if (masks === null) return;
  const fires = (row, column) => {
    if (row < 0 || column < 0 || row >= mask || column >= mask) return false;
    const bit = (place * mask + row) * mask + column;
    return ((masks[bit >> 3] >> (7 - (bit & 7))) & 1) === 1;
  };
  const step = canvas.width / mask;
  context.fillStyle = `rgb(0 0 0 / ${DIM})`;
  context.beginPath();
  const edges = new Path2D();
  for (let row = 0; row <= mask; row += 1) {
    for (let column = 0; column <= mask; column += 1) {
      const here = fires(row, column);
      const [left, top] = [column * step, row * step];
      if (!here && row < mask && column < mask) context.rect(left, top, step, step);
      if (here !== fires(row - 1, column)) {
        edges.moveTo(left, top);
        edges.lineTo(left + step, top);
      }
      if (here !== fires(row, column - 1)) {
        edges.moveTo(left, top);
        edges.lineTo(left, top + step);
      }
    }
  }
  context.fill();
  context.strokeStyle = "#ffd400";
  context.lineWidth = scale;
  context.stroke(edges);
}

/** Return a row of a unit's images; they are drawn when they come into view. */
function pictureStrip(unit, count) {
  const strip = element("div", "strip");
  const number = Math.min(count, pictures.tiles[unit].length);
  for (let place = 0; place < number; place += 1) {
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `image ${place + 1} of unit ${unit}`);
    drawPicture(canvas, unit, place);
    strip.append(canvas);
  }
  return strip;
}

/** Return a mark and a word for a verdict; empty where there is no true name. */
function verdictMark(verdict) {
  if (!VERDICTS[verdict]) return "";
  const [word, mark] = VERDICTS[verdict];
  const made = element("span", `verdict ${word}`, mark);
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", word);
  made.title = word;
  return made;
}

/** Return the methods of the chosen concept sets with what they say of a unit. */
function answers(unit) {
  return views.flatMap(({ concepts, data }) =>
    data.methods.map((method) => {
      const first = unit * data.shown;
      const labels = [];
      for (let rank = 0; rank < data.shown; rank += 1) {
        const text = method.labels[first + rank];
        if (text >= 0) labels.push([data.texts[text], method.scores[first + rank]]);
      }
      return { method, concepts, labels, verdict: Number(method.verdicts[unit] ?? 0) };
    }),
  );
}

/** Return a table of the methods' labels; all of them with `all`, else the first of each. */
function labelTable(unit, all) {
  const body = element("tbody");
  for (const { method, concepts, labels, verdict } of answers(unit)) {
    const link = element("a", "", method.name);
    link.href = `../${method.page}`;
    const name = element("th", "", all ? link : method.name);
    if (views.length > 1) name.append(" ", element("span", "badge", concepts));
    name.scope = "row";
    const rows = all && labels.length ? labels : labels.slice(0, 1);
    if (rows.length === 0) rows.push(null);
    rows.forEach((label, rank) => {
      const row = element("tr", rank ? "further" : "");
      if (rank === 0) {
        if (rows.length > 1) name.rowSpan = rows.length;
        row.append(name);
      }
      if (label === null) {
        row.append(element("td", "empty", "no label"), element("td", "number"));
      } else {
        const text = element("td", "", ...(rank ? [] : [verdictMark(verdict), " "]), label[0]);
        const score = label[1] === null ? "" : String(label[1]);
        row.append(text, element("td", "number", score));
      }
      body.append(row);
    });
  }
  return element("table", "labels", body);
}

/** Return the title of a unit: number, true name, and whether it is dead. */
function unitTitle(unit) {
  const parts = [`unit ${unit}`];
  if (layer.truths[unit]) parts.push(element("span", "truth", layer.truths[unit]));
  if (dead.has(unit)) parts.push(element("span", "badge", "dead"));
  return parts;
}

/** Return the card of a unit. */
function card(unit) {
  const [number, ...rest] = unitTitle(unit);
  const link = element("a", "", number);
  link.href = `#${unit}`;
  const made = element("article", "unit", element("h2", "", link, " ", ...rest));
  if (pictures) made.append(pictureStrip(unit, SOME_PICTURES));
  made.append(labelTable(unit, false));
  return made;
}

/** Return whether a unit is chosen by the filter. */
function passes(unit, filter) {
  if (filter === "dead") return dead.has(unit);
  if (filter === "") return true;
  if (dead.has(unit)) return false;
  const own = answers(unit);
  if (filter === "differ") {
    return new Set(own.map(({ labels }) => (labels.length ? labels[0][0] : ""))).size > 1;
  }
  const wanted = filter === "right" ? 3 : 1;
  return own.length > 0 && own.every(({ verdict }) => verdict === wanted);
}

/** Return whether a unit has a number, a true name or a label that contains a text. */
function matches(unit, text) {
  if (text === "") return true;
  if (/^\d+$/.test(text)) return unit === Number(text);
  if (layer.truths[unit].toLowerCase().includes(text)) return true;
  return answers(unit).some(
    ({ labels }) => labels.length && labels[0][0].toLowerCase().includes(text),
  );
}

/** Add the next cards. */
function showMore() {
  const next = found.slice(shown, shown + PAGE);
  list.append(...next.map(card));
  shown += next.length;
  more.hidden = shown >= found.length;
}

/** Show the units that match, from the first. */
function update() {
  const text = choices.search.value.trim().toLowerCase();
  const filter = choices.filter.value;
  found = layer.truths
    .map((_, unit) => unit)
    .filter((unit) => passes(unit, filter) && matches(unit, text));
  document.getElementById("count").value = `${found.length} of ${layer.truths.length} units`;
  list.replaceChildren();
  shown = 0;
  if (found.length === 0) list.append(element("p", "empty", "No unit matches."));
  showMore();
}

/** Fill the choice of concept sets for the chosen probe set. */
function fillConcepts() {
  const before = choices.concepts.value;
  const own = layer.views.filter((view) => view.probe === choices.probe.value);
  choices.concepts.replaceChildren(
    new Option("all", ""),
    ...own.filter((view) => !view.free).map((view) => new Option(view.concepts, view.name)),
  );
  choices.concepts.value = own.some((view) => view.name === before) ? before : "";
}

/** Load the chosen data, then show the units. */
async function choose() {
  const own = layer.views.filter((view) => view.probe === choices.probe.value);
  const chosen = own.filter(
    (view) => view.free || ["", view.name].includes(choices.concepts.value),
  );
  const name = layer.pictures[choices.probe.value];
  const [data, drawn] = await Promise.all([
    Promise.all(chosen.map((view) => load(view.name))),
    name ? load(name) : null,
  ]);
  views = chosen.map((view, place) => ({ concepts: view.concepts, data: data[place] }));
  pictures = drawn;
  const reason = layer.reasons[choices.probe.value];
  const note = document.getElementById("picture-note");
  note.hidden = reason === undefined;
  note.textContent = reason === undefined ? "" : `No pictures: ${reason}.`;
  update();
  openFromAddress();
}

/** Open the unit that the address names, or close the dialog. */
function openFromAddress() {
  const text = window.location.hash.slice(1);
  const unit = Number(text);
  if (!/^\d+$/.test(text) || unit >= layer.truths.length) {
    if (dialog.open) dialog.close();
    return;
  }
  const title = element("h2", "", ...unitTitle(unit).flatMap((part) => [part, " "]));
  title.id = "unit-title";
  const buttons = [
    ["← Previous", () => step(-1)],
    ["Next →", () => step(1)],
    ["Close", () => dialog.close()],
  ].map(([name, act]) => {
    const button = element("button", "", name);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  });
  const focused = Array.from(dialog.querySelectorAll(".buttons button")).indexOf(
    document.activeElement,
  );
  const head = element("div", "head", title, element("div", "buttons", ...buttons));
  dialog.replaceChildren(head);
  if (pictures) dialog.append(pictureStrip(unit, Infinity));
  dialog.append(labelTable(unit, true));
  if (!dialog.open) dialog.showModal();
  buttons[Math.max(focused, 0)].focus();
}

/** Go to the next or the previous of the units that match. */
function step(by) {
  const place = found.indexOf(Number(window.location.hash.slice(1)));
  const unit = found[place + by];
  if (unit !== undefined) window.location.replace(`#${unit}`);
}

function start() {
  const probes = new Set(layer.views.map((view) => view.probe));
  choices.probe.append(...Array.from(probes, (probe) => new Option(probe, probe)));
  const pictured = layer.views.find((view) => view.probe in layer.pictures);
  if (pictured) choices.probe.value = pictured.probe;
  fillConcepts();
  const most = layer.views.filter((view) => view.probe === choices.probe.value);
  most.sort((a, b) => b.methods - a.methods);
  choices.concepts.value = most[0].name;
  choices.probe.parentElement.hidden = probes.size < 2;
  choices.search.addEventListener("input", update);
  choices.filter.addEventListener("input", update);
  choices.concepts.addEventListener("input", choose);
  choices.probe.addEventListener("input", () => {
    fillConcepts();
    choose();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", showMore);
  window.addEventListener("hashchange", openFromAddress);
  dialog.addEventListener("close", () => {
    history.replaceState(null, "", window.location.pathname);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !dialog.open && event.target !== choices.search) {
      event.preventDefault();
      choices.search.focus();
    }
    if (dialog.open && event.key === "ArrowLeft") step(-1);
    if (dialog.open && event.key === "ArrowRight") step(1);
  });
  form.hidden = false;
  choose();
}

start();
