/**
 * Draws the charts of /ai/catalog with Observable Plot, from the document that the page carries: the answer of
 * /ai/catalog/distributions to the same question. Texts go into attributes and text nodes only.
 */
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const count = document.documentElement.dataset.count;
  const MOST_BARS = 20;
  const ROW = 22;
  const NARROW = 260;
  const SEXES = new Map([["F", "female"], ["M", "male"], ["O", "other"], ["", "none"]]);

  const number = (value) => value.toLocaleString("en");
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  const named = (group) => group.value || "not stated";
  const title = (group, name = named(group)) =>
    `${name}\n${number(group.studies)} studies of ${number(group.patients)} patients\n` +
    `${number(group.images)} images in ${number(group.series)} series`;

  const common = (width) => ({ width, className: "chart-svg", style: { fontSize: "12px" } });
  const whole = { tickFormat: (value) => (Number.isInteger(value) ? number(value) : "") };
  // As many marks on an axis as it has whole numbers, at most five.
  const marks = (most) => ({ ticks: Math.max(1, Math.min(5, most)), ...whole });
  const greatest = (values) => values.reduce((most, one) => Math.max(most, one), 0);

  function over(groups, width) {
    const dated = groups.filter((group) => group.first !== null);
    const day = (text, later = 0) => new Date(Date.parse(`${text}T00:00:00Z`) + later * 86_400_000);
    return Plot.plot({
      ...common(width),
      height: 240,
      marginLeft: 60,
      x: { type: "utc", label: null },
      y: { grid: true, label: null, ...marks(greatest(dated.map((group) => group[count]))) },
      marks: [
        Plot.rectY(dated, {
          x1: (group) => day(group.first),
          x2: (group) => day(group.last, 1),
          y: count,
          fill: "var(--bar)",
          insetLeft: 0.5,
          insetRight: 0.5,
          title,
          tip: true,
        }),
        Plot.ruleY([0], { stroke: "var(--quiet)" }),
      ],
    });
  }

  function bars(groups, width) {
    // What is not stated stands last, and is shown however many others there are.
    const stated = groups.filter((group) => group.value).slice(0, MOST_BARS);
    const shown = [...stated, ...groups.filter((group) => !group.value)].map((one) => ({ ...one, name: named(one) }));
    const most = greatest(shown.map((group) => group[count]));
    return Plot.plot({
      ...common(width),
      height: 46 + ROW * shown.length,
      marginLeft: 130,
      marginRight: 60,
      x: { grid: true, label: null, ...marks(most) },
      y: { domain: shown.map((group) => group.name), label: null, tickFormat: short, tickSize: 0 },
      marks: [
        Plot.barX(shown, { x: count, y: "name", fill: "var(--bar)", title, tip: true }),
        Plot.text(shown, { x: count, y: "name", text: (group) => number(group[count]), textAnchor: "start", dx: 4 }),
        Plot.ruleX([0], { stroke: "var(--quiet)" }),
      ],
    });
  }

  const short = (name) => (name.length > 17 ? `${name.slice(0, 16)}\u2026` : name);

  function ages(groups, width) {
    const parts = groups.map((group) => ({ ...group, name: group.value || "none", part: SEXES.get(group.sex) ?? "none" }));
    const names = [...new Set(parts.map((part) => part.name))];
    const sums = names.map((name) => parts.reduce((sum, one) => sum + (one.name === name ? one[count] : 0), 0));
    return Plot.plot({
      ...common(width),
      height: 260,
      marginLeft: 60,
      x: { domain: names, label: null, tickSize: 0, padding: 0.15 },
      y: { grid: true, label: null, ...marks(greatest(sums)) },
      color: { domain: [...SEXES.values()], range: ["var(--female)", "var(--male)", "var(--other)", "var(--none)"] },
      marks: [
        Plot.barY(parts, {
          x: "name",
          y: count,
          fill: "part",
          order: [...SEXES.values()],
          title: (part) => title(part, `${part.name}, sex ${part.sex || "not stated"}`),
          tip: true,
        }),
        Plot.ruleY([0], { stroke: "var(--quiet)" }),
      ],
    });
  }

  function prevalence(findings, width) {
    const says = (one) =>
      `${one.label}: ${percent(one.share)}\n${number(one.reached)} of ${number(one.images)} images at or above ` +
      `${threshold(one)}\n95 % interval ${percent(one.low)} to ${percent(one.high)}`;
    return Plot.plot({
      ...common(width),
      height: 46 + ROW * findings.length,
      marginLeft: 190,
      marginRight: 110,
      x: { domain: [0, Math.max(...findings.map((one) => one.high))], grid: true, label: null, tickFormat: "%", ticks: 5 },
      y: { domain: findings.map((one) => one.label), label: null, tickSize: 0 },
      marks: [
        Plot.barX(findings, { x: "share", y: "label", fill: "var(--bar)", title: says, tip: true }),
        Plot.ruleY(findings, { x1: "low", x2: "high", y: "label", stroke: "var(--ink)", strokeWidth: 1.2 }),
        Plot.text(findings, {
          x: "high",
          y: "label",
          text: (one) => `${number(one.reached)} of ${number(one.images)}`,
          textAnchor: "start",
          dx: 5,
        }),
        Plot.ruleX([0], { stroke: "var(--quiet)" }),
      ],
    });
  }

  const threshold = (one) =>
    one.lowestThreshold === one.highestThreshold
      ? one.lowestThreshold.toFixed(2)
      : `${one.lowestThreshold.toFixed(2)} to ${one.highestThreshold.toFixed(2)}`;

  function scores(one, width) {
    const bins = one.histogram.map((images, bin) => ({ images, from: data.scoreEdges[bin], to: data.scoreEdges[bin + 1] }));
    return Plot.plot({
      ...common(width),
      height: 130,
      marginLeft: 46,
      marginTop: 8,
      x: { domain: [0, 1], label: null, ticks: [0, 0.5, 1], tickFormat: String },
      y: { grid: true, label: null, ...marks(Math.min(3, greatest(one.histogram))) },
      marks: [
        Plot.rectY(bins, {
          x1: "from",
          x2: "to",
          y: "images",
          fill: "var(--bar)",
          insetLeft: 0.5,
          insetRight: 0.5,
          title: (bin) => `${bin.from.toFixed(2)} to ${bin.to.toFixed(2)}: ${number(bin.images)} images`,
          tip: true,
        }),
        Plot.ruleY([0], { stroke: "var(--quiet)" }),
        Plot.ruleX([...new Set([one.lowestThreshold, one.highestThreshold])], { stroke: "var(--mark)", strokeWidth: 1.5 }),
      ],
    });
  }

  const of = (model) => data.findings.filter((one) => one.model === model);
  const DRAW = {
    time: (width) => over(data.time, width),
    modalities: (width) => bars(data.modalities, width),
    bodyParts: (width) => bars(data.bodyParts, width),
    sexes: (width) => bars(data.sexes, width),
    ages: (width) => ages(data.ages, width),
    prevalence: (width, box) => prevalence(of(box.dataset.model), width),
    scores: (width, box) => scores(data.findings[Number(box.dataset.finding)], width),
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

  const boxes = [...document.querySelectorAll("[data-chart]")];
  boxes.forEach(draw);
  // The numbers are a click away; without a script they would stand there at once.
  for (const table of document.querySelectorAll("figure details")) table.open = false;
  const observer = new ResizeObserver((entries) => entries.forEach((entry) => draw(entry.target)));
  boxes.forEach((box) => observer.observe(box));
  document.documentElement.dataset.drawn = String(boxes.length);
})();
