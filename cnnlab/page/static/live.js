// A run in training: progress and curves are asked for anew until it has ended.
import { fragment } from "./fetching.js";

const EVERY_MS = 1500;

export function prepareLive() {
  const place = document.getElementById("live");
  if (!place || place.dataset.live === "done") return;
  const said = document.getElementById("live-said");
  let before = "";

  async function look() {
    if (!document.hidden) {
      const { ok, text, headers } = await fragment(place.dataset.url);
      const state = headers.get("x-run-state");
      if (ok && state !== "running" && state !== place.dataset.live) {
        said.textContent = "Training has ended.";
        location.reload();
        return;
      }
      if (text !== before) putInPlace(place, text);
      before = text;
    }
    setTimeout(look, EVERY_MS);
  }

  prepareStop(said);
  setTimeout(look, EVERY_MS);
}

// The new text in the place of the old one. What was open stays open, what was scrolled stays where
// it was, and the focus stays on what has the same name.
function putInPlace(place, text) {
  const parts = (kind) => [...place.querySelectorAll(kind)].map((one) => [nameOf(one), one]);
  const open = new Map(parts("details").map(([name, one]) => [name, one.open]));
  const scrolled = new Map(parts(".scroll").map(([name, one]) => [name, one.scrollTop]));
  const focused = place.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  place.innerHTML = text;
  for (const [name, one] of parts("details")) one.open = open.get(name) ?? one.open;
  for (const [name, one] of parts(".scroll")) one.scrollTop = scrolled.get(name) ?? 0;
  if (focused === null) return;
  const same = parts("summary, [tabindex]").find(([name]) => name === focused);
  same?.[1].focus({ preventScroll: true });
}

// What it is and what it says: the heading of a part that can be opened, the label of another.
function nameOf(one) {
  const heading = one.querySelector("summary") ?? one;
  return `${one.tagName} ${one.getAttribute("aria-label") ?? heading.textContent}`;
}

function prepareStop(said) {
  const form = document.getElementById("stop");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    button.textContent = "Stopping …";
    const { ok } = await fragment(form.action, { method: "POST", body: new FormData(form) });
    said.textContent = ok
      ? "Training was asked to stop; it saves a checkpoint first."
      : "Training could not be asked to stop.";
    if (!ok) {
      button.disabled = false;
      button.textContent = "Stop training";
    }
  });
}
