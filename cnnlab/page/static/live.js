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
      if (text !== before && !place.contains(document.activeElement)) {
        const open = [...place.querySelectorAll("details")].map((one) => one.open);
        place.innerHTML = text;
        const details = [...place.querySelectorAll("details")];
        if (details.length === open.length) details.forEach((one, at) => (one.open = open[at]));
        before = text;
      }
    }
    setTimeout(look, EVERY_MS);
  }

  prepareStop(said);
  setTimeout(look, EVERY_MS);
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
