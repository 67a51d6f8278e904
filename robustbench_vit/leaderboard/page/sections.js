// What each place of a section is drawn from.
const contents = new Map();
for (const suite of document.querySelectorAll(".suite")) {
  const content = JSON.parse(suite.querySelector("script").textContent);
  for (const host of suite.querySelectorAll(".lazy")) contents.set(host, content);
}
const placesIn = ({ tables }) => tables.flatMap((table) => Object.keys(table.cells).map(Number));
const drawable = new Set([...contents.values()].flatMap(placesIn));

// One legend for all tables and charts below; whoever is switched on is shown there.
const legend = document.querySelector(".legend");
const shown = () => makers.flatMap((maker, place) => (maker.on ? [place] : []));
const drawn = new Set();
const redraw = () => { for (const again of drawn) again(); };
const MOST_AT_ONCE = 40; // lines that a chart can be asked to draw at a click
const MARKS = {
  circle: "M7.5 5a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
  square: "M8 2h6v6H8z",
  diamond: "M11 .5L15 5 11 9.5 7 5z",
  cross: "M9.6 1h2.8v2.6H15v2.8h-2.6V9H9.6V6.4H7V3.6h2.6z",
  "triangle-up": "M11 1L15 8.5H7z",
  "triangle-down": "M11 9L15 1.5H7z",
};
const key = ({ colour, dash, shape }) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.innerHTML = `<path d="M0 5h22" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash.join(" ")}"/>`
    + `<path d="${MARKS[shape]}" fill="${colour}"/>`;
  for (const [name, value] of [["width", 22], ["height", 10], ["aria-hidden", true]]) svg.setAttribute(name, value);
  return svg;
};
const turn = (button, maker, on) => {
  maker.on = on;
  button.setAttribute("aria-pressed", on);
};
const makeLegend = () => {
  const [, search, list] = legend.children;
  const found = (place) => makers[place].name.toLowerCase().includes(search.value.toLowerCase());
  const buttons = new Map([...drawable].map((place) => {
    const maker = makers[place], name = make("span", {}, maker.name);
    return [place, make("button", { type: "button", "aria-pressed": maker.on, title: maker.name }, key(maker), name)];
  }));
  for (const [place, button] of buttons) {
    button.addEventListener("click", () => {
      turn(button, makers[place], !makers[place].on);
      // Who was looked for stays in sight when the search is over.
      if (makers[place].on && search.value) list.prepend(button);
      button.focus();
      redraw();
    });
  }
  const bulk = (text, wanted) => {
    const button = make("button", { type: "button", class: "bulk" }, text);
    button.addEventListener("click", () => {
      for (const [place, one] of buttons) turn(one, makers[place], wanted(place));
      if (search.value) list.prepend(...[...buttons].flatMap(([place, one]) => (makers[place].on ? [one] : [])));
      redraw();
    });
    return button;
  };
  const all = bulk("all", found), none = bulk("none", () => false);
  const seek = () => {
    for (const [place, button] of buttons) button.hidden = !found(place);
    const many = [...buttons.keys()].filter(found).length;
    all.textContent = search.value ? "only these" : "all";
    all.disabled = many === 0 || many > MOST_AT_ONCE;
    all.title = many > MOST_AT_ONCE ? `more than ${MOST_AT_ONCE} cannot be told apart: find some first` : "";
  };
  // Those that are on come first, so that a long list says what is shown before anybody scrolls.
  list.append(...[...buttons].sort(([a], [b]) => makers[b].on - makers[a].on || a - b).map(([, button]) => button));
  search.hidden = drawable.size <= 12;
  search.addEventListener("input", seek);
  if (drawable.size > 4) search.after(all, none);
  seek();
  legend.hidden = false;
};
if (legend) makeLegend();

// A table: a row a case, a column a model. Cells are [value, low, high, {n, more, warning}], a reason, or nothing.
const imagesOf = (content, place, cell) => cell?.[3]?.n ?? content.images[place];
const warned = (text) => (
  make("span", { class: "warns", role: "img", title: text, "aria-label": `warning: ${text}` }, "⚠")
);
const cellOf = (content, table, place, cell) => {
  if (cell === null || cell === undefined) return make("td");
  if (typeof cell === "string") return make("td", { class: "none", title: cell }, "–");
  const [value, low, high, said = {}] = cell, text = (number) => number.toFixed(table.digits);
  const tint = table.tint ? { class: "tint", style: `--level:${value}%` } : {};
  const td = make("td", { ...tint, title: `${imagesOf(content, place, cell)} images` }, text(value));
  if (said.warning) td.append(" ", warned(said.warning));
  if (low !== null) td.append(" ", make("small", {}, `[${text(low)}, ${text(high)}]`));
  if (said.more) td.append(make("small", { class: "more" }, said.more));
  return td;
};
const drawTable = (host, content) => {
  const table = content.tables[host.dataset.table];
  const columns = shown().filter((place) => table.cells[place]);
  if (!columns.length) {
    return host.replaceChildren(make("p", { class: "on" }, "Nobody with numbers here is switched on."));
  }
  const name = (place) => make("th", { scope: "col", title: makers[place].name }, make("span", {}, makers[place].name));
  const head = make("tr", {}, make("th", { scope: "col", class: "model" }, table.corner), ...columns.map(name));
  const body = table.rows.flatMap((row, index) => {
    if (row.maker !== undefined && !makers[row.maker].on) return [];
    const label = make("th", { scope: "row", class: "model", title: row.title }, row.label);
    const cells = columns.map((place) => cellOf(content, table, place, table.cells[place][index]));
    return [make("tr", row.strong ? { class: "strong" } : {}, label, ...cells)];
  });
  const title = host.dataset.title;
  const grid = { class: "grid", "aria-label": title };
  host.replaceChildren(make("table", grid, make("thead", {}, head), make("tbody", {}, ...body)));
  host.tabIndex = 0;
  host.setAttribute("role", "region");
  host.setAttribute("aria-label", title);
};
