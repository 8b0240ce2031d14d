// What the page does beyond being read: exact values of marks, copying, light and dark, the contents, printing.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // ---- exact values: the sentence of a mark, on hover, touch and keyboard ----
  const tip = document.getElementById("tip");
  const MARKS = ".mark";
  const NEAR = [[0, 0], [5, 0], [-5, 0], [0, 5], [0, -5], [8, 8], [-8, 8], [8, -8], [-8, -8], [12, 0], [-12, 0]];
  let current = null;

  const show = (mark, x, y, more = "") => {
    if (current && current !== mark) current.classList.remove("now");
    current = mark;
    const text = mark.getAttribute("aria-label") + more;
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = false;
    const width = root.clientWidth, box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(6, x - box.width / 2), width - box.width - 6);
    const above = y - box.height - 14;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${(above < 4 ? y + 18 : above) + window.scrollY}px`;
  };
  const hide = () => {
    if (current) current.classList.remove("now");
    current = null;
    tip.hidden = true;
  };
  const near = (plot, x, y) => {
    for (const [dx, dy] of NEAR) {
      const hit = document.elementFromPoint(x + dx, y + dy);
      const mark = hit && plot.contains(hit) ? hit.closest(MARKS) : null;
      if (mark) return mark;
    }
    return null;
  };

  // A curve stands for many values: the vertex nearest to the pointer is read from the path, whose plot runs from 0 to 1.
  const vertices = new WeakMap();
  const vertex = (path, x, y) => {
    if (!vertices.has(path)) {
      const numbers = (path.getAttribute("d").match(/-?[\d.]+(?:e-?\d+)?/g) || []).map(Number);
      vertices.set(path, numbers);
    }
    const points = vertices.get(path);
    const at = new DOMPoint(x, y).matrixTransform(path.getScreenCTM().inverse());
    let best = 0, least = Infinity;
    for (let k = 0; k + 1 < points.length; k += 2) {
      const away = Math.hypot(points[k] - at.x, points[k + 1] - at.y);
      if (away < least) { least = away; best = k; }
    }
    return [points[best], points[best + 1]];
  };
  const middle = (mark) => {
    const box = mark.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  };
  const reading = (plot, mark, x, y) => {
    const unit = mark.closest("[data-axes]");
    if (!unit || mark.getAttribute("fill") !== "none") return "";
    const [side, across, up] = unit.dataset.axes.split("|");
    const [px, py] = vertex(mark, x, y);
    return `; here ${across} ${(px / side).toFixed(2)}, ${up} ${(1 - py / side).toFixed(2)}`;
  };

  for (const plot of all(".plot")) {
    const marks = all(MARKS, plot);
    if (!marks.length) continue;
    plot.tabIndex = 0;
    plot.setAttribute("role", "application");
    plot.setAttribute("aria-roledescription", "chart");
    plot.setAttribute("aria-label", `${plot.dataset.title}. ${marks.length} values; arrow keys move through them.`);
    let place = -1;
    const point = (event) => {
      const mark = near(plot, event.clientX, event.clientY);
      if (mark) show(mark, event.clientX, event.clientY, reading(plot, mark, event.clientX, event.clientY));
      else hide();
    };
    const step = (to) => {
      place = (to + marks.length) % marks.length;
      const mark = marks[place];
      mark.scrollIntoView({ block: "nearest", inline: "nearest" });
      const box = mark.getBoundingClientRect();
      show(mark, box.left + box.width / 2, box.top);
      mark.classList.add("now");
    };
    // The nearest mark above or below: in a matrix, the next row.
    const beyond = (sign) => {
      const from = middle(marks[Math.max(place, 0)]);
      let best = place, least = Infinity;
      marks.forEach((mark, k) => {
        const to = middle(mark), down = (to.y - from.y) * sign, cost = down + 3 * Math.abs(to.x - from.x);
        if (down > 4 && cost < least) { least = cost; best = k; }
      });
      return Math.max(best, 0);
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const moves = {
        ArrowRight: () => place + 1,
        ArrowLeft: () => Math.max(place, 0) - 1,
        ArrowDown: () => beyond(1),
        ArrowUp: () => beyond(-1),
        Home: () => 0,
        End: () => marks.length - 1,
      };
      if (event.key in moves) { event.preventDefault(); step(moves[event.key]()); }
      if (event.key === "Escape") hide();
    });
  }
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".plot")) hide(); });

  // ---- copying ----
  const copied = (button) => {
    const was = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = was; }, 1600);
  };
  const byHand = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (!byHand(text)) return;
    }
    button.focus();
    copied(button);
  };
  // A cell that a spreadsheet would run as a formula gets an apostrophe; a minus sign before a number becomes a hyphen.
  const plain = (cell) => {
    const marks = all("sup", cell).map((sup) => ` [${sup.textContent}]`).join("");
    const bare = cell.cloneNode(true);
    for (const sup of all("sup", bare)) sup.remove();
    let text = bare.textContent.replace(/\s+/g, " ").trim();
    if (/^−[\d.,]/.test(text)) text = text.replaceAll("−", "-");
    else if (/^[=+\-@]/.test(text)) text = `'${text}`;
    return text + marks;
  };
  const tsv = (sheet) => {
    const lines = all("tr", sheet).map((row) =>
      [...row.cells].flatMap((cell) => [plain(cell), ...Array(cell.colSpan - 1).fill("")]).join("\t"));
    const notes = all(".notes p", sheet).map((note) => note.textContent.trim());
    return [...lines, ...(notes.length ? ["", ...notes] : [])].join("\n");
  };
  for (const button of all("[data-copy-table]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(tsv(button.closest(".sheet")), button));
  }
  for (const button of all("[data-copy-text]")) {
    button.hidden = false;
    const text = () => all("p", document.getElementById(button.dataset.copyText)).map((p) => p.textContent).join("\n\n");
    button.addEventListener("click", () => copy(text(), button));
  }

  // ---- light and dark ----
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const named = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); });
  system.addEventListener("change", named);
  named();

  // ---- contents: open beside the page, closed above it; the section in view is marked ----
  const contents = document.querySelector(".contents details");
  const wide = matchMedia("(min-width: 68rem)");
  const fit = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fit);
  fit();
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target.id) : seen.delete(target.id);
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }, { rootMargin: "-10% 0px -60% 0px" });
  for (const section of all("main > section")) observer.observe(section);
  contents.addEventListener("click", (event) => { if (event.target.closest("a") && !wide.matches) contents.open = false; });

  // ---- a link to a table opens it ----
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details")) target.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // ---- on paper everything is open ----
  let closed = [];
  const open = () => {
    if (closed.length) return;
    closed = all("main details:not([open])");
    for (const details of closed) details.open = true;
    hide();
  };
  const close = () => {
    for (const details of closed) details.open = false;
    closed = [];
  };
  addEventListener("beforeprint", open);
  addEventListener("afterprint", close);
  matchMedia("print").addEventListener("change", (event) => (event.matches ? open() : close()));
})();
