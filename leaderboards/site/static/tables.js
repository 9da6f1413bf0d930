"use strict";

// Sort tables by their columns, and filter the rows of a board. Without this script all rows show.

/** Return what a cell is sorted by: its number, else its text; null where it is empty. */
function sortValue(cell) {
  if (cell.dataset.value !== undefined) {
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  }
  const text = cell.textContent.trim();
  if (text === "" || text === "—") return null;
  const number = Number(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text : number;
}

/** Compare two values, numbers before texts. */
function compare(a, b) {
  if (typeof a === typeof b) {
    return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  }
  return typeof a === "number" ? -1 : 1;
}

/** Sort a table by a column; rows without a value come last in both directions. */
function sortTable(table, column) {
  const header = table.tHead.rows[0].cells[column];
  const largestFirst = header.classList.contains("number");
  const before = header.getAttribute("aria-sort");
  const descending = before === null ? largestFirst : before === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => [sortValue(row.cells[column]), row]);
  keyed.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? compare(b, a) : compare(a, b);
  });
  body.append(...keyed.map(([, row]) => row));
}

/** Make each column title of a table a button that sorts by it. */
function makeSortable(table) {
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortTable(table, column));
    header.append(button);
  });
}

/** Fill a form's choices from the rows of its table, and hide the rows that do not match. */
function makeFilters(form) {
  const rows = Array.from(document.getElementById(form.dataset.for).tBodies[0].rows);
  const nothing = document.querySelector(".nothing");
  const fields = Array.from(form.querySelectorAll("[data-key]"));
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  for (const field of fields.filter((field) => field.tagName === "SELECT")) {
    const values = new Set(rows.map((row) => row.dataset[field.dataset.key]));
    field.append(...Array.from(values, (value) => new Option(value, value)));
    if (values.size < 2) field.parentElement.hidden = true;
  }
  const apply = () => {
    const wanted = Object.fromEntries(fields.map((field) => [field.dataset.key, field]));
    const words = wanted.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const isShown =
        (wanted.controls.checked || row.dataset.kind === "method") &&
        ["layer", "probe", "concepts"].every(
          (key) => wanted[key].value === "" || row.dataset[key] === wanted[key].value,
        ) &&
        words.every((word) => texts.get(row).includes(word));
      row.hidden = !isShown;
      shown += isShown;
    }
    form.querySelector("output").value = `${shown} of ${rows.length} rows`;
    nothing.hidden = shown > 0;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("form.filters[data-for]").forEach(makeFilters);
