// Tables whose header cells have a data-key ("text" or "number") are sorted by a click on these.
function valueOf(row, column, key) {
  const value = row.cells[column].dataset.value ?? row.cells[column].textContent;
  return key === "number" ? (value === "" ? null : Number(value)) : value;
}

// What has no value stands last, whichever way round.
function compared(a, b, key, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = key === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  return sign * order;
}

export function sortBy(table, column, direction) {
  const header = table.tHead.rows[0].cells;
  const key = header[column].dataset.key;
  for (const cell of header) cell.removeAttribute("aria-sort");
  header[column].setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => compared(valueOf(a, column, key), valueOf(b, column, key), key, sign));
  table.tBodies[0].append(...rows);
  const list = listOf(table);
  if (list) list.value = `${column} ${direction}`;
}

// In a narrow window, where a table has no head, a list of its columns sorts it.
function listOf(table) {
  return document.querySelector(`select[data-sorts="${table.id}"]`);
}

function prepareList(table) {
  const list = listOf(table);
  if (!list) return;
  for (const cell of table.tHead.querySelectorAll("[data-key]"))
    for (const direction of ["ascending", "descending"])
      list.add(new Option(`${cell.textContent}, ${direction}`, `${cell.cellIndex} ${direction}`));
  const { column, direction } = sortedBy(table);
  list.value = `${column} ${direction}`;
  list.addEventListener("change", () => {
    const [column, direction] = list.value.split(" ");
    sortBy(table, Number(column), direction);
  });
}

export function sortedBy(table) {
  const cell = table.tHead.querySelector("[aria-sort]");
  return cell && { column: cell.cellIndex, direction: cell.getAttribute("aria-sort") };
}

export function prepareTables(root) {
  for (const table of root.querySelectorAll("table[data-sortable]")) {
    prepareList(table);
    for (const cell of table.tHead.querySelectorAll("[data-key]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const first = cell.dataset.key === "number" ? "descending" : "ascending";
        const other = first === "descending" ? "ascending" : "descending";
        sortBy(table, cell.cellIndex, cell.getAttribute("aria-sort") === first ? other : first);
      });
    }
  }
}
