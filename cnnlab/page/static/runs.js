// The list of runs: filter, ticks, and new rows while trainings go on.
import { sortBy, sortedBy } from "./table.js";

const EVERY_MS = 3000;

export function prepareRuns() {
  const table = document.getElementById("runs");
  if (!table) return;
  const words = document.getElementById("filter");
  const status = document.getElementById("status");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const button = document.getElementById("compare");
  const chosen = document.getElementById("chosen");
  const rows = () => [...table.tBodies[0].rows];

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = status.value.split(" ").filter(Boolean);
    let shown = 0;
    for (const row of rows()) {
      const fits =
        wanted.every((word) => row.dataset.words.includes(word)) &&
        (!states.length || states.includes(row.dataset.status));
      row.hidden = !fits;
      shown += fits;
    }
    const all = rows().length;
    count.textContent = shown === all ? `${all} run${all === 1 ? "" : "s"}` : `${shown} of ${all} runs`;
    none.hidden = shown > 0;
  }

  function tick() {
    const names = rows().filter((row) => row.querySelector("input").checked);
    for (const row of rows()) row.classList.toggle("ticked", row.querySelector("input").checked);
    button.disabled = names.length < 2 || names.length > 12;
    document.getElementById("bar").hidden = names.length === 0;
    chosen.textContent =
      names.length === 0
        ? ""
        : names.length === 1
          ? "1 run ticked; tick another."
          : names.length > 12
            ? `${names.length} runs ticked; twelve can be compared at once.`
            : `${names.length} runs ticked.`;
  }

  // The whole list is asked for anew, and put in place where it says something else.
  let before = null;
  async function refresh() {
    if (document.hidden || table.contains(document.activeElement)) return;
    let text;
    try {
      text = await (await fetch("/")).text();
    } catch {
      return; // ended; it may come back
    }
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("runs");
    if (!fresh) return;
    const body = fresh.tBodies[0];
    const said = body.innerHTML;
    if (before !== null && said !== before) {
      const ticked = new Set([...table.querySelectorAll("input:checked")].map((box) => box.value));
      for (const box of body.querySelectorAll("input")) box.checked = ticked.has(box.value);
      const order = sortedBy(table);
      table.tBodies[0].replaceWith(document.adoptNode(body));
      if (order) sortBy(table, order.column, order.direction);
      filter();
      tick();
    }
    before = said;
  }

  words.addEventListener("input", filter);
  status.addEventListener("change", filter);
  table.addEventListener("change", tick);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      words.focus();
    }
  });
  addEventListener("pageshow", () => (filter(), tick())); // what a browser kept of the form
  setInterval(refresh, EVERY_MS);
}
