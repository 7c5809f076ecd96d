// A pointer over a chart reads its values. The numbers stand in a table below it, too.
const tip = document.getElementById("tip");
let marked = null;

function leave() {
  tip.hidden = true;
  marked?.remove();
  marked = null;
}

function read(chart, event) {
  const found = JSON.parse(chart.dataset.readings);
  const box = chart.getBoundingClientRect();
  const scale = box.width / chart.viewBox.baseVal.width;
  const x = (event.clientX - box.left) / scale;
  let at = 0;
  found.x.forEach((place, index) => {
    if (Math.abs(place - x) < Math.abs(found.x[at] - x)) at = index;
  });
  leave();
  marked = document.createElementNS("http://www.w3.org/2000/svg", "g");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("class", "cursor");
  line.setAttribute("d", `M${found.x[at]} ${chart.dataset.top}V${chart.dataset.bottom}`);
  marked.append(line);
  const head = document.createElement("b");
  head.textContent = `${found.xname.split(" (")[0].split(",")[0]} ${found.at[at]}`;
  const lines = found.names.flatMap((name, index) => {
    if (found.y[index][at] === null) return [];
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    dot.setAttribute("class", `dot s${found.looks[index]}`);
    dot.setAttribute("cx", found.x[at]);
    dot.setAttribute("cy", found.y[index][at]);
    dot.setAttribute("r", 4);
    marked.append(dot);
    const said = document.createElement("span");
    said.textContent = `${name} ${found.values[index][at]}`;
    return [said];
  });
  chart.append(marked);
  tip.replaceChildren(head, ...lines);
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
}

document.addEventListener("pointermove", (event) => {
  const chart = event.target.closest?.("svg[data-readings]");
  if (chart) read(chart, event);
  else if (!tip.hidden) leave();
});
document.addEventListener("scroll", leave, { passive: true });
