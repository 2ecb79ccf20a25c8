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

const groups = {};
function section(id, title, caption) {  // a part of the page, and its link in the list of its kind
  const box = make("section", { id }, make("h2", {}, title), caption ? make("p", { class: "caption" }, caption) : null);
  main.append(box);
  const [, kind, number] = id.match(/^([a-z]+)(\d*)$/);
  if (!groups[kind]) {
    groups[kind] = make("span", {}, number ? make("b", {}, kind === "table" ? "Tables" : "Figures") : null);
    document.getElementById("nav").append(groups[kind]);
  }
  groups[kind].append(make("a", { href: "#" + id, "aria-label": number ? title : null }, number || title));
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
  const covered = button.getBoundingClientRect().bottom - detail.getBoundingClientRect().top;
  if (covered > 0) scrollBy(0, covered + 12);
}
addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

// ---- numbers

const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(3);
const short = (value) => value === null ? null : value.toFixed(3);

// ---- claims

const summary = section("claims", "Claims", "What the paper says, and what our scores say of it, at each η.");
const MARKS = { supported: "✓", contradicted: "✗", inconclusive: "?", "not run": "–" };
function chip(claim, attacker, one) {
  const rows = [["attacker", attacker === "printed" ? null : "AttNet-curr replaced by the best response"], ["data", claim.data],
    ...(one.pairs.length ? one.pairs.map((pair) =>
      [pair.text, `difference ${signed(pair.difference)}, 95 % interval ${signed(pair.low)} to ${signed(pair.high)}`])
      : claim.compared.map((text) => [text, "not run"])),
    ["p, corrected", one.p === null ? null : one.p.toPrecision(2)],
    ["seeds", one.seeds ? one.seeds + (one.seeds === 1 ? " (a verdict about these networks alone)" : "") : null],
    ["to know", one.cautions.join("; ")]];
  const button = make("button", { type: "button", class: "chip " + one.verdict.replace(" ", "-"), "aria-expanded": "false",
    title: one.verdict, "aria-label": `η ${one.eta}: ${one.verdict}`,
    onclick: () => open(button, `${claim.text} η = ${one.eta}: ${one.verdict}`, rows) },
    make("span", { class: "soft" }, "η " + one.eta), ` ${MARKS[one.verdict]} ${one.verdict}`, one.leans && `, leans ${one.leans}`);
  return button;
}
const list = make("ol", { class: "claims" });
for (const claim of data.claims) {
  const item = make("li", {}, make("div", {}, claim.text, " ", make("span", { class: "soft where" }, claim.section.replace(/^(?=\d)/, "Section "))));
  for (const [attacker, verdicts] of Object.entries(claim.verdicts))
    item.append(make("div", { class: "chips" }, attacker === "printed" ? null : make("span", { class: "soft" }, "by the best response"),
      ...verdicts.map((one) => chip(claim, attacker, one))));
  list.append(item);
}
summary.append(list, make("p", { class: "note" }, data.rule));

// ---- tables

function cell(table, one, plus) {
  if (!one) return make("td", plus ? { class: "plus" } : {});
  const printed = one.paper !== null ? "paper " + short(one.paper) : one.note.startsWith("illegible") ? "paper illegible" : null;
  const interval = one.ours === null || one.struck ? null : `${short(one.low)} to ${short(one.high)}`;
  const title = `${table.labels[one.defense]} against ${table.labels[one.attack]}` + (one.eta === null ? "" : `, η = ${one.eta}`);
  const badges = one.badges.filter((id) => !table.everywhere.includes(id)).join(" ");
  const ours = one.ours === null ? "not run" : one.struck ? `≥ ${short(one.ours)}` : short(one.ours);
  const rows = [["ours", one.struck ? `${ours}: a bound, struck by ${one.struck}` : ours], ["95 % interval", interval],
    ["paper", printed && printed.slice(6)], ["difference", one.difference === null ? null : (one.difference > 0 ? "+" : "") + short(one.difference)],
    ["test images", one.n ? String(one.n) : null], ["seeds", one.seeds.join(", ")], ["data", one.data],
    ...one.checks.map((check) => ["check " + check.split(": ")[0], check.slice(check.indexOf(": ") + 2)]), ["the print", one.note], ["runs", one.runs.join(" "), true], ["command", one.command, true]];
  const button = make("button", { type: "button", "aria-expanded": "false",
    title: interval && `95 % ${interval}`, onclick: () => open(button, title, rows) },
    make("span", { class: one.ours === null ? "soft" : one.struck ? "struck" : null }, ours),
    one.struck || badges ? make("small", { class: one.struck ? "struck" : null }, one.struck || badges) : null, printed && make("small", {}, printed));
  return make("td", plus ? { class: "plus" } : {}, button);
}

