const { makers, templates } = JSON.parse(document.getElementById("data").textContent);
const make = (tag, attributes = {}, ...content) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...content.filter((one) => one != null));
  return node;
};

// Theme: as the system has it until somebody chooses; remembered where the browser lets a file remember.
const memory = (value) => {
  try { return value ? localStorage.setItem("theme", value) : localStorage.getItem("theme"); } catch { return null; }
};
const system = matchMedia("(prefers-color-scheme: dark)");
const paint = () => {
  const theme = document.querySelector(".theme input:checked").value;
  document.documentElement.dataset.theme = theme;
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme === "auto" && system.matches));
};
for (const input of document.querySelectorAll(".theme input")) {
  if (input.value === memory()) input.checked = true;
  input.addEventListener("change", () => { memory(input.value); paint(); });
}
document.querySelector(".theme").hidden = false;
system.addEventListener("change", paint);
paint();

// The summary. Cells sort by their value in the unit they show; what is missing is last either way.
const board = document.getElementById("board");
if (board) {
  const worth = (text) => (text === "" || isNaN(text) ? null : Number(text));
  const order = (sign) => (a, b) => (a === null || b === null ? (a === null) - (b === null) : sign * (a - b));
  const types = DataTable.ext.type.order;
  Object.assign(types, { "measured-pre": worth, "measured-asc": order(1), "measured-desc": order(-1) });
  const heads = [...board.tHead.rows[1].cells];
  const which = (test) => heads.flatMap((head, index) => (test(head) ? [index] : []));
  const rows = board.tBodies[0].rows.length;
  // As with the files: no spreadsheet takes a text for a formula.
  const harmless = (text) => (/^[=+\-@\t\r\n]/.test(text) && isNaN(text) ? `'${text}` : text);
  const plain = (_, row, index, cell) => harmless(cell.dataset.sort ?? cell.textContent.trim().replace("–", ""));
  const names = heads.map((head) => head.dataset.name ?? head.textContent.trim());
  const headed = (data) => { data.headerStructure = [table.columns(":visible").indexes().toArray().map((index) => ({ title: harmless(names[index]), colspan: 1, rowspan: 1 }))]; };
  const hide = (_, table, button) => {
    const hidden = button.attr("aria-pressed") !== "true";
    button.attr("aria-pressed", hidden);
    table.search.fixed("reported", hidden ? (_, __, index) => !table.row(index).node().classList.contains("reported") : null).draw();
  };
  const table = new DataTable(board, {
    autoWidth: false,
    paging: rows > 100,
    pageLength: 50,
    lengthMenu: [25, 50, 100, 500, { label: "all", value: -1 }],
    order: heads.length > 2 ? [[2, heads[2].hasAttribute("data-lower") ? "asc" : "desc"]] : [],
    orderMulti: false,
    columnDefs: [
      { targets: which((head) => head.hasAttribute("data-lower")), orderSequence: ["asc", "desc"] },
      { targets: 0, orderable: false, searchable: false },
      { targets: which((head) => head.dataset.kind === "number"), type: "measured", searchBuilderType: "num", className: "number", searchable: false, orderSequence: ["desc", "asc"], searchBuilder: { orthogonal: { display: "sort", search: "sort" } } },
      { targets: which((head) => head.hasAttribute("data-hidden")), visible: false },
      ...names.map((name, index) => ({ targets: index, searchBuilderTitle: name })),
    ],
    layout: {
      topStart: { buttons: [
        { extend: "colvis", text: "columns", background: false, columns: (index) => index > 1, columnText: (_, index) => make("i", {}, names[index]).innerHTML },
        { extend: "searchBuilder", text: "filter", background: false, config: { depthLimit: 1, columns: which((head) => head.dataset.kind === "number") } },
        ...(board.querySelector("tr.reported") ? [{ text: "hide reported", action: hide }] : []),
        { extend: "csv", text: "CSV", footer: false, filename: "leaderboard", title: null, exportOptions: { columns: ":visible", customizeData: headed, format: { body: plain } } },
      ] },
      topEnd: "search",
      bottomStart: rows > 100 ? "info" : null,
      bottomEnd: rows > 100 ? ["pageLength", "paging"] : null,
    },
    language: { search: "", searchPlaceholder: "find a model", info: "_START_–_END_ of _TOTAL_ models", searchBuilder: { title: { 0: "", _: "" }, button: { 0: "filter", _: "filter (%d)" } } },
  });
  // Ranks are those of the column that the table is sorted by.
  const rank = () => {
    const [[column]] = table.order().length ? table.order() : [[0]];
    const [places, numbers] = [0, column].map((one) => table.column(one, { order: "index" }).nodes().toArray());
    const best = numbers.map((cell) => cell.dataset.rank && cell.classList.contains("tied"));
    const several = best.filter(Boolean).length > 1;
    places.forEach((cell, index) => {
      const place = numbers[index].dataset.rank, tied = several && best[index];
      cell.textContent = place ? place + (tied ? " =" : "") : "–";
      cell.title = tied ? "cannot be told from the best" : place ? "" : "no rank in this column";
    });
  };
  table.on("order", rank);
  rank();
  board.closest(".dt-layout-cell").classList.add("scroll");
  addEventListener("beforeprint", () => rows > 100 && table.page.len(-1).draw());
  globalThis.board = table;
}

