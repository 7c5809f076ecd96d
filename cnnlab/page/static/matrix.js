// The confusion matrix: a cell's images without leaving the page, arrows from cell to cell.
import { fragment } from "./fetching.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function prepareMatrix() {
  const panel = document.getElementById("cell");
  if (!panel) return;
  let latest = 0; // of two cells that are chosen quickly the first may come last

  async function show(truth, predicted, { scroll = true } = {}) {
    const asked = ++latest;
    const { text } = await fragment(`${panel.dataset.url}&true=${truth}&predicted=${predicted}`);
    if (asked !== latest) return;
    panel.innerHTML = text;
    for (const cell of document.querySelectorAll(".cell[aria-current]")) cell.removeAttribute("aria-current");
    document
      .querySelector(`.cell[data-true="${truth}"][data-predicted="${predicted}"]`)
      ?.setAttribute("aria-current", "true");
    const pick = document.querySelector("[data-pick]");
    pick.elements.true.value = truth;
    pick.elements.predicted.value = predicted;
    const url = new URL(location);
    url.searchParams.set("true", truth);
    url.searchParams.set("predicted", predicted);
    history.replaceState(null, "", url);
    if (scroll) panel.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-true]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link.dataset.true, link.dataset.predicted);
  });

  const pick = document.querySelector("[data-pick]");
  pick?.addEventListener("submit", (event) => {
    event.preventDefault();
    show(pick.elements.true.value, pick.elements.predicted.value);
  });

  prepareArrows(document.querySelector("table[data-matrix]"));
  prepareLarge(document.querySelector("[data-big-matrix]"), show);
}

// One cell can be reached with Tab; from there the arrows lead on.
function prepareArrows(table) {
  if (!table) return;
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll(".cell")]);
  rows.flat().forEach((cell) => (cell.tabIndex = -1));
  rows[0][0].tabIndex = 0;
  table.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = event.target.closest(".cell");
    if (!step || !cell) return;
    event.preventDefault();
    const row = Number(cell.dataset.true) + step[0];
    const column = Number(cell.dataset.predicted) + step[1];
    const next = rows[row]?.[column];
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

function prepareLarge(drawing, show) {
  drawing?.addEventListener("click", (event) => {
    const classes = Number(drawing.dataset.bigMatrix);
    const box = drawing.getBoundingClientRect();
    const at = (share) => Math.min(classes - 1, Math.max(0, Math.floor(share * classes)));
    show(at((event.clientY - box.top) / box.height), at((event.clientX - box.left) / box.width));
  });
}
