// Charts: which points each kind has. Rates are in [0,1] here, percent in the tables.
const FEW_IMAGES = 10; // a bin with fewer says too little to draw a line through it
const DOTTED = [1, 3], DASHED = [5, 4];
const rates = (cell) => {
  const part = (place) => (Array.isArray(cell) && cell[place] !== null ? cell[place] / 100 : null);
  return { value: part(0), low: part(1), high: part(2) };
};
const look = (place) => {
  const { name, colour, dash, shape } = makers[place];
  return { model: name, colour, dash, shape };
};
const percent = (rate) => (100 * rate).toFixed(1);
// What a screen reader says of a point.
const inWords = (model, what, { value, low, high }, n) => {
  const interval = low === null ? "" : ` [${percent(low)}, ${percent(high)}]`;
  return `${model}, ${what}: ${percent(value)} %${interval}, ${n} images`;
};
const pointOf = (content, place, cell, what) => {
  const point = { ...look(place), ...rates(cell), n: imagesOf(content, place, cell) };
  return { ...point, words: inWords(point.model, what, point, point.n) };
};

const curve = (content, chart) => shown().flatMap((place) => {
  const own = (table, pairs) => pairs.flatMap(([row, at]) => {
    const cell = content.tables[table].cells[place]?.[row];
    if (cell == null) return [];
    const name = content.tables[table].rows[row].label;
    return [{ ...pointOf(content, place, cell, `${name}, ${chart.x} ${at}`), case: name, at }];
  });
  return [...own(chart.ends, chart.clean), ...own(chart.table, chart.points)];
});

const heat = (content, chart, place) => {
  const table = content.tables[chart.table];
  return chart.rows.flatMap(({ label, points }) => points.flatMap(([row, at]) => {
    const cell = table.cells[place]?.[row], name = table.rows[row].label;
    return Array.isArray(cell) ? [{ ...pointOf(content, place, cell, name), row: label, at, case: name }] : [];
  }));
};

const shape = (content, chart) => shown().flatMap((place, lane) => {
  const table = content.tables[chart.table], mean = content.tables[chart.averages].cells[place]?.[0];
  const point = (category, cell) => (
    Array.isArray(cell) ? [{ ...pointOf(content, place, cell, category || "all"), category, lane }] : []
  );
  return [
    ...point("", mean),
    ...table.rows.flatMap((row, index) => point(row.label, table.cells[place]?.[index])),
  ];
});

const reliability = (content, chart) => [
  ...[0, 1].map((at) => ({ kind: "ideal", confidence: at, accuracy: at, dash: DOTTED })),
  ...shown().flatMap((place) => (chart.bins[place] ?? []).map(([n, confidence, accuracy, low, high]) => ({
    ...look(place), kind: "model", n, confidence, accuracy, low, high, joined: n < FEW_IMAGES ? null : accuracy,
    words: inWords(makers[place].name, `confidence ${percent(confidence)} %`, { value: accuracy, low, high }, n),
  }))),
];

