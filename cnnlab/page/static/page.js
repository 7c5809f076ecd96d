// What every page has, and the parts that some have. All of it is comfort: without scripts the
// same pages are there, with links and forms in place of what follows.
import "./charts.js";
import { prepareTables } from "./table.js";
import { prepareRuns } from "./runs.js";
import { prepareLive } from "./live.js";
import { prepareMatrix } from "./matrix.js";
import { prepareTry } from "./try.js";
import { fragment } from "./fetching.js";

function prepareTheme() {
  const button = document.getElementById("theme");
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("cnnlab-theme", root.dataset.theme);
    } catch {
      // It lasts until the next page, then.
    }
  });
}

// Parts with many images are asked for when they come near.
function prepareLazy() {
  const watch = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        watch.unobserve(entry.target);
        fragment(entry.target.dataset.lazy).then(({ text }) => {
          entry.target.innerHTML = text;
        });
      }
    },
    { rootMargin: "400px" },
  );
  document.querySelectorAll("[data-lazy]").forEach((place) => watch.observe(place));
}

function prepareCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const done = () => {
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    };
    navigator.clipboard?.writeText(button.dataset.copy).then(done, () => {
      getSelection().selectAllChildren(button.previousElementSibling);
    });
  });
}

function prepareSubmitting() {
  document.querySelectorAll("select[data-submit]").forEach((select) => {
    select.addEventListener("change", () => select.form.submit());
  });
}

prepareTheme();
prepareTables(document);
prepareRuns();
prepareLive();
prepareMatrix();
prepareTry();
prepareLazy();
prepareCopying();
prepareSubmitting();
