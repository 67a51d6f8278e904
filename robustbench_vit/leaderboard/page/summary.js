// The summary. Cells sort by their value in the unit they show; what is missing is last either way.
const board = document.getElementById("board");
const heads = board ? [...board.tHead.rows[1].cells] : [];
const names = heads.map((head) => head.dataset.name ?? head.textContent.trim());
const which = (test) => heads.flatMap((head, index) => (test(head, index) ? [index] : []));
const rows = board ? board.tBodies[0].rows.length : 0;
const many = rows > 100;
const escaped = (text) => make("i", {}, text).innerHTML;
const short = (index) => heads[index].dataset.short ?? names[index];
const groupOf = (index) => heads[index].dataset.group ?? "facts";
const grouped = (columns) => Map.groupBy(columns.filter((index) => index > 1), groupOf);
const way = (index) => (heads[index].hasAttribute("data-lower") ? "asc" : "desc");

// One data set at a time, where there are several: its columns, and the models that have numbers there.
const choices = [...document.querySelectorAll(".data input")];
const chosen = () => choices.find((one) => one.checked)?.value ?? "";
const here = ({ dataset }) => !chosen() || dataset.on === undefined || dataset.on.split(" ").includes(chosen());
const wanted = heads.map((head) => !head.hasAttribute("data-hidden"));
const first = () => heads.findIndex((head, index) => head.dataset.group && wanted[index] && here(head));

// The column picker, suite by suite.
const picker = () => {
  const button = (index) => ({ extend: "columnToggle", columns: index, columnText: () => escaped(short(index)) });
  const heading = (name) => ({ extend: "spacer", style: "bar", text: escaped(name) });
  return [...grouped(which((head) => here(head)))].flatMap(([name, own]) => [heading(name), ...own.map(button)]);
};

const hideReported = (_, table, button) => {
  const hidden = button.attr("aria-pressed") !== "true";
  const isOwn = (_, __, index) => !table.row(index).node().classList.contains("reported");
  button.attr("aria-pressed", hidden);
  table.search.fixed("reported", hidden ? isOwn : null).draw();
};

// Ranks are those of the column that the table is sorted by.
const rank = () => {
  const [[column]] = table.order().length ? table.order() : [[0]];
  const [places, numbers] = [0, column].map((one) => table.column(one, { order: "index" }).nodes().toArray());
  const best = numbers.map((cell) => cell.dataset.rank && cell.classList.contains("tied"));
  const several = best.filter(Boolean).length > 1;
  places.forEach((cell, index) => {
    const { rank: place, unranked } = numbers[index].dataset, tied = several && best[index];
    cell.textContent = place ? place + (tied ? " =" : "") : "–";
    cell.title = tied ? "cannot be told from the best" : place ? "" : unranked ?? "no rank in this column";
  });
};

const makeTable = () => {
  const worth = (text) => (text === "" || isNaN(text) ? null : Number(text));
  const order = (sign) => (a, b) => (a === null || b === null ? (a === null) - (b === null) : sign * (a - b));
  const orders = { "measured-pre": worth, "measured-asc": order(1), "measured-desc": order(-1) };
  Object.assign(DataTable.ext.type.order, orders);
  const numbers = which((head) => head.dataset.kind === "number");
  return new DataTable(board, {
    autoWidth: false,
    paging: many,
    pageLength: 50,
    lengthMenu: [25, 50, 100, 500, { label: "all", value: -1 }],
    order: first() < 0 ? [] : [[first(), way(first())]],
    orderMulti: false,
    columnDefs: [
      { targets: which((head) => head.hasAttribute("data-lower")), orderSequence: ["asc", "desc"] },
      { targets: 0, orderable: false, searchable: false },
      {
        targets: numbers,
        type: "measured",
        className: "number",
        searchable: false,
        orderSequence: ["desc", "asc"],
        searchBuilderType: "num",
        searchBuilder: { orthogonal: { display: "sort", search: "sort" } },
      },
      { targets: which((head, index) => !wanted[index] || !here(head)), visible: false },
      ...names.map((name, index) => ({ targets: index, searchBuilderTitle: name, ariaTitle: name })),
    ],
    layout: {
      topStart: { buttons: [
        { extend: "collection", className: "buttons-colvis", text: "columns", background: false, buttons: picker() },
        { extend: "searchBuilder", text: "filter", background: false, config: { depthLimit: 1, columns: numbers } },
        ...(board.querySelector("tr.reported") ? [{ text: "hide reported", action: hideReported }] : []),
        { text: "CSV", className: "buttons-csv", action: () => download(table) },
      ] },
      topEnd: "search",
      bottomStart: many ? "info" : null,
      bottomEnd: many ? ["pageLength", "paging"] : null,
    },
    language: {
      search: "",
      searchPlaceholder: "find a model",
      info: "_START_–_END_ of _TOTAL_ models",
      searchBuilder: { title: { 0: "", _: "" }, button: { 0: "filter", _: "filter (%d)" } },
    },
  });
};

const table = board && makeTable();
if (table) {
  let choosing = false;
  const restrict = () => table.search.fixed("data", chosen() ? (_, __, index) => here(table.row(index).node()) : null);
  const choose = () => {
    choosing = true;
    for (const visible of [false, true]) {
      table.columns(which((head, index) => (wanted[index] && here(head)) === visible)).visible(visible, false);
    }
    choosing = false;
    table.button(".buttons-colvis").collectionRebuild(picker());
    restrict().order([first() < 0 ? 1 : first(), first() < 0 ? "asc" : way(first())]).draw();
  };
  table.on("column-visibility", (_, __, index, visible) => { if (!choosing) wanted[index] = visible; });
  table.on("order", rank);
  for (const choice of choices) {
    choice.addEventListener("change", choose);
    choice.closest("fieldset").hidden = false;
  }
  const on = choices.find((one) => one.checked)?.parentElement; // on a phone it may be beyond the edge
  if (on) on.parentElement.scrollLeft = on.offsetLeft - 16;
  restrict().draw();
  rank();
  board.closest(".dt-layout-cell").classList.add("scroll");
  globalThis.board = table; // a module keeps its names to itself: this one is for consoles and tests
}