// What a heading means: at a click, a tap or Enter; hovering shows the title.
const why = document.getElementById("why");
for (const button of document.querySelectorAll(".why")) {
  for (const event of ["click", "keydown", "keypress", "keyup", "mousedown"]) button.addEventListener(event, (one) => one.stopPropagation());
  button.addEventListener("click", () => {
    const head = button.closest("th"), box = button.getBoundingClientRect();
    const [name, ...text] = head.title.split(": ");
    why.firstElementChild.textContent = name;
    why.lastElementChild.textContent = text.join(": ");
    why.showPopover();
    why.style.left = `${Math.max(8, Math.min(box.left, innerWidth - why.offsetWidth - 8))}px`;
    why.style.top = `${Math.min(box.bottom + 6, innerHeight - why.offsetHeight - 8)}px`;
  });
}

// A link to a model opens its section.
const open = () => document.querySelector(location.hash.startsWith("#model-") ? location.hash : null)?.setAttribute("open", "");
addEventListener("hashchange", open);
open();

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

// Charts: which points each kind has. Rates are in [0,1] here, percent in the tables.
const rates = (cell) => (Array.isArray(cell) ? { value: cell[0] / 100, low: cell[1] / 100, high: cell[2] / 100 } : { value: null, low: null, high: null });
const look = (place) => ({ model: makers[place].name, colour: makers[place].colour, dash: makers[place].dash, kind: makers[place].kind });
const images = (content, place, cell) => cell?.[3]?.n ?? content.images[place];
const curve = (content, chart) => shown().flatMap((place) => {
  const own = (table, pairs) => pairs.flatMap(([row, at]) => {
    const cell = content.tables[table].cells[place]?.[row];
    return cell == null ? [] : [{ ...look(place), case: content.tables[table].rows[row].label, at, n: images(content, place, cell), ...rates(cell) }];
  });
  return [...own(chart.ends, chart.clean), ...own(chart.table, chart.points)];
});
const bounded = (p, n) => Math.min(Math.max(p, 0.5 / n), 1 - 0.5 / n);
const logit = (p, n) => Math.log(bounded(p, n) / (1 - bounded(p, n)));
const onTheLine = (content, chart) => {
  const points = Object.entries(content.tables[chart.table].cells).flatMap(([place, cells]) => {
    const y = cells[chart.row], x = content.tables[chart.ends].cells[place]?.[chart.clean];
    if (!Array.isArray(x) || !Array.isArray(y)) return [];
    const [n, m] = [images(content, place, x), images(content, place, y)];
    const [[a, b, c], [d, e, f]] = [[x, n], [y, m]].map(([cell, count]) => cell.slice(0, 3).map((one) => logit(one / 100, count)));
    const point = { ...look(place), clean: x[0] / 100, value: y[0] / 100, x: a, y: d };
    // Those who are off are the crowd: small, grey, without intervals.
    return [makers[place].on ? { ...point, size: 70, x_low: b, x_high: c, y_low: e, y_high: f } : { ...point, size: 22, colour: "var(--rule-strong)" }];
  });
  const [slope, intercept] = chart.fit, ends = [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x))];
  points.sort((a, b) => a.size - b.size);
  return [...points, ...ends.map((x) => ({ kind: "fit", x, y: slope * x + intercept }))];
};
const reliability = (content, chart) => [
  ...[0, 1].map((at) => ({ kind: "ideal", confidence: at, accuracy: at })),
  ...shown().flatMap((place) => (chart.bins[place] ?? []).map(([n, confidence, accuracy]) => ({ ...look(place), kind: "model", images: n, confidence, accuracy }))),
];
const shape = (content, chart) => shown().flatMap((place, lane) => {
  const table = content.tables[chart.table], mean = content.tables[chart.averages].cells[place]?.[0];
  const point = (category, cell) => (Array.isArray(cell) ? [{ ...look(place), kind: makers[place].kind === "humans" ? "humans" : "model", category, lane, n: images(content, place, cell), ...rates(cell) }] : []);
  return [...point("", mean), ...table.rows.flatMap((row, index) => point(row.label, table.cells[place]?.[index]))];
});
const heat = (content, chart, place) => {
  const table = content.tables[chart.table];
  return chart.rows.flatMap(({ label, points }) => points.flatMap(([row, at]) => {
    const cell = table.cells[place]?.[row];
    return Array.isArray(cell) ? [{ model: makers[place].name, row: label, at, case: table.rows[row].label, n: images(content, place, cell), ...rates(cell) }] : [];
  }));
};
const kinds = { curve, steps: curve, eps: curve, line: onTheLine, reliability, shape, heat };

