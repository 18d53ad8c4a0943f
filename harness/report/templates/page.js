"use strict";
// Sorts tables by a click on a heading and filters the table of all cells. Without this script the page reads the same.
(() => {
  const language = document.documentElement.lang;
  const order = new Intl.Collator(language, { numeric: true });

  // What a cell is sorted by: its number, else its text; nothing where it is a dash.
  function key(row, column) {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return text === "-" || text === "" ? null : text;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return order.compare(String(a), String(b));
  }

  function sort(table, heading) {
    const column = heading.cellIndex;
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = Array.from(body.rows, (row) => [key(row, column), row]);
    const known = keyed.filter(([value]) => value !== null);
    known.sort(([a], [b]) => (down ? -1 : 1) * compare(a, b));
    const empty = keyed.filter(([value]) => value === null);
    body.append(...known.concat(empty).map(([, row]) => row));
  }

  for (const table of document.querySelectorAll("main table")) {
    if (table.querySelector("[rowspan]") || table.tBodies[0].rows.length < 2) continue;
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading));
    }
  }

  for (const controls of document.querySelectorAll(".controls")) {
    const rows = Array.from(controls.parentElement.querySelector("tbody").rows, (row) => [row, row.textContent.toLowerCase()]);
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = controls.dataset.filter;
    box.setAttribute("aria-label", controls.dataset.filter);
    const count = document.createElement("output");
    const show = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const [row, text] of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        left += row.hidden ? 0 : 1;
      }
      count.textContent = `${left} / ${rows.length} ${controls.dataset.rows}`;
    };
    box.addEventListener("input", show);
    controls.append(box, count);
    show();
  }

  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