for (const table of data.tables) {
  const box = section(table.name, table.title, table.caption + ".");
  const head = make("tr", {}, make("th", { scope: "col" }, "Defense"), make("th", { scope: "col" }, "η"));
  for (const attack of table.columns)
    head.append(make("th", { scope: "col", class: data.plus.includes(attack) ? "plus" : null }, table.labels[attack]));
  const body = make("tbody");
  let before = table.rows.length ? table.rows[0][1] : null;
  for (const [defense, eta] of table.rows) {
    const line = make("tr", { class: eta !== before ? "block" : null },
      make("th", { scope: "row" }, table.labels[defense], make("small", { class: "narrow" }, `η ${eta ?? "any"}`)),
      make("td", {}, eta === null ? "any" : String(eta)));
    before = eta;
    for (const attack of table.columns)
      line.append(cell(table, table.cells.find((c) => c.defense === defense && c.eta === eta && c.attack === attack), data.plus.includes(attack)));
    body.append(line);
  }
  box.append(make("div", { class: "scroll", tabindex: "0" }, make("table", {}, make("thead", {}, head), body)));
  box.append(make("p", { class: "note" }, table.made || `not run: make ${table.name} PROFILE=${data.profile}`));
  const found = table.found.map((line) => line.startsWith("- ") ? line.slice(2) : line);
  if (found.length) box.append(make("details", { class: "note" }, make("summary", {}, "What the checks say"), ...found.map((line) => make("p", {}, line))));
  if (table.contradictions.length)
    box.append(make("p", { class: "note" }, "The paper's numbers disagree here:"),
      make("ul", { class: "note" }, ...table.contradictions.map((line) => make("li", {}, line))));
}

// ---- figures

const SHAPES = [  // marks about (0, 0), so that lines are told apart without colour
  "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0Z", "M-2.7-2.7H2.7V2.7H-2.7Z", "M0-3.6L3.4 2.6H-3.4Z", "M0-3.8L3.8 0L0 3.8L-3.8 0Z",
  "M0 3.6L3.4-2.6H-3.4Z", "M-1-3.4H1V-1H3.4V1H1V3.4H-1V1H-3.4V-1H-1Z", "M-3.4-1.4H3.4V1.4H-3.4Z"];
const colour = (line) => line.colour === "#000000" ? "currentColor" : line.colour;  // black is seen on light paper only
const mark = (i) => make("svg:path", { d: SHAPES[i % SHAPES.length], stroke: "none" });
function step(far, pieces) {  // a round distance of ticks, so that there are about that many
  const power = 10 ** Math.floor(Math.log10(far / pieces));
  return Math.max(1, power * [1, 2, 5, 10].find((m) => m * power >= far / pieces));
}

function curve(s, i, x, y, hidden) {  // a series: its line, faint dots of each seed, and marks
  const group = make("svg:g", { fill: colour(s), stroke: colour(s), style: hidden ? "display: none" : "" });
  group.append(make("svg:polyline", { fill: "none", "stroke-width": 1.6, points: s.points.map((p) => `${x(p[0])},${y(p[1])}`).join(" ") }));
  for (const p of s.each.flat()) group.append(make("svg:circle", { cx: x(p[0]), cy: y(p[1]), r: 1.4, stroke: "none", opacity: 0.35 }));
  let last = -Infinity;
  for (const p of s.points)
    if (x(p[0]) - last > 9) {  // no pearls on a string
      last = x(p[0]);
      const one = mark(i);
      one.setAttribute("transform", `translate(${last} ${y(p[1])})`);
      group.append(one);
    }
  return group;
}

