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
