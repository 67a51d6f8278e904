// Sort a table by a column: numbers by value, text by letters, missing cells last either way.
const key = (row, index) => row.children[index].dataset.sort ?? "";
const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
for (const button of document.querySelectorAll(".sortable thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), body = head.closest("table").tBodies[0];
    const index = head.cellIndex, text = index === 0;
    const down = head.ariaSort ? head.ariaSort === "ascending" : !text;
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].sort((a, b) => {
      const [left, right] = [key(a, index), key(b, index)];
      if (!left || !right) return !left - !right;
      return (text ? left.localeCompare(right) : compare(left, right)) * (down ? -1 : 1);
    });
    body.append(...rows);
  });
}

// Draw the charts; the buttons of a legend hide and show a model in all charts that it stands above.
for (const section of document.querySelectorAll(".drawn")) {
  const charts = [...section.querySelectorAll(".chart")].map((host) => {
    const specification = JSON.parse(host.querySelector("script").textContent);
    return window.vegaEmbed(host, specification, { renderer: "svg", actions: false, ast: true });
  });
  for (const button of section.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      const hidden = [...section.querySelectorAll('.legend button[aria-pressed="false"]')].map((one) => one.dataset.model);
      for (const chart of charts) chart.then(({ view }) => view.signal("hidden", hidden).runAsync());
    });
  }
}
