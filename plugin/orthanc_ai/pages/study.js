/**
 * Brings /ai/studies/{id} to life: heat maps over the image, keys, statements of a reader, requests, and what is new.
 *
 * The server writes the page; when something is new, its main part is fetched and put in place of the old one. Texts go
 * into attributes and text nodes only.
 */
"use strict";

(() => {
  const SOON_MS = 1_500;
  const LATER_MS = 5_000;
  // What waits for longer than that, waits for somebody or for good.
  const PATIENCE_MS = 60_000;
  const LONGEST_SIDE = 768;

  const main = () => document.querySelector("main");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const numbers = (text) => (text || "").split(" ").filter(Boolean).map(Number);

  /** Says something to everybody: to be seen, and to be read aloud. */
  function say(words) {
    document.getElementById("said").textContent = words;
  }

  // ---- Heat maps

  /** The colours of the legend as [red, green, blue, alpha], 0 to 255. */
  const ramp = getComputedStyle(document.documentElement)
    .getPropertyValue("--ramp")
    .split(",")
    .map((text) => [1, 3, 5, 7].map((place) => parseInt(text.trim().slice(place, place + 2), 16)));

  /** 256 colours between those of the legend. */
  const COLOURS = (() => {
    const made = new Uint8ClampedArray(4 * 256);
    for (let value = 0; value < 256; value += 1) {
      const place = (value / 255) * (ramp.length - 1);
      const first = Math.min(Math.floor(place), ramp.length - 2);
      for (let part = 0; part < 4; part += 1) {
        made[4 * value + part] = ramp[first][part] + (place - first) * (ramp[first + 1][part] - ramp[first][part]);
      }
    }
    return made;
  })();

  /** For each of `count` pixels across `length` pixels of the image: the cells on either side, and how far it is from the first. */
  function places(count, length, start, extent, side) {
    const made = [];
    for (let pixel = 0; pixel < count; pixel += 1) {
      const share = (((pixel + 0.5) / count) * length - start) / extent;
      if (share < 0 || share >= 1) {
        made.push(null);
        continue;
      }
      // The value of a cell is that of its middle; beyond the outermost middles it stays.
      const place = Math.min(Math.max(share * side - 0.5, 0), side - 1);
      const first = Math.min(Math.floor(place), Math.max(side - 2, 0));
      made.push([first, Math.min(first + 1, side - 1), place - first]);
    }
    return made;
  }

  /** Draws a finding's map into a canvas that covers the whole image. */
  function draw(canvas, article, item) {
    const [left, top, width, height] = numbers(article.dataset.box);
    const [rows, columns] = numbers(article.dataset.size);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(rows, columns));
    canvas.width = Math.max(1, Math.round(columns * scale));
    canvas.height = Math.max(1, Math.round(rows * scale));
    const side = Number(item.dataset.side);
    const cells = Uint8Array.from(atob(item.dataset.values), (one) => one.charCodeAt(0));
    const across = places(canvas.width, columns, left, width, side);
    const down = places(canvas.height, rows, top, height, side);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    down.forEach((row, y) => {
      if (!row) return;
      const upper = row[0] * side;
      const lower = row[1] * side;
      across.forEach((column, x) => {
        if (!column) return;
        const above = cells[upper + column[0]] * (1 - column[2]) + cells[upper + column[1]] * column[2];
        const below = cells[lower + column[0]] * (1 - column[2]) + cells[lower + column[1]] * column[2];
        const colour = 4 * Math.round(above * (1 - row[2]) + below * row[2]);
        image.data.set(COLOURS.subarray(colour, colour + 4), 4 * (y * canvas.width + x));
      });
    });
    context.putImageData(image, 0, 0);
    // Beyond it, the model has seen nothing.
    context.setLineDash([4, 4]);
    context.strokeStyle = "#fff9";
    context.strokeRect(left * scale, top * scale, width * scale, height * scale);
  }

  /** What stays shown when nothing is pointed at: label by image. */
  const kept = new Map();

  function item(article, label) {
    return all(".findings li", article).find((one) => one.dataset.label === label);
  }

  /** Shows the map of a finding over the image, or none. */
  function show(article, label) {
    const canvas = article.querySelector("canvas.heat");
    const shown = article.querySelector(".shown");
    const found = label === undefined ? undefined : item(article, label);
    for (const one of all(".findings li", article)) one.classList.toggle("current", one === found);
    if (!shown || (canvas.dataset.label || "") === (found ? label : "")) return;
    canvas.dataset.label = found ? label : "";
    const words = found && `${found.dataset.words}, ${found.dataset.score}\u00a0%`;
    if (found && found.dataset.values && article.dataset.box) {
      draw(canvas, article, found);
      shown.textContent = `Heat map: ${words}. Its strongest place is ${found.dataset.place.replace(/^the/, "in the")}.`;
      return;
    }
    canvas.width = canvas.width; // empties it
    if (!found) {
      shown.textContent = shown.dataset.rest;
    } else if (found.dataset.values) {
      shown.textContent = `${words}. What part of the image its map covers is not known, so it is not drawn.`;
    } else {
      shown.textContent = found.classList.contains("above")
        ? `${words}. There is no map of it: no place in the image speaks for it.`
        : `${words}, below its threshold: no heat map.`;
    }
  }

  function rest(article) {
    show(article, kept.get(article.dataset.image));
  }

  function keep(article, label) {
    const before = kept.get(article.dataset.image);
    if (before === label) kept.delete(article.dataset.image);
    else kept.set(article.dataset.image, label);
    mark(article);
    show(article, label);
  }

  function mark(article) {
    const label = kept.get(article.dataset.image);
    for (const one of all(".findings li", article)) {
      const is = one.dataset.label === label;
      one.classList.toggle("kept", is);
      const button = one.querySelector(".name[aria-pressed]");
      if (button) button.setAttribute("aria-pressed", String(is));
    }
  }

  /** For paper: the image with the map of its strongest finding. */
  function drawStrongest(article) {
    const figure = article.querySelector("figure.strongest");
    const picture = article.querySelector(".film img");
    const found = figure && item(article, figure.dataset.label);
    if (!found || !picture.naturalWidth) return;
    const canvas = figure.querySelector("canvas");
    const map = document.createElement("canvas");
    draw(map, article, found);
    canvas.width = map.width;
    canvas.height = map.height;
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, map.width, map.height);
    context.drawImage(map, 0, 0);
  }

  // ---- Keys

  const STEPS = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);
  const ASIDE = new Map([["ArrowRight", 1], ["ArrowLeft", -1]]);
  const controls = (row) => all("button", row).filter((one) => !one.closest("[hidden]"));

  /** One row of a list can be reached by Tab, arrows go to the others. */
  function enter(list, row) {
    for (const one of list.children) for (const control of all("button", one)) control.tabIndex = one === row ? 0 : -1;
  }

  function move(event) {
    const row = event.target.closest("li");
    const list = row.parentElement;
    const rows = [...list.children];
    const column = controls(row).indexOf(event.target);
    let target;
    if (STEPS.has(event.key)) target = rows[rows.indexOf(row) + STEPS.get(event.key)];
    else if (event.key === "Home") target = rows[0];
    else if (event.key === "End") target = rows.at(-1);
    else if (ASIDE.has(event.key)) {
      controls(row)[column + ASIDE.get(event.key)]?.focus();
      event.preventDefault();
      return;
    } else return;
    event.preventDefault();
    if (target) (controls(target)[column] || controls(target)[0]).focus();
  }

  // ---- What a reader states

  /** Statements that are not stored: image, then label, then whether it is there. */
  const drafts = new Map();
  const bar = document.getElementById("statements");
  const reader = document.getElementById("reader");
  const comment = document.getElementById("comment");
  const name = () => reader && (reader.dataset.login || reader.value.trim());

  function state(image, label, present) {
    const of = drafts.get(image) || new Map();
    of.key = `page-${Date.now()}-${Math.random().toString(36).slice(2)}`;
    if (of.get(label) === present) of.delete(label);
    else of.set(label, present);
    if (of.size) drafts.set(image, of);
    else drafts.delete(image);
    showDrafts();
  }

  function showDrafts() {
    let count = 0;
    for (const article of all("article.image")) {
      const of = drafts.get(article.dataset.image);
      count += of ? of.size : 0;
      for (const button of all(".statement button", article)) {
        const row = button.closest("li");
        const before = all(".said", row).find((one) => one.dataset.reader === name());
        const stated = of && of.has(row.dataset.label) ? String(of.get(row.dataset.label)) : before?.dataset.present;
        button.setAttribute("aria-pressed", String(stated === button.dataset.present));
      }
    }
    if (!bar) return; // who may state nothing has no buttons for it
    document.getElementById("statements-count").textContent = String(count);
    bar.hidden = !count;
  }

  async function store() {
    if (!name()) {
      say("Your name is missing: it is stored with what you state.");
      reader.focus();
      return;
    }
    if (!reader.dataset.login) sessionStorage.setItem("reader", name());
    for (const [image, of] of [...drafts]) {
      const findings = [...of].map(([finding, present]) => ({ finding, present }));
      // Sent twice under one key, it is one statement.
      const body = { reader: name(), findings, comment: comment.value.trim(), key: of.key };
      if (!(await post(`/ai/instances/${image}/corrections`, "Stored, as a report of your own beside that of the model.", body))) return;
      drafts.delete(image);
    }
    comment.value = "";
    showDrafts();
    main().focus();
    check();
  }

  // ---- Requests

  /** Sends a request; whether it was taken. What comes of it is said. */
  async function post(path, done, body = {}) {
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      if (answer.ok) {
        say(done);
        return true;
      }
      const problem = await answer.json().catch(() => ({}));
      say(problem.code ? `${problem.detail} (${problem.code})` : `The server answers ${answer.status} ${answer.statusText}.`);
    } catch {
      say("The server cannot be reached.");
    }
    return false;
  }

  async function press(button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    changed = Date.now();
    if (await post(button.dataset.post, button.dataset.done)) check();
    button.removeAttribute("aria-disabled");
  }

  // ---- What is new

  let timer;
  let troubled = false;
  let changed = Date.now();

  function later() {
    clearTimeout(timer);
    const soon = main().dataset.settled !== "true" && Date.now() - changed < PATIENCE_MS;
    if (!document.hidden) timer = setTimeout(check, soon ? SOON_MS : LATER_MS);
  }

  async function check() {
    clearTimeout(timer);
    try {
      const answer = await fetch(`${main().dataset.path}/state`);
      if (answer.status === 404) {
        say("This study is no longer in the archive.");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      if (troubled) say("");
      troubled = false;
      const found = await answer.json();
      if (found.state !== main().dataset.state) {
        changed = Date.now();
        await renew();
      } else main().dataset.settled = String(found.settled);
    } catch {
      troubled = true;
      say("The server cannot be asked whether there is anything new; it is tried again.");
    }
    later();
  }

  /** The page as it is now. A document made so runs no scripts. */
  function fetched() {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("GET", `${main().dataset.path}?format=html`);
      request.responseType = "document";
      request.onload = () => (request.response?.querySelector("main") ? resolve(request.response) : reject(new Error("no page")));
      request.onerror = reject;
      request.send();
    });
  }

  async function renew() {
    const fresh = document.importNode((await fetched()).querySelector("main"), true);
    const old = main();
    const reported = (within) => new Set(all("article.image.reported", within).map((one) => one.id));
    const before = reported(old);
    const arrived = [...reported(fresh)].filter((one) => !before.has(one)).length;
    const focused = document.activeElement?.id;
    // Pictures stay as they are, and what is open stays open.
    const pictures = new Map(all(".film img", old).map((one) => [one.getAttribute("src"), one]));
    for (const one of all(".film img", fresh)) {
      const same = pictures.get(one.getAttribute("src"));
      if (!same) continue;
      for (const part of ["width", "height", "alt"]) {
        if (one.hasAttribute(part)) same.setAttribute(part, one.getAttribute(part));
      }
      one.replaceWith(same);
    }
    for (const one of all("details[open]", old)) {
      const same = one.id && fresh.querySelector(`#${CSS.escape(one.id)}`);
      if (same) same.open = true;
    }
    old.replaceWith(fresh);
    begin();
    if (focused) document.getElementById(focused)?.focus();
    if (arrived) say(arrived === 1 ? "A new result has arrived." : `${arrived} new results have arrived.`);
    else if (all("[data-overlay]", fresh).length > all("[data-overlay]", old).length) say("They are written: the links to OHIF lead there.");
    document.documentElement.dataset.renewed = String(Number(document.documentElement.dataset.renewed || 0) + 1);
  }

  /** Gives life to what the server has written. */
  function begin() {
    for (const article of all("article.image")) {
      for (const one of all(".statement, .keys, button[data-post]", article)) one.hidden = false;
      const list = article.querySelector(".findings");
      if (list) enter(list, list.firstElementChild);
      const picture = article.querySelector(".film img");
      if (picture.complete) drawStrongest(article);
      picture.addEventListener("load", () => drawStrongest(article));
      mark(article);
      rest(article);
      const shown = article.querySelector(".shown");
      if (shown && !kept.has(article.dataset.image)) shown.textContent = shown.dataset.rest;
    }
    showDrafts();
  }

  const row = (event) => event.target.closest?.(".findings li");

  document.addEventListener("focusin", (event) => {
    const found = row(event);
    if (!found) return;
    enter(found.parentElement, found);
    show(found.closest("article"), found.dataset.label);
  });
  document.addEventListener("focusout", (event) => {
    const found = row(event);
    if (found && event.relatedTarget?.closest?.(".findings") !== found.parentElement) rest(found.closest("article"));
  });
  document.addEventListener("mouseover", (event) => {
    const found = row(event);
    if (found) show(found.closest("article"), found.dataset.label);
  });
  document.addEventListener("mouseout", (event) => {
    const found = row(event);
    if (!found || found.contains(event.relatedTarget)) return;
    const focused = document.activeElement?.closest?.(".findings li");
    if (focused && focused.closest("article") === found.closest("article")) show(found.closest("article"), focused.dataset.label);
    else rest(found.closest("article"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.(".findings button") && !event.altKey && !event.ctrlKey && !event.metaKey) move(event);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    const found = row(event);
    if (!button) return;
    if (button.dataset.post) press(button);
    else if (button.id === "store") store();
    else if (button.id === "discard") {
      drafts.clear();
      showDrafts();
    } else if (found && button.dataset.present) {
      state(found.closest("article").dataset.image, found.dataset.label, button.dataset.present === "true");
    } else if (found && button.matches(".name[aria-pressed]")) keep(found.closest("article"), found.dataset.label);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : check()));
  window.addEventListener("beforeunload", (event) => {
    if (drafts.size) event.preventDefault();
  });

  if (reader && !reader.dataset.login) reader.value = sessionStorage.getItem("reader") || "";
  begin();
  later();
})();