const drawChart = async (host, content) => {
  const chart = content.charts[host.dataset.chart];
  let points = () => kinds[chart.kind](content, chart);
  if (chart.kind === "heat") {
    const choice = make("select", { "aria-label": "model of the heat map" });
    const table = content.tables[chart.table];
    const fill = () => {
      const chosen = choice.value, known = shown().filter((place) => table.cells[place]);
      choice.replaceChildren(...known.map((place) => make("option", { value: place }, makers[place].name)));
      if (chosen && known.includes(Number(chosen))) choice.value = chosen;
    };
    fill();
    host.before(choice);
    points = () => heat(content, chart, choice.value);
    choice.addEventListener("change", () => host.redraw());
    drawn.add(fill);
  }
  const titles = { "@x": chart.x, "@y": chart.y };
  const specification = JSON.parse(JSON.stringify(chart.template ?? templates[chart.kind]), (_, value) => titles[value] ?? value);
  if (chart.kind === "heat") specification.height = 25 * chart.rows.length;
  specification.datasets = { points: points() };
  const { view } = await vegaEmbed(host, specification, { renderer: "svg", actions: false, ast: true });
  host.redraw = () => view.data("points", points()).runAsync();
  drawn.add(host.redraw);
};

// Nothing is drawn before it is near the screen.
const draw = (host) => {
  watcher.unobserve(host);
  const content = contents.get(host);
  if (host.dataset.chart) return drawChart(host, content);
  drawTable(host, content);
  drawn.add(() => drawTable(host, content));
};
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) draw(target);
  }
}, { rootMargin: "400px" });
for (const host of contents.keys()) watcher.observe(host);
addEventListener("beforeprint", () => {
  for (const host of document.querySelectorAll(".lazy:empty")) if (!host.closest("details:not([open])")) draw(host);
});