// Log-odds; no rate is closer to 0 and 1 than half an image.
const logit = (rate, n) => {
  const inside = Math.min(Math.max(rate, 0.5 / n), 1 - 0.5 / n);
  return Math.log(inside / (1 - inside));
};
const onTheLine = (content, chart) => {
  const points = Object.entries(content.tables[chart.table].cells).flatMap(([place, cells]) => {
    const cell = cells[chart.row], other = content.tables[chart.ends].cells[place]?.[chart.clean];
    if (!Array.isArray(cell) || !Array.isArray(other)) return [];
    const point = pointOf(content, place, cell, chart.y), clean = pointOf(content, place, other, chart.x);
    const odds = (name, { value, low, high, n }) => ({
      [name]: logit(value, n), [`${name}_low`]: logit(low, n), [`${name}_high`]: logit(high, n),
    });
    const cleanly = { clean: clean.value, clean_low: clean.low, clean_high: clean.high, clean_n: clean.n };
    const placed = { ...point, kind: "model", ...cleanly, ...odds("x", clean), ...odds("y", point), size: 70 };
    if (makers[place].on) return [{ ...placed, words: `${point.words}; ${clean.words}` }];
    // Those who are off are the crowd: small, grey, without intervals.
    const none = { x_low: null, x_high: null, y_low: null, y_high: null };
    return [{ ...placed, ...none, size: 22, colour: "var(--rule-strong)" }];
  });
  const range = (name) => [Math.min(...points.map((one) => one[name])), Math.max(...points.map((one) => one[name]))];
  const [x, y] = [range("x"), range("y")];
  const line = (name, dash, ends, slope, intercept) => (
    ends.map((at) => ({ kind: "line", name, dash, x: at, y: slope * at + intercept }))
  );
  const inSight = [Math.max(x[0], y[0]), Math.min(x[1], y[1])];
  points.sort((a, b) => a.size - b.size);
  const equal = chart.equal ? line("equal", DOTTED, inSight, 1, 0) : [];
  const fit = chart.fit ? line("fit", DASHED, x, ...chart.fit) : [];
  return [...points, ...equal, ...fit];
};
// The coarsest ticks of which three are in sight; in thousandths.
const COARSE = [1, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950, 980, 990, 995, 999];
const every = (step) => Array.from({ length: Math.ceil(1000 / step) - 1 }, (_, place) => step * (place + 1));
const ticksOf = (odds) => {
  const [low, high] = [Math.min(...odds) - 0.05, Math.max(...odds) + 0.05];
  const tails = COARSE.filter((tick) => tick < 50 || tick > 950);
  const lists = [COARSE, ...[50, 10, 5, 2, 1].map((step) => [...new Set([...every(step), ...tails])])];
  const seen = lists.map((list) => list.map((tick) => logit(tick / 1000, 1e9)).filter((at) => low < at && at < high));
  return seen.find((list) => list.length > 2) ?? seen.at(-1);
};

const kinds = { curve, eps: curve, line: onTheLine, reliability, shape, heat };

// Of the heat map, one model at a time.
const chooser = (host, content, chart) => {
  const table = content.tables[chart.table];
  const choice = make("select", { "aria-label": `model of the heat map of ${chart.label}` });
  const fill = () => {
    const chosen = choice.value, known = shown().filter((place) => table.cells[place]);
    choice.replaceChildren(...known.map((place) => make("option", { value: place }, makers[place].name)));
    if (chosen && known.includes(Number(chosen))) choice.value = chosen;
  };
  fill();
  host.before(choice);
  choice.addEventListener("change", () => host.redraw());
  drawn.add(fill);
  return choice;
};
const specified = (host, chart, points) => {
  const given = { "@x": chart.x, "@y": chart.y, "@ticks": chart.ticks };
  const template = JSON.stringify(chart.template ?? templates[chart.kind]);
  const specification = JSON.parse(template, (_, value) => (typeof value === "string" ? given[value] ?? value : value));
  const caption = host.closest("figure").querySelector("figcaption").textContent;
  specification.description = chart.numbers ? `${caption}. The numbers are in the table “${chart.numbers}”.` : caption;
  specification.datasets = { points };
  if (chart.kind === "heat") specification.height = 25 * chart.rows.length;
  if (chart.kind === "line") {
    const models = points.filter(({ kind }) => kind === "model");
    const seen = (axis) => models.flatMap((one) => [one[axis], one[`${axis}_low`], one[`${axis}_high`]]);
    for (const param of specification.params) param.value = ticksOf(seen(param.name[0]).filter((at) => at !== null));
  }
  return specification;
};
const drawChart = async (host, content) => {
  const chart = content.charts[host.dataset.chart];
  const choice = chart.kind === "heat" ? chooser(host, content, chart) : null;
  const points = () => kinds[chart.kind](content, chart, choice?.value);
  // Errors alone: that a layer has no points is no surprise where nobody is switched on.
  const options = { renderer: "svg", actions: false, ast: true, logLevel: 1 };
  const { view } = await vegaEmbed(host, specified(host, chart, points()), options);
  host.redraw = () => view.data("points", points()).runAsync();
  drawn.add(host.redraw);
};
