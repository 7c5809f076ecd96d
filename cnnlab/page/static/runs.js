// The list of runs: filter, ticks, and new rows while trainings go on.
import { sortBy, sortedBy } from "./table.js";

const EVERY_MS = 3000;

export function prepareRuns() {
  const table = document.getElementById("runs");
  if (table) prepareList(table);
  else if (document.getElementById("no-runs")) watch(null, () => {});
}

function prepareList(table) {
  const words = document.getElementById("filter");
  const status = document.getElementById("status");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
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

  const told = () => (filter(), tick(rows()));
  watch(table, told);
  words.addEventListener("input", filter);
  status.addEventListener("change", filter);
  table.addEventListener("change", () => tick(rows()));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      words.focus();
    }
  });
  addEventListener("pageshow", told); // what a browser kept of the form
}

// How many runs are ticked, and whether so many can be compared.
function tick(rows) {
  const box = (row) => row.querySelector("input");
  const ticked = rows.filter((row) => box(row).checked).length;
  for (const row of rows) row.classList.toggle("ticked", box(row).checked);
  document.getElementById("compare").disabled = ticked < 2 || ticked > 12;
  document.getElementById("bar").hidden = ticked === 0;
  document.getElementById("chosen").textContent =
    ticked === 0
      ? ""
      : ticked === 1
        ? "1 run ticked; tick another."
        : ticked > 12
          ? `${ticked} runs ticked; twelve can be compared at once.`
          : `${ticked} runs ticked.`;
}

// The whole list is asked for anew, and put in place where it says something else. Without a
// table the page says that there are none; it is loaded anew once the first run is there.
function watch(table, told) {
  let before = table?.tBodies[0].innerHTML; // as it came: nothing is sorted or hidden yet

  async function look() {
    let text;
    try {
      text = await (await fetch("/")).text();
    } catch {
      return; // ended; it may come back
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.getElementById("runs");
    if (!fresh && !page.getElementById("no-runs")) return; // an error, not the list
    if (!fresh !== !table) {
      location.reload();
      return;
    }
    const said = fresh?.tBodies[0].innerHTML;
    if (said === before) return;
    before = said;
    putInPlace(table, document.adoptNode(fresh.tBodies[0]));
    told();
  }

  async function again() {
    if (!document.hidden) await look();
    setTimeout(again, EVERY_MS);
  }
  setTimeout(again, EVERY_MS);
}

// New rows in the place of the old ones, with the ticks, the order and the focus of these.
function putInPlace(table, body) {
  const ticked = new Set([...table.querySelectorAll("input:checked")].map((box) => box.value));
  for (const box of body.querySelectorAll("input")) box.checked = ticked.has(box.value);
  const focused = table.tBodies[0].contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("tr").querySelector("input").value;
  table.tBodies[0].replaceWith(body);
  const order = sortedBy(table);
  if (order) sortBy(table, order.column, order.direction);
  if (!focused) return;
  const row = [...body.rows].find((one) => one.querySelector("input").value === key);
  row?.querySelector(focused.tagName).focus({ preventScroll: true });
}
