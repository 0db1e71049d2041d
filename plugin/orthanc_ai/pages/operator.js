/**
 * Keeps /ai up to date and draws its charts with Observable Plot, where that is there. Every two seconds it asks /ai/now, which
 * answers "not modified" while nothing changes, and not at all while nobody looks. What has changed comes as the page itself:
 * its live sections take the place of those that are shown. No text is turned into markup here.
 */
"use strict";

(() => {
  const ASK_MS = 2000;
  const LEAST_MS = 4000; // between two pages, however much happens
  const NARROW = 220;

  const root = document.documentElement;
  const message = document.getElementById("message");
  const number = (value) => value.toLocaleString("en");

  // Charts

  const common = (width) => ({ width, className: "chart-svg", style: { fontSize: "12px" } });

  function spans(list, width, step, words) {
    const bars = list.map((one) => {
      // As the server's clock shows it, whatever the browser's time zone is.
      const from = new Date(`${one.begin.slice(0, 19)}Z`);
      return { from, to: new Date(from.getTime() + step), reports: one.reports, title: `${words(one)}: ${number(one.reports)}` };
    });
    const most = bars.reduce((found, one) => Math.max(found, one.reports), 1);
    const last = bars.at(-1);
    const end = step < 86_400_000 ? new Date(Math.max(bars[0].from.getTime() + 86_400_000, last.to.getTime())) : last.to;
    return Plot.plot({
      ...common(width),
      height: 130,
      marginLeft: 46,
      x: { type: "utc", label: null, domain: [bars[0].from, end], ...(step < 86_400_000 ? { tickFormat: "%H:%M", ticks: 5 } : {}) },
      y: { grid: true, label: null, domain: [0, most], ticks: Math.min(3, most), tickFormat: (v) => (Number.isInteger(v) ? number(v) : "") },
      marks: [
        Plot.rectY(bars, { x1: "from", x2: "to", y: "reports", fill: "var(--bar)", insetLeft: 0.5, insetRight: 0.5, title: "title", tip: true }),
        Plot.ruleY([0], { stroke: "var(--quiet)" }),
      ],
    });
  }

  const COLOUR = { moderate: "var(--shift-moderate)", large: "var(--shift-large)" };

  function drift(one, width, shares) {
    const day = (text) => new Date(`${text}T00:00:00Z`);
    const at = (share) => shares.indexOf(share);
    const points = one.periods.map((each) => ({
      x: day(each.first),
      low: each.quantiles[at(0.05)],
      quarter: each.quantiles[at(0.25)],
      middle: each.quantiles[at(0.5)],
      upper: each.quantiles[at(0.75)],
      high: each.quantiles[at(0.95)],
      colour: COLOUR[each.shift] ?? "var(--shift-none)",
      r: each.shift in COLOUR ? 4 : 2.5,
      title:
        `${each.first} to ${each.last}: ${number(each.images)} X-rays\nmedian ${each.quantiles[at(0.5)].toFixed(2)}\n` +
        (each.stabilityIndex === null ? each.shift : `index ${each.stabilityIndex.toFixed(2)}, by chance up to ${each.byChance.toFixed(2)}`),
    }));
    return Plot.plot({
      ...common(width),
      height: 150,
      marginLeft: 34,
      marginTop: 8,
      x: { type: "utc", label: null, ticks: 4 },
      y: { domain: [0, 1], grid: true, label: null, ticks: [0, 0.5, 1] },
      marks: [
        Plot.areaY(points, { x: "x", y1: "low", y2: "high", fill: "var(--bar)", fillOpacity: 0.15 }),
        Plot.areaY(points, { x: "x", y1: "quarter", y2: "upper", fill: "var(--bar)", fillOpacity: 0.3 }),
        ...(one.threshold === null ? [] : [Plot.ruleY([one.threshold], { stroke: "var(--mark)", strokeWidth: 1 })]),
        Plot.lineY(points, { x: "x", y: "middle", stroke: "var(--bar)", strokeWidth: 1.5 }),
        Plot.dot(points, { x: "x", y: "middle", r: "r", fill: "colour", title: "title", tip: true }),
      ],
    });
  }

  const drifts = JSON.parse(document.getElementById("drift-data")?.textContent ?? "null");
  // In an attribute, since a script, even one of data, may not be put into the page.
  const today = (box) => JSON.parse(box.closest("[data-spans]").dataset.spans);
  const DRAW = {
    hours: (width, box) => spans(today(box).hours, width, 3_600_000, (one) => one.begin.slice(11, 16)),
    days: (width, box) => spans(today(box).days, width, 86_400_000, (one) => one.begin.slice(0, 10)),
    drift: (width, box) => drift(drifts.findings[Number(box.dataset.finding)], width, drifts.shares),
  };

  /** Draws one chart as wide as its place, unless it is so wide already. */
  function draw(box) {
    const width = Math.max(NARROW, Math.floor(box.clientWidth));
    if (!box.clientWidth || Number(box.dataset.width) === width) return;
    box.dataset.width = width;
    const chart = DRAW[box.dataset.chart](width, box);
    // One picture to those who do not see it: its parts have names that say nothing, on elements that may have none.
    for (const part of chart.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", box.dataset.label);
    box.replaceChildren(chart);
  }

  const observer = new ResizeObserver((entries) => entries.forEach((entry) => draw(entry.target)));

  function drawAll(within) {
    if (typeof Plot === "undefined") return;
    for (const box of within.querySelectorAll("[data-chart]")) {
      draw(box);
      observer.observe(box);
    }
    // The numbers are a click away; without charts they stand there at once.
    for (const table of within.querySelectorAll("details[id^=numbers-]")) table.open = false;
  }

  // Live sections

  const live = () => [...document.querySelectorAll("[data-live]")];
  const known = new Map(live().map((one) => [one.id, one.outerHTML]));

  function take(fresh) {
    const came = [...fresh.querySelectorAll("[data-live]")];
    if (came.map((one) => one.id).join() !== live().map((one) => one.id).join()) {
      location.reload(); // the catalogue is there now, or no more
      return;
    }
    for (const one of came) {
      if (known.get(one.id) === one.outerHTML) continue;
      known.set(one.id, one.outerHTML);
      replace(document.getElementById(one.id), document.importNode(one, true));
    }
    root.dataset.tag = fresh.documentElement.dataset.tag;
  }

  // Whoever has come to something by keyboard stays there.
  const REACHED = "a, button, summary, [tabindex]";
  const nameOf = (one) => [one.tagName, ...["id", "href", "aria-label", "aria-labelledby"].map((name) => one.getAttribute(name))].join(" ");

  function replace(old, fresh) {
    const focused = old.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    const open = [...old.querySelectorAll("details[open]")].map((one) => one.id);
    const rows = new Set([...old.querySelectorAll("[data-study]")].map((one) => one.dataset.study));
    old.replaceWith(fresh);
    drawAll(fresh);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const row of fresh.querySelectorAll("[data-study]")) row.classList.toggle("fresh", !rows.has(row.dataset.study));
    if (focused) [...fresh.querySelectorAll(REACHED)].find((one) => nameOf(one) === focused)?.focus({ preventScroll: true });
  }

  /** The page as it is now. A request of this kind makes a document of the answer without running or loading anything. */
  function page() {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("live", "true");
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("GET", address);
      request.setRequestHeader("Accept", "text/html");
      request.responseType = "document";
      request.onload = () => (request.status === 200 && request.response ? done(request.response) : failed(new Error(`${request.status}`)));
      request.onerror = () => failed(new Error("no answer"));
      request.send();
    });
  }

  let taken = 0;
  let lost = false;
  let waiting = 0;

  async function look() {
    clearTimeout(waiting);
    if (document.hidden) return;
    try {
      const answer = await fetch("/ai/now", { headers: { "If-None-Match": root.dataset.tag }, cache: "no-store" });
      if (answer.status === 200 && Date.now() - taken >= LEAST_MS) {
        taken = Date.now();
        take(await page());
        root.dataset.refreshed = String(Number(root.dataset.refreshed ?? 0) + 1);
      } else if (answer.status !== 200 && answer.status !== 304) {
        throw new Error(`${answer.status}`);
      }
      if (lost) say("The server answers again.");
      lost = false;
    } catch {
      if (!lost) say("The server does not answer. What is shown is as of a moment ago.");
      lost = true;
    }
    clearTimeout(waiting);
    waiting = setTimeout(look, ASK_MS);
  }

  function say(words) {
    message.textContent = words;
  }

  async function act(form) {
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST" });
      const said = answer.ok ? null : await answer.json();
      say(answer.ok ? form.dataset.done : `${said.title} ${said.detail}`);
    } catch {
      say("The server does not answer.");
    }
    button.disabled = false;
    taken = 0;
    look();
  }

  document.addEventListener("submit", (event) => {
    if (!("done" in event.target.dataset)) return;
    event.preventDefault();
    act(event.target);
  });
  document.addEventListener("visibilitychange", look);

  // How old the oldest one is by now.
  setInterval(() => {
    for (const one of document.querySelectorAll("[data-age]")) {
      const age = Number(one.dataset.age) + 1;
      one.dataset.age = age;
      one.textContent = age < 120 ? `${Math.floor(age)} s` : age < 7200 ? `${Math.floor(age / 60)} min` : `${Math.floor(age / 3600)} h`;
    }
  }, 1000);

  drawAll(document);
  root.dataset.drawn = String(document.querySelectorAll(".chart svg").length);
  look();
})();
