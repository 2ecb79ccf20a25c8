"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("main"), detail = document.getElementById("detail");

function make(tag, more = {}, ...children) {  // an element; text never becomes markup
  const node = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4)) : document.createElement(tag);
  for (const [key, value] of Object.entries(more))
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value); else if (value !== null) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

function section(id, title) {
  const box = make("section", { id }, make("h2", {}, title));
  main.append(box);
  document.getElementById("nav").append(make("a", { href: "#" + id }, title.split(/[.,]/)[0]));
  return box;
}

// ---- details of a cell or a verdict

let opened = null;
function close() {
  if (opened) opened.setAttribute("aria-expanded", "false");
  opened = null;
  detail.hidden = true;
}
function open(button, title, rows) {
  const same = opened === button;
  close();
  if (same) return;
  opened = button;
  button.setAttribute("aria-expanded", "true");
  const list = make("dl");
  for (const [name, value, code] of rows)
    if (value) list.append(make("dt", { class: "soft" }, name), make("dd", {}, code ? make("code", {}, value) : value));
  detail.replaceChildren(make("button", { class: "close", type: "button", onclick: close }, "close"), make("strong", {}, title), list);
  detail.hidden = false;
}
addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

// ---- tables

const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(3);
const short = (value) => value === null ? null : value.toFixed(3);
function cell(table, one, plus) {
  if (!one) return make("td", plus ? { class: "plus" } : {});
  const printed = one.paper !== null ? "paper " + short(one.paper) : one.note.startsWith("illegible") ? "paper illegible" : null;
  const interval = one.ours === null ? null : `${short(one.low)} to ${short(one.high)}`;
  const title = `${table.labels[one.defense]} against ${table.labels[one.attack]}` + (one.eta === null ? "" : `, η = ${one.eta}`);
  const rows = [["ours", one.ours === null ? "not run" : short(one.ours)], ["95 % interval", interval],
    ["paper", printed && printed.slice(6)], ["difference", one.difference === null ? null : (one.difference > 0 ? "+" : "") + short(one.difference)],
    ["test images", one.n ? String(one.n) : null], ["seeds", one.seeds.join(", ")], ["data", one.data],
    ["checks", one.checks.join("; ")], ["the print", one.note], ["runs", one.runs.join(" "), true], ["command", one.command, true]];
  const warned = one.checks.some((check) => /one class|weak/.test(check));
  const button = make("button", { type: "button", "aria-expanded": "false",
    title: interval && `95 % ${interval}`, onclick: () => open(button, title, rows) },
    one.ours === null ? make("span", { class: "soft" }, "not run") : short(one.ours) + (warned ? " *" : ""), printed && make("small", {}, printed));
  return make("td", plus ? { class: "plus" } : {}, button);
}

for (const table of data.tables) {
  const box = section(table.name, `${table.title}. ${table.caption}`);
  const head = make("tr", {}, make("th", { scope: "col" }, "Defense"), make("th", { scope: "col" }, "η"));
  for (const attack of table.columns)
    head.append(make("th", { scope: "col", class: data.plus.includes(attack) ? "plus" : null }, table.labels[attack]));
  const body = make("tbody");
  let before = table.rows.length ? table.rows[0][1] : null;
  for (const [defense, eta] of table.rows) {
    const line = make("tr", { class: eta !== before ? "block" : null },
      make("th", { scope: "row" }, table.labels[defense]), make("td", {}, eta === null ? "any" : String(eta)));
    before = eta;
    for (const attack of table.columns)
      line.append(cell(table, table.cells.find((c) => c.defense === defense && c.eta === eta && c.attack === attack), data.plus.includes(attack)));
    body.append(line);
  }
  box.append(make("div", { class: "scroll", tabindex: "0" }, make("table", {}, make("thead", {}, head), body)));
  box.append(make("p", { class: "note" }, table.made || `not run: make ${table.name} PROFILE=${data.profile}`));
  if (table.contradictions.length)
    box.append(make("p", { class: "note" }, "The paper's numbers disagree here:"),
      make("ul", { class: "note" }, ...table.contradictions.map((line) => make("li", {}, line))));
}

// ---- figures

