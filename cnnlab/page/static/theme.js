// Before anything is painted: the theme that was chosen here; none chosen, the system's.
try {
  const chosen = localStorage.getItem("cnnlab-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing still shows the page.
}
