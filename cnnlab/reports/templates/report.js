"use strict";
// Sorts a table by the column whose heading is pressed: up, down, then as it was.
// Without this script the page shows the same, as it stands.
(() => {
  const SCALES = {k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 1024, Mi: 1048576, Gi: 1073741824};
  const TIMES = {s: 1, min: 60, h: 3600};

  // The first number of a cell with its unit; NaN where there is none.
  const numberIn = (text) => {
    const plain = text.trim().replace(/,/g, "").replace(/\u2212/g, "-");
    const found = plain.match(/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?/i);
    if (!found) return NaN;
    const times = [...plain.matchAll(/(\d+(?:\.\d+)?) (h|min|s)\b/g)];
    if (times.length && plain.startsWith(times[0][0])) {
      return times.reduce((sum, [, count, unit]) => sum + Number(count) * TIMES[unit], 0);
    }
    const unit = plain.slice(found[0].length).match(/^ ([kMGT]i?)(?=[A-Z])/);
    return Number(found[0]) * (unit ? SCALES[unit[1]] || 1 : 1);
  };

  const compare = (a, b) => {
    const [left, right] = [numberIn(a), numberIn(b)];
    if (Number.isNaN(left) && Number.isNaN(right)) return a.localeCompare(b);
    if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1;
    return left - right || a.localeCompare(b);
  };

  const sort = (table, column, order) => {
    const body = table.tBodies[0];
    const cell = (row) => row.cells[column].textContent;
    const at = (row) => Number(row.dataset.at);
    const by = {
      none: (a, b) => at(a) - at(b),
      ascending: (a, b) => compare(cell(a), cell(b)) || at(a) - at(b),
      descending: (a, b) => compare(cell(b), cell(a)) || at(a) - at(b),
    };
    body.append(...[...body.rows].sort(by[order]));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tBodies[0].rows].forEach((row, at) => { row.dataset.at = at; });
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort") || "none";
        const order = {none: "ascending", ascending: "descending", descending: "none"}[before];
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        if (order !== "none") heading.setAttribute("aria-sort", order);
        sort(table, column, order);
      });
    });
  }
})();
