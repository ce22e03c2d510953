// Asks the page: filters, search, the cells of the matrices, keys, and addresses of what is shown.
// Texts of anybody's become text nodes only. Without this script the page is complete.
"use strict";
(() => {
  const of = (id) => document.getElementById(id);
  const holder = of("questions-data");
  if (!holder) return;
  const data = JSON.parse(holder.textContent);
  const table = of("listed"), body = table.tBodies[0], section = of("questions");
  const AT_ONCE = 50, STANDS = 1, DISSENTS = 2, SILENT = 4;
  const SHOWN = data.shows, COLUMNS = data.columns, compares = COLUMNS.some(([name]) => name === "cost");
  const BANDS = { low: [0, 100], middle: [100, 300], high: [300, 1001] };
  const words = (name) => name.replaceAll("_", " ");
  const number = (value) => value.toLocaleString("en-US");
  const percent = (part) => (part < 100 || part > 990 ? part / 10 : Math.round(part / 10)) + "%";
  const make = (tag, given = {}, ...inside) => {
    const one = Object.assign(document.createElement(tag), given);
    one.append(...inside);
    return one;
  };

  const answer = (told) => (typeof told === "number" ? data.texts[told] : told.join(""));
  const rows = data.rows.map((row, place) => {
    const [folder, name, task, family, standing, severity, risk, kinds, said, disputes, differences, change] = row;
    return {
      place, severity, risk, change,
      path: data.folders[folder] + name,
      task: data.tasks[task], family: data.families[family], standing: data.standings[standing],
      kinds: kinds.map((kind) => data.kinds[kind]),
      said: said.map(([flags, services, told]) => ({ flags, told, services: services.map((one) => data.services[one]) })),
      disputes: disputes.map((pair) => data.pairs[pair].join("|")),
      differences: differences.map((pair) => data.pairs[pair].join("|")),
    };
  });
  const text = (row) => row.text ??= [row.path, ...row.said.map((one) => answer(one.told)), ...row.said.flatMap((one) => one.services), ...row.kinds.map(words), row.standing].join("\n").toLowerCase();

  // what is asked for: the part of the address behind #, as name=value pairs
  const NAMES = ["text", "show", "task", "pair", "kind", "family", "risk", "one", "other", "item"];
  let asked = {}, found = [], drawn = 0;
  const read = () => {
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) return null;
    const given = new URLSearchParams(hash);
    return Object.fromEntries(NAMES.filter((name) => given.get(name)).map((name) => [name, given.get(name)]));
  };
  const address = (query) => "#" + new URLSearchParams(NAMES.filter((name) => query[name]).map((name) => [name, query[name]]));
  const without = (query, ...names) => Object.fromEntries(Object.entries(query).filter(([name]) => !names.includes(name)));

  const said = (row, service) => row.said.find((one) => !(one.flags & SILENT) && one.services.includes(service));
  const isSaid = (row, service, wanted) => { const one = said(row, service); return one !== undefined && answer(one.told) === wanted; };
  const fitting = (query) => {
    const tests = [];
    const { pair, show } = query;
    const sides = pair ? pair.split("|") : [];
    if (query.task) tests.push((row) => row.task === query.task);
    if (query.family) tests.push((row) => row.family === query.family);
    if (query.kind) tests.push((row) => row.kinds.includes(query.kind));
    if (query.risk === "unknown") tests.push((row) => row.risk < 0);
    else if (BANDS[query.risk]) tests.push((row) => row.risk >= BANDS[query.risk][0] && row.risk < BANDS[query.risk][1]);
    if (show === "disputed") tests.push((row) => (pair ? row.disputes.includes(pair) : row.disputes.length > 0));
    if (show === "differ") tests.push((row) => (pair ? row.disputes.includes(pair) || row.differences.includes(pair) : row.disputes.length + row.differences.length > 0));
    if (show === "unanswered") tests.push((row) => ["failed", "deferred", "unanswered"].includes(row.standing));
    if (["changed", "same", "before", "after"].includes(show)) tests.push((row) => row.standing === show);
    if (show === "dearer") tests.push((row) => row.change && row.change[0] >= 0 && row.change[1] > row.change[0]);
    if (show === "slower") tests.push((row) => row.change && row.change[2] >= 0 && row.change[3] > row.change[2]);
    if (show === "riskier") tests.push((row) => row.change && row.change[4] >= 0 && row.change[5] > row.change[4]);
    if (pair && query.one) tests.push((row) => isSaid(row, sides[0], query.one));
    if (pair && query.other) tests.push((row) => isSaid(row, sides[1], query.other));
    if (pair) tests.push((row) => sides.every((one) => said(row, one)));
    for (const word of (query.text || "").toLowerCase().split(/\s+/).filter(Boolean)) tests.push((row) => text(row).includes(word));
    return rows.filter((row) => tests.every((test) => test(row)));
  };

  const pieces = (told) => {
    if (typeof told === "number") return [data.texts[told]];
    return told.map((piece, place) => (place % 2 ? make("mark", {}, piece) : piece)).filter((piece) => piece !== "");
  };
  const reading = (one) => {
    const kind = (one.flags & STANDS ? " stands" : "") + (one.flags & DISSENTS ? " against" : "") + (one.flags & SILENT ? " silent" : "");
    const many = one.services.length > 1 && !compares ? one.services.length + " services: " : "";
    return make("li", { className: "reading" + kind },
      make("span", { className: "says" }, make("bdi", {}, ...pieces(one.told))), " ",
      make("small", {}, many + one.services.join(", ") + (one.flags & STANDS ? "; stands" : "")));
  };
  const how = (row) => row.kinds.map(words).join(", ") || (row.standing === "agreed" || row.standing === "same" ? "" : words(row.standing));
  const usd = (value) => (value ? "$" + Number(value.toPrecision(2)) : "$0");
  const ms = (value) => (value < 1000 ? Number(value.toPrecision(2)) + " ms" : Number((value / 1000).toPrecision(3)) + " s");
  const moved = (before, after, write, known = () => true) => {
    if (!known(before) && !known(after)) return "";
    const parts = [before, after].map((one) => (known(one) ? write(one) : "unknown"));
    return parts[0] === parts[1] ? parts[0] : parts.join(" → ");
  };
  const cells = {
    task: (row) => words(row.task),
    family: (row) => words(row.family),
    said: (row) => make("ul", { className: "readings" }, ...row.said.map(reading)),
    kinds: how,
    severity: (row) => (row.severity ? (row.severity / 100).toFixed(2) : ""),
    risk: (row) => (row.change ? moved(row.change[4], row.change[5], percent, (one) => one >= 0) : row.risk < 0 ? "" : percent(row.risk)),
    cost: (row) => moved(row.change[0], row.change[1], usd, (one) => one >= 0),
    time: (row) => moved(row.change[2], row.change[3], ms, (one) => one >= 0),
  };
  const NUMBERS = ["severity", "risk", "cost", "time"];
  const is = (row) => row.path === asked.item && (!asked.task || row.task === asked.task);
  const draw = (row) => {
    const query = { item: row.path, task: row.task };
    const link = make("a", { href: address(query), className: "path" }, make("bdi", {}, row.path));
    const line = make("tr", {}, make("th", { scope: "row" }, link));
    for (const [name] of COLUMNS) line.append(make("td", { className: "c-" + name + (NUMBERS.includes(name) ? " num" : "") }, cells[name](row)));
    line.dataset.place = row.place;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      if (line.classList.contains("open")) close();
      else open(line, true);
    });
    return line;
  };
  const details = (row) => {
    const name = "'" + row.path.replaceAll("'", "'\\''") + "'";
    return make("div", { className: "about-one" },
      make("p", {}, "Everything that is known of it: ", make("code", { className: "sql" }, "orchestrate explain " + name)),
      make("p", { className: "rest" }, make("a", { href: address({ item: row.path, task: row.task }) }, "Address of this question"), " to keep or to send, with this file."));
  };
  // as a state of the history; a page without an origin of its own may only go to its anchors
  const visit = (hash, keep) => {
    try {
      history[keep ? "pushState" : "replaceState"](null, "", hash);
    } catch {
      location.replace(hash);
    }
  };
  const close = () => {
    for (const line of body.querySelectorAll("tr.open")) {
      line.classList.remove("open");
      line.querySelector("th .about-one").remove();
      line.querySelector("a").setAttribute("aria-expanded", "false");
    }
  };
  const open = (line, moves) => {
    close();
    line.classList.add("open");
    line.querySelector("th").append(details(rows[line.dataset.place]));
    const link = line.querySelector("a");
    link.setAttribute("aria-expanded", "true");
    if (moves) visit(link.getAttribute("href"), false);
  };
  const more = () => {
    body.append(...found.slice(drawn, drawn + AT_ONCE).map(draw));
    drawn = Math.min(found.length, drawn + AT_ONCE);
    of("ask-more").hidden = drawn >= found.length;
    of("ask-more").textContent = "Show " + number(Math.min(AT_ONCE, found.length - drawn)) + " more of " + number(found.length - drawn);
  };
  const show = () => {
    found = fitting(asked.item ? without(asked, "item", "task") : asked);
    body.replaceChildren();
    drawn = 0;
    const exact = [];
    if (asked.pair && (asked.one || asked.other)) exact.push(asked.pair.split("|").map((name, side) => name + " says " + (asked[side ? "other" : "one"] || "anything")).join(", "));
    of("ask-found").textContent = number(found.length) + (found.length === 1 ? " question" : " questions") + " of " + number(rows.length) + (rows.length < data.total ? " in this file, " + number(data.total) + " in all" : "") + (exact.length ? "; " + exact.join("; ") : "") + ".";
    const wanted = asked.item ? found.find(is) : undefined;
    if (wanted) found = [wanted, ...found.filter((row) => row !== wanted)];
    more();
    if (asked.item && !wanted) of("ask-found").textContent = "This file does not hold that question: orchestrate explain tells of it. " + of("ask-found").textContent;
    if (wanted) {
      open(body.rows[0], false);
      section.scrollIntoView();
      body.querySelector("a").focus({ preventScroll: true });
    }
    for (const name of FILTERS) of("ask-" + name).value = name === "task" && asked.item ? "" : asked[name] || "";
  };
  const ask = (query, keep) => {
    asked = query;
    const hash = address(query);
    visit(hash === "#" ? "#questions" : hash, keep);
    show();
  };

  // the controls
  const FILTERS = ["text", "show", "task", "pair", "kind", "family", "risk"].filter((name) => of("ask-" + name));
  const lists = {
    show: SHOWN,
    task: data.tasks.map((one) => [one, words(one)]),
    pair: data.pairs.map((one) => [one.join("|"), one.join(" and ")]).sort((a, b) => (a[1] < b[1] ? -1 : 1)),
    kind: data.kinds.map((one) => [one, words(one)]),
    family: data.families.map((one) => [one, words(one)]),
    risk: [["low", "under 10%"], ["middle", "10% to 30%"], ["high", "30% and more"], ["unknown", "none known"]],
  };
  for (const name of FILTERS) {
    const control = of("ask-" + name);
    if (lists[name]) {
      control.append(make("option", { value: "" }, "any"), ...lists[name].map(([value, label]) => make("option", { value }, label)));
      if (!lists[name].length) control.closest("label").hidden = true;
    }
    control.addEventListener(lists[name] ? "change" : "input", () => {
      const other = name === "pair" || name === "task" ? ["one", "other"] : [];
      ask({ ...without(asked, name, "item", ...(asked.item ? ["task"] : []), ...other), ...(control.value ? { [name]: control.value } : {}) });
    });
  }
  for (const [name, label] of COLUMNS) {
    const box = make("input", { type: "checkbox", checked: true });
    box.dataset.column = name;
    box.addEventListener("change", () => table.classList.toggle("no-" + name, !box.checked));
    of("ask-columns").append(make("label", {}, box, " " + label));
  }
  of("ask-clear").addEventListener("click", () => ask({}));
  of("ask-more").addEventListener("click", more);

  // a cell of a matrix lists what it counts
  for (const cell of document.querySelectorAll("[data-ask-pair]")) {
    const { askTask: task, askPair: pair, askShow: shows, askFamily: family, askOne: one, askOther: other } = cell.dataset;
    const query = { task, pair, show: shows, family, one, other };
    const label = "List these items: " + words(task) + ", " + pair.split("|").join(" and ");
    const button = make("button", { type: "button", className: "cell-button", title: label });
    button.append(...cell.childNodes);
    button.addEventListener("click", () => {
      ask(Object.fromEntries(Object.entries(query).filter(([, value]) => value)), true);
      section.scrollIntoView();
      of("ask-found").focus({ preventScroll: true });
    });
    cell.append(button);
    cell.classList.add("asks");
  }

  // keys
  const move = (step) => {
    const all = [...body.rows], at = document.activeElement;
    let place = all.findIndex((line) => line.contains(at));
    if (place < 0 && step < 0) return;
    if (place + step >= all.length) more();
    const line = body.rows[Math.max(0, Math.min(body.rows.length - 1, place + step))];
    if (!line) return;
    line.querySelector("a").focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = document.activeElement, typing = at.matches("input[type=search], select, textarea");
    if (event.key === "Escape") { if (typing) at.blur(); else close(); return; }
    if (typing) return;
    if (event.key === "/") { of("ask-text").focus(); event.preventDefault(); }
    if (event.key === "j") { move(1); event.preventDefault(); }
    if (event.key === "k") { move(-1); event.preventDefault(); }
  });
  const follow = () => {
    const query = read();
    if (query) { asked = query; show(); }
  };
  window.addEventListener("hashchange", follow);
  window.addEventListener("popstate", follow);

  for (const id of ["ask", "ask-found", "ask-keys"]) of(id).hidden = false;
  of("ask-found").tabIndex = -1;
  of("listed-note").hidden = true;
  asked = read() || {};
  show();
  if (read() && !asked.item) section.scrollIntoView();
})();
