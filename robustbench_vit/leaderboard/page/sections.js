// What each place of a section is drawn from.
const contents = new Map();
for (const suite of document.querySelectorAll(".suite")) {
  const content = JSON.parse(suite.querySelector("script").textContent);
  for (const host of suite.querySelectorAll(".lazy")) contents.set(host, content);
}
const drawable = new Set([...contents.values()].flatMap(({ tables }) => tables.flatMap((table) => Object.keys(table.cells).map(Number))));

// One legend for all tables and charts below; whoever is switched on is shown there.
const legend = document.querySelector(".legend");
const shown = () => makers.flatMap((maker, place) => (maker.on ? [place] : []));
const drawn = new Set();
const line = (maker) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.innerHTML = `<line x1="0" x2="22" y1="4" y2="4" stroke="${maker.colour}" stroke-width="2.5" stroke-dasharray="${maker.dash.join(" ")}"/>`;
  for (const [name, value] of [["width", 22], ["height", 8], ["aria-hidden", true]]) svg.setAttribute(name, value);
  return svg;
};
if (legend) {
  const [, search, list] = legend.children;
  const buttons = makers.map((maker, place) => {
    const button = make("button", { type: "button", "aria-pressed": maker.on, title: maker.name }, line(maker), make("span", {}, maker.name));
    button.addEventListener("click", () => {
      maker.on = !maker.on;
      button.setAttribute("aria-pressed", maker.on);
      for (const redraw of drawn) redraw();
    });
    return button;
  });
  // Those that are on come first, so that a long list says what is shown before anybody scrolls.
  list.append(...buttons.filter((_, place) => drawable.has(place)).sort((a, b) => (b.ariaPressed === "true") - (a.ariaPressed === "true")));
  search.hidden = drawable.size <= 12;
  search.addEventListener("input", () => {
    buttons.forEach((button, place) => { button.hidden = !makers[place].name.toLowerCase().includes(search.value.toLowerCase()); });
  });
  legend.hidden = false;
}

// A table: a row a case, a column a model. Cells are [value, low, high, {n, more, warning}], a reason, or nothing.
const cellOf = (table, cell) => {
  if (cell === null || cell === undefined) return make("td");
  if (typeof cell === "string") return make("td", { class: "none", title: cell }, "–");
  const [value, low, high, said = {}] = cell, show = (number) => number.toFixed(table.digits);
  const td = make("td", { class: table.tint ? "tint" : null, style: table.tint ? `--level:${value}%` : null }, show(value));
  if (said.warning) td.append(" ", make("span", { class: "warns", role: "img", title: said.warning, "aria-label": `warning: ${said.warning}` }, "⚠"));
  if (low !== null) td.append(" ", make("small", {}, `[${show(low)}, ${show(high)}]`));
  if (said.more) td.append(make("small", { class: "more" }, said.more));
  return td;
};
const drawTable = (host, { tables }) => {
  const table = tables[host.dataset.table];
  const columns = shown().filter((place) => table.cells[place]);
  if (!columns.length) return host.replaceChildren(make("p", { class: "on" }, "Nobody with numbers here is switched on."));
  const head = make("tr", {}, make("th", { scope: "col", class: "model" }, table.corner), ...columns.map((place) => make("th", { scope: "col", title: makers[place].name }, make("span", {}, makers[place].name))));
  const body = table.rows.flatMap((row, index) => {
    if (row.maker !== undefined && !makers[row.maker].on) return [];
    const label = make("th", { scope: "row", class: "model", title: row.title }, row.label);
    return [make("tr", row.strong ? { class: "strong" } : {}, label, ...columns.map((place) => cellOf(table, table.cells[place][index])))];
  });
  host.replaceChildren(make("table", { class: "grid" }, make("thead", {}, head), make("tbody", {}, ...body)));
  host.tabIndex = 0;
  host.setAttribute("role", "region");
  host.setAttribute("aria-label", host.dataset.title);
};