function draw(figure, picture, w, hidden) {  // the lines at a width of w pixels; returns how to point at an x
  const [h, left, bottom, top, right] = [Math.max(240, Math.min(380, w * 0.5)), 52, 44, 12, 22];
  const points = figure.series.flatMap((s) => s.points), far = Math.max(...points.map((p) => p[0]), 1);
  const x = (v) => left + v / far * (w - left - right), y = (v) => h - bottom - v / figure.top * (h - bottom - top);
  picture.replaceChildren();
  picture.setAttribute("viewBox", `0 0 ${w} ${h}`);
  for (let i = 0; i <= 5; i++) {
    const v = figure.top * i / 5;
    picture.append(make("svg:line", { class: "grid", x1: left, x2: w - right, y1: y(v), y2: y(v) }),
      make("svg:text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, v.toFixed(figure.top < 0.5 ? 2 : 1)));
  }
  for (let v = 0, by = step(far, w / 80); v <= far; v += by)
    picture.append(make("svg:text", { x: x(v), y: h - bottom + 18, "text-anchor": "middle" }, v.toLocaleString("en")));
  picture.append(make("svg:text", { x: (left + w - right) / 2, y: h - 6, "text-anchor": "middle" }, figure.x),
    make("svg:text", { x: 12, y: (h - bottom) / 2, transform: `rotate(-90 12 ${(h - bottom) / 2})`, "text-anchor": "middle" }, figure.y));
  figure.series.forEach((s, i) => picture.append(curve(s, i, x, y, hidden.has(i))));
  const guide = make("svg:line", { class: "guide", y1: top, y2: h - bottom, visibility: "hidden" });
  picture.append(guide);
  return (at) => {  // null: nowhere; else in pixels
    guide.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) return null;
    const wanted = (at - left) / (w - left - right) * far;
    const nearest = points.reduce((a, b) => Math.abs(b[0] - wanted) < Math.abs(a[0] - wanted) ? b : a)[0];
    guide.setAttribute("x1", x(nearest));
    guide.setAttribute("x2", x(nearest));
    return nearest;
  };
}

function chart(figure) {
  const picture = make("svg:svg", { role: "img", "aria-label": figure.caption }), hidden = new Set();
  const tip = make("div", { class: "tip", hidden: "" }), frame = make("figure", {}, picture, tip);
  let point = () => null, width = 0;
  const again = () => { point = draw(figure, picture, width, hidden); };
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now && now !== width) { width = now; again(); }
  }).observe(frame);
  const told = (event) => {
    const at = point(event.clientX - picture.getBoundingClientRect().left);
    tip.textContent = [`${figure.x} ${at.toLocaleString("en")}`, ...figure.series.filter((s, i) => !hidden.has(i))
      .map((s) => [s, s.points.find((p) => p[0] === at)]).filter(([, p]) => p).map(([s, p]) => `${s.label}: ${p[1].toFixed(3)}`)].join("\n");
    tip.hidden = false;
  };
  picture.addEventListener("pointermove", told);
  picture.addEventListener("pointerdown", told);
  picture.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "mouse") return;  // a finger that is lifted: the numbers stay to be read
    tip.hidden = true;
    point(null);
  });
  const legend = make("div", { class: "legend" });
  figure.series.forEach((s, i) => {
    const key = make("svg:svg", { class: "key", viewBox: "-11 -5 22 10", fill: colour(s), stroke: colour(s), "aria-hidden": "true" },
      make("svg:line", { x1: -11, x2: 11, y1: 0, y2: 0, "stroke-width": 1.6 }), mark(i));
    const button = make("button", { type: "button", "aria-pressed": "true", onclick: () => {
      if (!hidden.delete(i)) hidden.add(i);
      button.setAttribute("aria-pressed", String(!hidden.has(i)));
      again();
    } }, key, s.label);
    legend.append(button);
  });
  frame.append(legend);
  return frame;
}

for (const figure of data.figures) {
  const box = section(figure.name, figure.title, figure.caption + ".");
  if (figure.image) box.append(make("figure", { class: "wide" }, make("img", { src: figure.image, alt: figure.caption })));
  else if (figure.series.length) box.append(chart(figure));
  else box.append(make("p", { class: "soft" }, `not run: make ${figure.name} PROFILE=${data.profile}`));
  box.append(make("p", { class: "note" }, figure.note));
}

// ---- light and dark

const root = document.documentElement;
root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; });