function chart(figure) {
  const [w, h, left, bottom, top] = [760, 340, 52, 44, 12];
  const points = figure.series.flatMap((s) => s.points);
  const far = Math.max(...points.map((p) => p[0]), 1);
  const x = (v) => left + v / far * (w - left - 12), y = (v) => h - bottom - v * (h - bottom - top);
  const picture = make("svg:svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": figure.caption });
  for (let i = 0; i <= 5; i++) {
    picture.append(make("svg:line", { class: "grid", x1: left, x2: w - 12, y1: y(i / 5), y2: y(i / 5) }),
      make("svg:text", { x: left - 6, y: y(i / 5) + 4, "text-anchor": "end" }, (i / 5).toFixed(1)),
      make("svg:text", { x: x(far * i / 5), y: h - bottom + 18, "text-anchor": "middle" }, String(Math.round(far * i / 5))));
  }
  picture.append(make("svg:text", { x: (left + w) / 2, y: h - 6, "text-anchor": "middle" }, figure.x),
    make("svg:text", { x: 14, y: h / 2, transform: `rotate(-90 14 ${h / 2})`, "text-anchor": "middle" }, figure.y));
  const lines = figure.series.map((s) => {
    const group = make("svg:g", { fill: s.colour, stroke: s.colour });
    group.append(make("svg:polyline", { fill: "none", "stroke-width": 1.6, points: s.points.map((p) => `${x(p[0])},${y(p[1])}`).join(" ") }));
    for (const p of s.points) group.append(make("svg:circle", { cx: x(p[0]), cy: y(p[1]), r: 2.6 }));
    picture.append(group);
    return group;
  });
  const guide = make("svg:line", { class: "guide", y1: top, y2: h - bottom, visibility: "hidden" });
  const tip = make("div", { class: "tip", hidden: "" });
  picture.append(guide);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const wanted = ((event.clientX - box.left) / box.width * w - left) / (w - left - 12) * far;
    const at = points.reduce((a, b) => Math.abs(b[0] - wanted) < Math.abs(a[0] - wanted) ? b : a)[0];
    guide.setAttribute("x1", x(at)); guide.setAttribute("x2", x(at)); guide.setAttribute("visibility", "visible");
    tip.textContent = [`${figure.x} ${at}`, ...figure.series.filter((s, i) => lines[i].style.display !== "none")
      .map((s) => [s, s.points.find((p) => p[0] === at)]).filter(([, p]) => p).map(([s, p]) => `${s.label}: ${p[1].toFixed(3)}`)].join("\n");
    tip.hidden = false;
  });
  picture.addEventListener("pointerleave", () => { tip.hidden = true; guide.setAttribute("visibility", "hidden"); });
  const legend = make("div", { class: "legend" });
  figure.series.forEach((s, i) => {
    const button = make("button", { type: "button", "aria-pressed": "true", onclick: () => {
      const off = lines[i].style.display === "none";
      lines[i].style.display = off ? "" : "none";
      button.setAttribute("aria-pressed", String(off));
    } }, make("span", { style: `color:${s.colour}` }, "● "), s.label);
    legend.append(button);
  });
  return make("figure", {}, picture, tip, legend);
}

for (const figure of data.figures) {
  const box = section(figure.name, `${figure.title}. ${figure.caption}`);
  if (figure.image) box.append(make("figure", {}, make("img", { src: figure.image, alt: figure.caption, loading: "lazy" })));
  else if (figure.series.length) box.append(chart(figure));
  else box.append(make("p", { class: "soft" }, `not run: make ${figure.name} PROFILE=${data.profile}`));
  box.append(make("p", { class: "note" }, figure.note));
}

// ---- claims

const box = section("claims", "Claims. The paper's testable statements");
box.append(make("p", { class: "note" }, data.rule));
const body = make("tbody");
for (const claim of data.claims)
  for (const [attacker, verdicts] of Object.entries(claim.verdicts)) {
    const line = make("tr", {}, make("td", { class: "text" }, attacker === "printed" ? claim.text : "… by the best response"),
      make("td", { class: "text soft" }, claim.section));
    const places = make("td", {});
    for (const one of verdicts) {
      const rows = [["attacker", attacker === "printed" ? null : "the best response"], ["data", claim.data],
        ...one.pairs.map((pair) => [pair.text, `${signed(pair.difference)}, 95 % ${signed(pair.low)} to ${signed(pair.high)}`]),
        ...(one.pairs.length ? [] : claim.compared.map((text) => [text, "not run"])),
        ["p, corrected", one.p === null ? null : one.p.toPrecision(2)], ["seeds", one.seeds ? String(one.seeds) : null],
        ["to know", one.cautions.join("; ")]];
      const button = make("button", { type: "button", class: one.verdict.replace(" ", "-"), "aria-expanded": "false",
        onclick: () => open(button, `${claim.text} η = ${one.eta}: ${one.verdict}`, rows) }, `η ${one.eta}: ${one.verdict}`);
      places.append(button);
    }
    line.append(places);
    body.append(line);
  }
box.append(make("div", { class: "scroll", tabindex: "0" }, make("table", {}, body)));

// ---- light and dark

const root = document.documentElement;
root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; });
