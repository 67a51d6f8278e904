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
