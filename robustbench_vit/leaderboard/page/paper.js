// On paper nothing scrolls: instead of the wide table, small ones for each suite and data set.
const PER_TABLE = 6; // columns that fit beside the names
const paper = make("div", { class: "paper" });
const parts = (columns) => {
  const starts = columns.flatMap((_, place) => (place % PER_TABLE ? [] : [place]));
  return starts.map((start) => columns.slice(start, start + PER_TABLE));
};
const paperRow = (row, columns) => {
  const cells = columns.map((index) => table.cell(row, index).node());
  if (!cells.some((cell) => cell.dataset.sort)) return [];
  return [make("tr", {}, ...[table.cell(row, 1).node(), ...cells].map((cell) => cell.cloneNode(true)))];
};
const paperTable = (title, columns) => {
  const labels = columns.map((index) => make("th", { scope: "col" }, short(index)));
  const rows = table.rows({ search: "applied" }).indexes().toArray().flatMap((row) => paperRow(row, columns));
  const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "model"), ...labels));
  return make("table", {}, make("caption", {}, title), head, make("tbody", {}, ...rows));
};
const paperTables = () => {
  const groups = [...grouped(table.columns(":visible").indexes().toArray())];
  return groups.flatMap(([title, columns]) => parts(columns).map((part) => paperTable(title, part)));
};
if (table) {
  const note = make("p", { class: "on" }, "All columns and data sets: leaderboard.csv");
  board.closest("section").append(paper);
  addEventListener("beforeprint", () => paper.replaceChildren(...paperTables(), note));
  addEventListener("afterprint", () => paper.replaceChildren());
}
