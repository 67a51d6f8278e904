// What the table shows, as a file: numbers with the ends of their intervals, in the unit that is shown.
// As with the other files: no spreadsheet takes a text for a formula.
const harmless = (text) => (/^[=+\-@\t\r\n]/.test(text) && isNaN(text) ? `'${text}` : text);
const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const ends = (cell) => cell.querySelector("small:not(.spread)")?.textContent.slice(1, -1).split(", ") ?? ["", ""];
const headsOf = (index, sorted) => {
  if (index === 0) return [`rank by ${names[sorted]}`];
  return heads[index].dataset.group ? [names[index], `${names[index]} low`, `${names[index]} high`] : [names[index]];
};
const valuesOf = (cell, index) => {
  if (index === 0) return [cell.textContent.match(/\d+/)?.[0] ?? ""];
  if (heads[index].dataset.group) return [cell.dataset.sort ?? "", ...ends(cell)];
  return [cell.dataset.sort ?? cell.textContent.trim()];
};
const download = (table) => {
  const columns = table.columns(":visible").indexes().toArray();
  const [[sorted]] = table.order().length ? table.order() : [[1]];
  const lines = [columns.flatMap((index) => headsOf(index, sorted))];
  for (const row of table.rows({ search: "applied" }).indexes().toArray()) {
    lines.push(columns.flatMap((index) => valuesOf(table.cell(row, index).node(), index)));
  }
  const text = lines.map((line) => line.map((one) => quoted(harmless(one))).join(",")).join("\r\n");
  const href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  const link = make("a", { download: "leaderboard.csv", href });
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // the browser may still be reading
};
