// Images are dropped, pasted or chosen, and asked about at once.
import { fragment } from "./fetching.js";

export function prepareTry() {
  const form = document.getElementById("try");
  if (!form) return;
  const drop = document.getElementById("drop");
  const input = document.getElementById("image");
  const state = document.getElementById("try-state");
  const answers = document.getElementById("answers");
  const most = Number(form.dataset.maxFiles);
  const mostMib = Number(form.dataset.maxTotalMib);
  let latest = 0; // an answer to an earlier question may come after that to a later one

  async function ask(files) {
    const images = [...files].slice(0, most);
    if (!images.length) return;
    const mib = images.reduce((sum, image) => sum + image.size, 0) / 2 ** 20;
    if (mib > mostMib) {
      state.textContent = `These have ${Math.ceil(mib)} MiB together, and ${mostMib} can be sent at once. Choose fewer.`;
      return;
    }
    const body = new FormData();
    body.append("token", form.elements.token.value);
    body.append("run", form.elements.run.value);
    for (const image of images) body.append("image", image, image.name || "pasted image");
    state.textContent = images.length === 1 ? "Asking …" : `Asking about ${images.length} images …`;
    const asked = ++latest;
    const { ok, text } = await fragment(form.action, { method: "POST", body });
    if (asked !== latest) return;
    answers.innerHTML = text;
    state.textContent = ok ? "Answered below." : "That did not work.";
    if (ok && files.length > most) state.textContent = `Answered below, the first ${most}.`;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(input.files);
  });
  input.addEventListener("change", () => ask(input.files));
  form.elements.run.addEventListener("change", () => ask(input.files));
  for (const kind of ["dragenter", "dragover"])
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  for (const kind of ["dragleave", "drop"])
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files; // so that another run can be asked about the same
    ask(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    input.files = event.clipboardData.files;
    ask(input.files);
  });
}
