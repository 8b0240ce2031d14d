// The explorer: thresholds and prevalence are moved, and counts, rates, people and plots follow.
// Every rate comes from two whole numbers that the analysis counted (true and false positives at a threshold); the
// script only divides them and weighs them by the prevalence. Names from the input are set as text, never as HTML.
(() => {
  "use strict";
  const source = document.getElementById("explorer-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const id = (name) => document.getElementById(`explorer-${name}`);
  const all = (selector) => [...app.querySelectorAll(selector)];
  const app = id("app"), section = document.getElementById("explorer");
  const readers = data.readers, PEOPLE = data.people;

  // ---- numbers as the rest of the page writes them (report/numbers.py) ----
  const DASH = "–", SPACE = "\u00a0";
  const decimal = (value, digits) => {
    if (!Number.isFinite(value)) return DASH;
    const [whole, part] = Math.abs(value).toFixed(digits).split(".");
    const text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
    return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
  };
  const count = (value) => decimal(value, 0);
  const rate = (value) => decimal(value, 3);
  const percent = (value) => `${decimal(100 * value, 1)}${SPACE}%`;
  const significant = (value, digits) =>
    value === 0 ? "0" : decimal(value, Math.min(6, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))))));
  const ratio = (value) => significant(value, 3);
  const people = (value) => decimal(value, Math.abs(value) < 1 ? 2 : 1);
  const share = (value) => `${String(Number((100 * value).toPrecision(3)))}${SPACE}%`; // a prevalence may be far below 0.1 %

  // ---- the data: steps become counts, and thresholds rise with their place ----
  const summed = (steps) => { let sum = 0; return steps.map((step) => (sum += step)).reverse(); };
  const unpacked = (curve, finding) => {
    const points = { threshold: [...curve.threshold].reverse(), tp: summed(curve.tp), fp: summed(curve.fp) };
    const last = points.threshold.length - 1;
    const counts = (tp, fp) => ({ tp, fp, fn: finding.positive - tp, tn: finding.negative - fp });
    const at = (place) => ({ ...counts(points.tp[place], points.fp[place]), thresholds: [points.threshold[place]] });
    const sum = (column) => curve.own.reduce((total, row) => total + row[column], 0);
    // The report's own operating point: the sum over folds, each counted at its own threshold on its own patients.
    const own = curve.own.length
      ? { tp: sum(1), fp: sum(2), fn: sum(3), tn: sum(4), thresholds: curve.own.map((row) => row[0]) }
      : null;
    const whole = own && own.tp + own.fn === finding.positive && own.fp + own.tn === finding.negative;
    return { ...points, last, at, own: whole ? own : null, ill: curve.ill, healthy: curve.healthy };
  };
  const known = new Map(); // a finding is unpacked when it is first looked at
  const curvesOf = (place) => {
    const finding = data.findings[place];
    if (!known.has(place)) known.set(place, finding.readers.map((curve) => unpacked(curve, finding)));
    return known.get(place);
  };
  const nearest = (curve, threshold) => {
    let best = 0;
    curve.threshold.forEach((value, place) => {
      if (Math.abs(value - threshold) < Math.abs(curve.threshold[best] - threshold)) best = place;
    });
    return best;
  };

  // ---- the state: what the address holds ----
  // `at` is the place of each reader's threshold, null at the report's own; `prevalence` is null for the cohort's.
  const initial = () => ({ finding: 0, prevalence: null, at: readers.map(() => null), held: 0 });
  let state = initial(), message = "";
  const finding = () => data.findings[state.finding];
  const curves = () => curvesOf(state.finding);
  const cohort = (of = finding()) => of.positive / (of.positive + of.negative);
  const prevalence = () => state.prevalence ?? cohort();
  const isOwn = (r) => state.at[r] === null && curves()[r].own !== null;
  const middle = (curve) => Math.round(curve.last / 2); // where the report has no threshold, no choice is made for it
  const counted = (r) => (isOwn(r) ? curves()[r].own : curves()[r].at(place(r)));
  const place = (r) => {
    const curve = curves()[r];
    if (state.at[r] !== null) return state.at[r];
    if (curve.own === null) return middle(curve);
    const { thresholds } = curve.own;
    return nearest(curve, thresholds.reduce((sum, value) => sum + value, 0) / thresholds.length);
  };

  // ---- what holds there ----
  const over = (part, whole) => (whole ? part / whole : NaN);
  const measured = (c, p) => {
    const positive = c.tp + c.fn, negative = c.fp + c.tn;
    const sensitivity = over(c.tp, positive), specificity = over(c.tn, negative);
    const ill = PEOPLE * p, healthy = PEOPLE * (1 - p);
    const found = ill * sensitivity, referred = healthy * over(c.fp, negative);
    const missed = ill * over(c.fn, positive), spared = healthy * specificity;
    const corrected = c.tp * c.fp * c.fn * c.tn === 0, half = corrected ? 0.5 : 0;
    return {
      found, missed, referred, spared, sensitivity, specificity, corrected,
      ppv: over(found, found + referred),
      npv: over(spared, spared + missed),
      lr_positive: over(c.tp * negative, c.fp * positive),
      lr_negative: over(c.fn * negative, c.tn * positive),
      dor: ((c.tp + half) * (c.tn + half)) / ((c.fp + half) * (c.fn + half)),
    };
  };
  const WRITTEN = {
    found: people, missed: people, referred: people, spared: people,
    sensitivity: rate, specificity: rate, ppv: rate, npv: rate, lr_positive: ratio, lr_negative: ratio, dor: ratio,
    tp: count, fp: count, fn: count, tn: count,
  };

  // ---- drawing: frames once for each finding, marks and lines at every move ----
  const NS = app.querySelector("svg").namespaceURI; // of the marks in the template: the page holds no address
  const svg = (name, attributes = {}, ...children) => {
    const element = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const text = (words, x, y, attributes = {}) => svg("text", { x, y, fill: "var(--ink)", "font-size": 11, ...attributes }, words);
  const line = (x1, y1, x2, y2, attributes = {}) => svg("line", { x1, y1, x2, y2, stroke: "var(--axis)", ...attributes });
  const SIDE = 190, LEFT = 42, TOP = 24, WIDTH = LEFT + SIDE + 12, DEEP = 92;
  const px = (value) => Math.round(value * 100) / 100;
  const short = (name) => (name.length > 17 ? `${name.slice(0, 16)}…` : name); // as much as fits above a plot
  const drawing = (height, parent) => {
    const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", class: "explorer-plot", "font-size": 11 });
    parent.append(root);
    return root;
  };
  const TICKS = [0, 0.25, 0.5, 0.75, 1];
  const square = (parent, title, across, up) => {
    const root = drawing(TOP + SIDE + 40, parent), plane = svg("g", { transform: `translate(${LEFT},${TOP})` });
    root.append(text(title, LEFT, 14, { "font-weight": "bold", "font-size": 12 }), plane);
    for (const tick of TICKS) {
      const at = tick * SIDE, label = String(tick);
      plane.append(
        line(at, 0, at, SIDE, { stroke: "var(--grid)" }), line(0, at, SIDE, at, { stroke: "var(--grid)" }),
        text(label, at, SIDE + 15, { "text-anchor": "middle" }), text(label, -6, SIDE - at + 4, { "text-anchor": "end" }));
    }
    const named = { "text-anchor": "middle", fill: "var(--muted)" };
    plane.append(
      line(0, SIDE, SIDE, SIDE), line(0, 0, 0, SIDE), text(across, SIDE / 2, SIDE + 32, named),
      text(up, 0, 0, { ...named, transform: `translate(-31,${SIDE / 2}) rotate(-90)` }));
    const guess = line(0, SIDE, SIDE, 0, { "stroke-dasharray": "4 3" });
    plane.append(guess);
    // The first reader is drawn last, over the others, as in the figures.
    const lines = [], marks = [];
    for (let r = readers.length - 1; r >= 0; r--) {
      const { colour, dash, shape } = readers[r];
      lines[r] = svg("path", { fill: "none", stroke: colour, "stroke-width": 1.7, ...(dash && { "stroke-dasharray": dash }) });
      marks[r] = svg("path", { d: shape, fill: colour, stroke: "var(--paper)", "stroke-width": 1.2, "paint-order": "stroke" });
    }
    plane.append(...[...lines].reverse(), ...[...marks].reverse());
    return { root, guess, lines, marks };
  };
  const way = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${px(x * SIDE)},${px((1 - y) * SIDE)}`).join("");
  const moved = (mark, x, y) => {
    mark.toggleAttribute("hidden", !Number.isFinite(x + y));
    if (Number.isFinite(x + y)) mark.setAttribute("transform", `translate(${px(x * SIDE)},${px((1 - y) * SIDE)}) scale(1.35)`);
  };

  const { start, width: step } = data.bins;
  const logit = (score) => Math.log(score / (1 - score));
  const SCORES = [0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999];
  const bars = (parent, r) => {
    const root = drawing(TOP + 2 * DEEP / 2 + 40, parent);
    const name = text("", LEFT, 14, { "font-weight": "bold", "font-size": 12 });
    const plane = svg("g", { transform: `translate(${LEFT},${TOP})` }), axis = svg("g");
    const { colour } = readers[r];
    const pair = (opacity) => [svg("path", { fill: colour, opacity }), svg("path", { fill: "var(--muted)", opacity })];
    const pale = pair(0.28), dark = pair(1);
    // What is called lies right of the threshold: a second, dark copy of the bars in a window that begins there.
    const called = svg("svg", { y: 0, height: DEEP }, ...dark);
    const limits = [line(0, -5, 0, DEEP + 3, { stroke: "var(--ink)", "stroke-width": 1.5 })];
    limits.push(limits[0].cloneNode());
    plane.append(axis, ...pale, called, line(0, DEEP / 2, SIDE, DEEP / 2), ...limits);
    root.append(name, plane,
      text("with", LEFT - 6, TOP + DEEP / 4 + 4, { "text-anchor": "end", fill: "var(--muted)" }),
      text("without", LEFT - 6, TOP + 3 * DEEP / 4 + 4, { "text-anchor": "end", fill: "var(--muted)", "font-size": 10.5 }),
      text("score", LEFT + SIDE / 2, TOP + DEEP + 32, { "text-anchor": "middle", fill: "var(--muted)" }));
    name.textContent = readers.length > 1 ? `Scores of ${short(readers[r].name)}` : "Scores";
    return { root, axis, pale, dark, called, limits };
  };

  // People as dots, of a thousand: proportions this small are seen better than read.
  const ROWS = 20, DOT = 2.9, BETWEEN = SIDE / (PEOPLE / ROWS);
  const DOTS = Array.from({ length: PEOPLE }, (_, k) =>
    `M${px(Math.floor(k / ROWS) * BETWEEN)},${px((k % ROWS) * BETWEEN)}h${DOT}v${DOT}h-${DOT}z`);
  const KINDS = ["found", "missed", "referred", "spared"];
  const dots = (parent, r) => {
    const high = ROWS * BETWEEN, root = drawing(TOP + high + 38, parent), plane = svg("g", { transform: `translate(${LEFT},${TOP})` });
    const { colour } = readers[r];
    const looks = [
      { fill: colour }, { fill: "none", stroke: colour, "stroke-width": 0.9 }, { fill: "var(--muted)" }, { fill: "var(--grid)" },
    ];
    const title = readers.length > 1 ? `${count(PEOPLE)} people, ${short(readers[r].name)}` : `${count(PEOPLE)} people`;
    root.append(text(title, LEFT, 14, { "font-weight": "bold", "font-size": 12 }), plane);
    const groups = looks.map((look) => svg("path", look));
    const words = KINDS.map((_, k) => text("", (k % 2) * (SIDE / 2) + 10, high + 14 + 16 * Math.floor(k / 2)));
    const keys = looks.map((look, k) => svg("path", {
      ...look, d: `M0,0h6v6h-6z`, transform: `translate(${(k % 2) * (SIDE / 2)},${high + 8 + 16 * Math.floor(k / 2)})` }));
    plane.append(...groups, ...keys, ...words);
    return { root, groups, words };
  };

  const plots = id("plots");
  const crowds = readers.map((_, r) => dots(plots, r));
  const roc = square(plots, "ROC curve", "1 − specificity", "sensitivity");
  const pr = square(plots, "Precision-recall curve", "recall (sensitivity)", "precision (PPV)");
  const histograms = readers.map((_, r) => bars(plots, r));
  let across = (score) => score; // where a score lies in the histograms of this finding

  const drawFinding = () => {
    const { positive, negative } = finding();
    curves().forEach((curve, r) => {
      const points = curve.tp.map((tp, k) => [curve.fp[k] / negative, tp / positive]);
      roc.lines[r].setAttribute("d", way([[1, 1], ...points, [0, 0]]));
    });
    drawBars();
  };
  const drawBars = () => {
    const { positive, negative } = finding();
    const of = curves();
    const packs = of.flatMap((curve) => [curve.ill, curve.healthy]);
    const first = Math.min(...packs.map(([from]) => from)), end = Math.max(...packs.map(([from, bins]) => from + bins.length));
    const wide = SIDE / (end - first);
    const tallest = Math.max(...of.flatMap((c) => [...c.ill[1].map((n) => n / positive), ...c.healthy[1].map((n) => n / negative)]));
    across = (score) => Math.min(SIDE, Math.max(0, ((logit(score) - start) / step - first) * wide));
    const shape = ([from, bins], whole, sign) => bins.map((n, k) =>
      `M${px((from - first + k) * wide)},${DEEP / 2}h${px(wide)}v${px(-sign * (n / whole / tallest) * (DEEP / 2 - 2))}h${px(-wide)}z`).join("");
    const low = start + first * step, high = start + end * step;
    const ticks = SCORES.filter((score) => logit(score) >= low - 1e-6 && logit(score) <= high + 1e-6);
    histograms.forEach((plot, r) => {
      const shapes = [shape(of[r].ill, positive, 1), shape(of[r].healthy, negative, -1)];
      shapes.forEach((d, k) => { plot.pale[k].setAttribute("d", d); plot.dark[k].setAttribute("d", d); });
      plot.axis.replaceChildren(...ticks.flatMap((score) => [
        line(across(score), 0, across(score), DEEP, { stroke: "var(--grid)" }),
        text(String(score), across(score), DEEP + 15, { "text-anchor": "middle", "font-size": 10 })]));
    });
  };
  const drawPrevalence = (p) => {
    const { positive, negative } = finding();
    const y = px((1 - p) * SIDE);
    pr.guess.setAttribute("y1", y);
    pr.guess.setAttribute("y2", y);
    curves().forEach((curve, r) => {
      const points = curve.tp.flatMap((tp, k) => {
        const ill = (p * tp) / positive, healthy = ((1 - p) * curve.fp[k]) / negative;
        return ill + healthy > 0 ? [[tp / positive, ill / (ill + healthy)]] : [];
      });
      pr.lines[r].setAttribute("d", way(points));
    });
  };
  const drawPeople = (shown) => {
    shown.forEach(({ m }, r) => {
      const { root, groups, words } = crowds[r];
      let sum = 0, from = 0;
      KINDS.forEach((kind, k) => {
        // Rounding the running total, and not each part, keeps the dots at a thousand.
        sum += m[kind];
        const end = k === KINDS.length - 1 ? PEOPLE : Math.round(sum);
        groups[k].setAttribute("d", DOTS.slice(from, end).join(""));
        put(words[k], `${people(m[kind])} ${kind}`);
        from = end;
      });
      label(root, `Of ${count(PEOPLE)} people, ${readers[r].name} finds ${people(m.found)} ill ones and misses ${people(m.missed)}, `
        + `refers ${people(m.referred)} healthy ones and spares ${people(m.spared)}.`);
    });
  };
  const drawMarks = (shown) => {
    shown.forEach(({ c, m }, r) => {
      moved(roc.marks[r], 1 - m.specificity, m.sensitivity);
      moved(pr.marks[r], m.sensitivity, m.ppv);
      const plot = histograms[r], at = c.thresholds.map(across), middle = at.reduce((a, b) => a + b, 0) / at.length;
      plot.limits.forEach((limit, k) => limit.setAttribute("transform", `translate(${px(at[k] ?? at[0])},0)`));
      plot.called.setAttribute("x", px(middle));
      plot.called.setAttribute("width", px(SIDE - middle));
      plot.called.setAttribute("viewBox", `${px(middle)} 0 ${px(Math.max(SIDE - middle, 0.01))} ${DEEP}`);
      label(plot.root, `Histogram of the scores of ${readers[r].name} for ${finding().title}: at or above ${limit(c)} lie `
        + `${percent(m.sensitivity)} of the images with the finding and ${percent(1 - m.specificity)} of those without.`);
    });
    const said = (x, y) => shown.map(({ m }, r) => `${readers[r].name}: ${x(m)}, ${y(m)}`).join("; ");
    label(roc.root, `ROC curves for ${finding().title}. ${said((m) => `sensitivity ${rate(m.sensitivity)}`, (m) => `specificity ${rate(m.specificity)}`)}.`);
    label(pr.root, `Precision-recall curves for ${finding().title} at a prevalence of ${share(prevalence())}. `
      + `${said((m) => `recall ${rate(m.sensitivity)}`, (m) => `precision ${rate(m.ppv)}`)}.`);
  };
  const label = (root, words) => root.setAttribute("aria-label", words);

  // ---- words ----
  const limit = (c) => c.thresholds.join(" / ");
  const said = (shown) => {
    const p = prevalence(), title = finding().title;
    const sentences = [`${title} at a prevalence of ${share(p)}: of ${count(PEOPLE)} people, ${people(PEOPLE * p)} are ill and ${people(PEOPLE * (1 - p))} healthy.`];
    shown.forEach(({ m }, r) => {
      const cost = m.found > 0 ? `: ${people(m.referred / m.found)} for each ill person found` : "";
      sentences.push(`${readers[r].name} finds ${people(m.found)} of the ill, misses ${people(m.missed)}, and refers ${people(m.referred)} of the healthy${cost}.`);
    });
    shown.forEach(({ m }, r) => { if (r !== state.held) sentences.push(net(r, m, shown[state.held].m)); });
    return sentences;
  };
  // Never which is better, only what is had for what.
  const net = (r, m, other) => {
    const found = m.found - other.found, referred = m.referred - other.referred;
    const both = `Beside ${readers[state.held].name}, ${readers[r].name}`;
    const ill = `${people(Math.abs(found))} ${found < 0 ? "fewer" : "more"} ill people`;
    const healthy = `${people(Math.abs(referred))} ${referred < 0 ? "fewer" : "more"} healthy ones`;
    const start = `${both} finds ${same(found) ? "as many ill people" : ill} and refers ${same(referred) ? "as many healthy ones" : healthy}`;
    if (same(found) && same(referred)) return `${start}.`;
    if (same(found) || same(referred) || found > 0 !== referred > 0) {
      const ahead = readers[same(found) ? (referred < 0 ? r : state.held) : found > 0 ? r : state.held].name;
      return `${start}. At these thresholds and on these images, ${ahead} gives up nothing for it.`;
    }
    const cost = people(referred / found);
    return found > 0 ? `${start}: ${cost} more referred for each extra ill person found.` : `${start}: ${cost} spared for each ill person no longer found.`;
  };
  const same = (difference) => Math.abs(difference) < 1e-9;

  const notes = (shown) => {
    const lines = message ? [message] : [];
    const of = (which) => shown.flatMap((each, r) => (which(each, r) ? [readers[r].name] : [])).join(", ");
    const say = (names, words) => { if (names) lines.push(readers.length > 1 ? `${names}: ${words}` : words[0].toUpperCase() + words.slice(1)); };
    say(of(({ c }, r) => isOwn(r) && c.thresholds.length > 1),
      "at the report’s operating points, one threshold for each half of the patients; the counts are the sum of both halves, as in thresholds.csv.");
    say(of((_, r) => state.at[r] === null && !isOwn(r)), "the report has no operating point for this finding; the slider begins in the middle.");
    say(of(({ m }) => m.corrected), "odds ratio with 0.5 added to all four counts, since one is empty.");
    say(of(({ c }) => c.fp === 0), "no false positive, so LR+ is not bounded.");
    say(of(({ c }) => c.tn === 0), "no true negative, so LR− is not bounded.");
    say(of(({ c }) => c.tp + c.fp === 0), "no image is called, so there is no PPV.");
    say(of(({ c }) => c.fn + c.tn === 0), "every image is called, so there is no NPV.");
    return lines;
  };
  const paragraphs = (parent, lines) => {
    while (parent.children.length > lines.length) parent.lastElementChild.remove();
    lines.forEach((words, k) => put(parent.children[k] ?? parent.appendChild(document.createElement("p")), words));
  };
  const put = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  // Someone who listens hears the outcome once the slider rests, not every step on the way.
  let spoken = 0;
  const speak = (sentences) => {
    clearTimeout(spoken);
    spoken = setTimeout(() => put(id("spoken"), sentences.join(" ")), 500);
  };

  // ---- controls ----
  const cells = all("[data-value]").map((cell) => [cell, cell.dataset.value, Number(cell.dataset.reader)]);
  const sliders = readers.map((_, r) => app.querySelector(`[data-threshold="${r}"]`));
  const fields = readers.map((_, r) => app.querySelector(`[data-threshold-number="${r}"]`));
  const chooser = id("finding"), held = id("held"), slider = id("prevalence"), field = id("prevalence-number");
  const given = app.querySelector('[data-explorer="given"]');
  // The stops of the prevalence: round numbers, close together in proportion below 10 %, each percent above.
  const MANTISSAS = [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9];
  const STOPS = [1e-4, 1e-3, 1e-2].flatMap((power) => MANTISSAS.map((m) => Number((m * power).toPrecision(2))));
  for (let each = 10; each <= 95; each++) STOPS.push(each / 100);
  slider.max = STOPS.length - 1;
  slider.step = 1;

  const show = () => {
    const p = prevalence();
    const shown = readers.map((_, r) => { const c = counted(r); return { c, m: measured(c, p) }; });
    for (const [cell, name, r] of cells) {
      const { c, m } = shown[r];
      put(cell, name === "threshold" ? c.thresholds.join("\n") : WRITTEN[name](name in c ? c[name] : m[name]));
    }
    put(id("people"), `Of ${count(PEOPLE)} people at a prevalence of ${share(p)}`);
    put(id("rates"), "Rates; PPV and NPV at this prevalence");
    const { positive, negative } = finding();
    put(id("counts"), `Counted on ${count(positive + negative)} images, ${count(positive)} with the finding`);
    const sentences = said(shown);
    paragraphs(id("said"), sentences);
    paragraphs(id("notes"), notes(shown));
    follow(shown, p);
    drawPeople(shown);
    drawMarks(shown);
    return sentences;
  };
  // Controls show the state, whoever changed it; the one in use keeps what was typed into it.
  const follow = (shown, p) => {
    readers.forEach((_, r) => {
      const { c, m } = shown[r];
      sliders[r].value = place(r);
      sliders[r].setAttribute("aria-valuetext", `${limit(c)}: sensitivity ${percent(m.sensitivity)}, specificity ${percent(m.specificity)}`);
      fields[r].value = c.thresholds.length === 1 ? String(c.thresholds[0]) : "";
      fields[r].placeholder = c.thresholds.length === 1 ? "" : "one per half";
    });
    slider.value = STOPS.reduce((best, stop, k) => (Math.abs(Math.log(stop / p)) < Math.abs(Math.log(STOPS[best] / p)) ? k : best), 0);
    slider.setAttribute("aria-valuetext", share(p));
    if (document.activeElement !== field || state.prevalence === null) field.value = String(Number((100 * p).toPrecision(4)));
  };
  const showFinding = () => {
    chooser.value = state.finding;
    if (held) held.value = state.held;
    curves().forEach((curve, r) => { sliders[r].max = curve.last; });
    given.hidden = finding().given === null;
    if (!given.hidden) put(given, `The clinic’s prevalence (${share(finding().given)})`);
    drawFinding();
    drawPrevalence(prevalence());
    return show();
  };

  // ---- the address ----
  // #explorer?finding=...: no element has such an id, so the links to sections keep their meaning.
  const PREFIX = "#explorer?";
  const written = () => {
    const query = new URLSearchParams({ finding: finding().name });
    if (state.prevalence !== null) query.set("prevalence", String(Number(state.prevalence.toPrecision(12))));
    state.at.forEach((at, r) => { if (at !== null) query.set(`t${r + 1}`, String(curves()[r].threshold[at])); });
    if (state.held) query.set("held", String(state.held + 1));
    return PREFIX + query;
  };
  const read = (hash) => {
    const query = new URLSearchParams(hash.slice(PREFIX.length)), fresh = initial();
    const found = data.findings.findIndex(({ name }) => name === query.get("finding"));
    if (found >= 0) fresh.finding = found;
    const p = Number(query.get("prevalence"));
    if (p > 0 && p < 1) fresh.prevalence = p;
    readers.forEach((_, r) => {
      const threshold = query.has(`t${r + 1}`) ? Number(query.get(`t${r + 1}`)) : NaN;
      if (Number.isFinite(threshold)) fresh.at[r] = nearest(curvesOf(fresh.finding)[r], threshold);
    });
    const place = Number(query.get("held")) - 1;
    if (place in readers) fresh.held = place;
    return fresh;
  };
  let writing = 0;
  const write = (push) => {
    clearTimeout(writing);
    writing = 0;
    const hash = written();
    if (hash === location.hash) return;
    // Browsers refuse a page that writes its address too often, and some for files; the explorer works without.
    try { history[push ? "pushState" : "replaceState"](null, "", hash); } catch { /* the setting is not kept */ }
  };
  // While a slider moves, the address follows at rest and makes no step for the back button; a choice makes one.
  const slid = () => { clearTimeout(writing); writing = setTimeout(() => write(false), 250); };
  addEventListener("click", () => { if (writing) write(false); }, true); // before a link leads away from it
  addEventListener("hashchange", () => {
    clearTimeout(writing);
    writing = 0;
    if (location.hash.startsWith(PREFIX)) state = read(location.hash);
    else if (location.hash === "") state = initial();
    else return;
    message = "";
    speak(showFinding());
  });

  // ---- what a person does ----
  const chose = (sentences) => { speak(sentences); write(true); };
  const set = (r, at) => {
    state.at[r] = Math.min(Math.max(at, 0), curves()[r].last);
    message = "";
    speak(show());
    slid();
  };
  const setPrevalence = (p) => {
    state.prevalence = p;
    message = "";
    drawPrevalence(prevalence());
    speak(show());
    slid();
  };
  const equal = (name) => {
    const target = counted(state.held);
    const lacking = [];
    readers.forEach((reader, r) => {
      if (r === state.held) return;
      // Both counts fall as the threshold rises: of the thresholds that reach the target, the nearest to it also has
      // the most of the other rate.
      const { tp, fp, last } = curves()[r];
      const at = name === "sensitivity" ? tp.findLastIndex((n) => n >= target.tp) : fp.findIndex((n) => n <= target.fp);
      if (at < 0) lacking.push(reader.name);
      state.at[r] = at < 0 ? last : at;
    });
    message = lacking.length ? `${lacking.join(", ")}: no threshold reaches that ${name}; the highest is shown.` : "";
  };
  const ACTIONS = {
    own: () => { state.at = readers.map(() => null); message = ""; },
    cohort: () => { state.prevalence = null; },
    given: () => { state.prevalence = finding().given; },
    sensitivity: () => equal("sensitivity"),
    specificity: () => equal("specificity"),
  };

  chooser.addEventListener("change", () => {
    state = { ...initial(), finding: Number(chooser.value), held: state.held }; // thresholds of one finding mean nothing for another
    message = "";
    chose(showFinding());
  });
  slider.addEventListener("input", () => setPrevalence(STOPS[slider.value]));
  field.addEventListener("change", () => {
    const p = Number(field.value) / 100;
    setPrevalence(field.value !== "" && p > 0 ? Math.min(Math.max(p, 1e-5), 0.999) : null);
  });
  readers.forEach((reader, r) => {
    sliders[r].style.accentColor = reader.colour;
    sliders[r].addEventListener("input", () => set(r, Number(sliders[r].value)));
    fields[r].addEventListener("change", () => {
      if (fields[r].value === "") speak(show());
      else set(r, nearest(curves()[r], Number(fields[r].value)));
    });
    // The steps of the field are the thresholds there are, not whole numbers.
    fields[r].addEventListener("keydown", (event) => {
      const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (by) { event.preventDefault(); set(r, place(r) + by); }
    });
  });
  if (held) held.addEventListener("change", () => { state.held = Number(held.value); message = ""; chose(show()); });
  for (const button of all("[data-explorer]")) {
    button.addEventListener("click", () => {
      ACTIONS[button.dataset.explorer]();
      drawPrevalence(prevalence());
      chose(show());
    });
  }

  id("without").hidden = true;
  app.hidden = false;
  const shared = location.hash.startsWith(PREFIX);
  if (shared) state = read(location.hash);
  showFinding();
  if (shared) section.scrollIntoView();
})();
