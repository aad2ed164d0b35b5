"use strict";
/* Charts: the library takes the place of the server's drawing once the page is painted. Crosshair, zoom and legend are
   ours: pointer, touch and keys move one line through every pane, and the values stand in the legend above. */

(() => {
  const me = document.currentScript;
  const figures = [...document.querySelectorAll("figure.plot")];
  if (!me || !figures.length) return;
  const RIGHT = 66;
  const NEWS_MS = 4000;
  const NARROW = 520;

  const load = new Promise((resolve, reject) => {
    const begin = () => {
      const tag = document.createElement("script");
      tag.src = me.dataset.library;
      tag.integrity = me.dataset.integrity;
      tag.onload = resolve;
      tag.onerror = () => reject(new Error("no chart library"));
      document.head.append(tag);
    };
    (window.requestIdleCallback || ((go) => setTimeout(go, 60)))(begin);
  });

  /* Colours by the names of the sheet's tokens, read when drawn. */
  function coloured(value, tokens) {
    if (Array.isArray(value)) return value.map((each) => coloured(each, tokens));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, coloured(each, tokens)]));
    return typeof value === "string" && value.startsWith("$") && !value.startsWith("$,") ? tokens.getPropertyValue(`--${value.slice(1)}`).trim() || value : value;
  }

  const MINUS = "−";
  const grouped = (value, digits) => Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const sign = (value, text, plus) => `${value < 0 ? MINUS : plus && value > 0 ? "+" : ""}${text}`;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const SHOWN = {
    money: (v) => sign(v, `$${grouped(v, 2)}`),
    gain: (v) => sign(v, `$${grouped(v, 2)}`, true),
    price: (v, digits) => sign(v, grouped(v, Math.max(2, digits))),
    percent: (v, digits) => `${sign(v, grouped(v, digits))} %`,
    number: (v, digits) => sign(v, grouped(v, digits)),
    day: (v) => { const at = new Date(v); return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`; },
    time: (v) => { const at = new Date(v); return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.toISOString().slice(11, 19)}`; },
  };

  class Plot {
    constructor(figure) {
      this.figure = figure;
      this.box = figure.querySelector(".box");
      this.given = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
      this.mark = figure.dataset.mark;
      this.take(this.given);
      this.seen = [...this.full];
      this.fields = [...figure.querySelectorAll(".reading b[data-field]")];
      this.latest = this.fields.map((field) => field.textContent);
      this.at = -1;
      this.label = this.box.querySelector("svg").getAttribute("aria-label");
      for (const button of figure.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => this.zoom(button.dataset.zoom));
    }

    take(spec) {
      this.given = spec;
      this.rows = spec.datasets.rows;
      this.full = spec.params.map((each) => each.value);
    }

    /* What is new since the last point but one: the last of all may have been of this moment only. */
    async refresh() {
      if (!this.figure.dataset.news || !this.view) return;
      const since = this.rows.length > 1 ? this.rows[this.rows.length - 2].x : "";
      const answer = await fetch(`${this.figure.dataset.news}?have=${this.mark}&since=${since}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const news = await answer.json();
      const before = this.at < 0 ? null : this.rows[this.at].x;
      const was = this.full;
      this.mark = news.mark;
      if (news.spec) this.take(news.spec);
      else {
        const first = news.rows.length ? news.rows[0].x : Infinity;
        this.rows = this.given.datasets.rows = [...this.rows.filter((row) => row.x < first), ...news.rows];
        this.full = [news.lo, news.hi];
      }
      this.follow(was);
      this.latest = this.fields.map((field) => news.legend[field.dataset.field] ?? field.textContent);
      if (news.spec) await this.draw();
      else { this.view.data("rows", this.rows); this.look(...this.seen); }
      if (before === null) this.fields.forEach((field, i) => { field.textContent = this.latest[i]; });
      else { this.at = -1; this.read(before); }
      this.figure.dataset.fresh = String(Number(this.figure.dataset.fresh || 0) + 1);
    }

    /* Who sees all goes on seeing all, who sees the latest stretch its latest; who looks at the past stays there. */
    follow([least, most]) {
      const [low, high] = this.seen;
      const [start, end] = this.full;
      if (low <= least && high >= most) this.seen = [start, end];
      else if (high >= most) this.seen = [low + end - most, end];
    }

    async draw() {
      const width = this.box.clientWidth;
      if (width < 60) return;
      const spec = coloured(structuredClone(this.given), getComputedStyle(document.documentElement));
      const narrow = width < NARROW;
      for (const pane of spec.vconcat) {
        pane.width = width - RIGHT;
        if (narrow) pane.height = Math.round(pane.height * 0.85);
        for (const axis of pane.layer.map((each) => each.encoding && each.encoding.x && each.encoding.x.axis).filter(Boolean)) axis.tickCount = Math.max(2, Math.floor(width / 110));
      }
      spec.params.forEach((each, i) => { each.value = this.seen[i]; });
      this.held = this.box.contains(document.activeElement);
      const inner = document.createElement("div");
      inner.className = "live";
      inner.tabIndex = 0;
      inner.setAttribute("role", "img");
      inner.setAttribute("aria-label", `${this.label}. Arrow keys read the values, plus and minus zoom, Shift with arrows moves.`);
      if (this.width !== undefined) this.box.replaceChildren(inner); else inner.hidden = true, this.box.append(inner);
      const made = await window.vegaEmbed(inner, spec, { mode: "vega-lite", ast: true, actions: false, defaultStyle: false, renderer: "canvas", tooltip: () => {} });
      if (this.view) this.view.finalize();
      this.view = made.view;
      this.width = width;
      inner.hidden = false;
      this.box.replaceChildren(inner);
      this.listen(inner);
      this.figure.querySelector(".seg").hidden = false;
      if (this.held) inner.focus({ preventScroll: true });
      this.figure.dataset.drawn = "yes";
    }

    listen(inner) {
      let from = null;
      const fingers = new Map();
      const place = (event) => event.clientX - inner.getBoundingClientRect().left - this.view.origin()[0];
      const lift = (event) => { fingers.delete(event.pointerId); };
      inner.addEventListener("pointerdown", (event) => { if (event.pointerType === "touch") { fingers.set(event.pointerId, place(event)); if (fingers.size === 1) this.read(this.value(place(event))); } });
      inner.addEventListener("pointerup", lift);
      inner.addEventListener("pointercancel", lift);
      inner.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") { from = { x: place(event), seen: [...this.seen] }; inner.setPointerCapture(event.pointerId); } });
      inner.addEventListener("pointerup", () => { from = null; });
      inner.addEventListener("pointermove", (event) => {
        if (fingers.size === 2 && fingers.has(event.pointerId)) {
          const wide = ([a, b]) => Math.max(8, Math.abs(a - b));
          const apart = wide([...fingers.values()]);
          fingers.set(event.pointerId, place(event));
          const [a, b] = [...fingers.values()];
          this.scale(apart / wide([a, b]), this.value((a + b) / 2));
        } else if (from) {
          const moved = (from.x - place(event)) * (from.seen[1] - from.seen[0]) / (this.width - RIGHT);
          this.look(from.seen[0] + moved, from.seen[1] + moved);
        } else this.read(this.value(place(event)));
      });
      inner.addEventListener("pointerleave", () => { from = null; this.forget(); });
      inner.addEventListener("blur", () => this.forget());
      inner.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.scale(event.deltaY > 0 ? 1.25 : 0.8, this.value(place(event)));
      }, { passive: false });
      inner.addEventListener("keydown", (event) => {
        if (event.shiftKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
          event.preventDefault();
          const by = (this.seen[1] - this.seen[0]) * (event.key === "ArrowLeft" ? -0.2 : 0.2);
          this.look(this.seen[0] + by, this.seen[1] + by);
          return;
        }
        const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 }[event.key];
        if (step) { event.preventDefault(); this.show(Math.max(0, Math.min(this.rows.length - 1, (this.at < 0 ? this.rows.length - 1 : this.at) + step))); }
        else if (event.key === "Escape") this.forget();
        else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? "in" : "out");
        else if (event.key === "0") this.zoom("all");
      });
    }

    value(px) { return this.seen[0] + px / (this.width - RIGHT) * (this.seen[1] - this.seen[0]); }

    read(x) {
      let low = 0;
      let high = this.rows.length - 1;
      while (low < high) { const middle = (low + high) >> 1; if (this.rows[middle].x < x) low = middle + 1; else high = middle; }
      if (low > 0 && x - this.rows[low - 1].x < this.rows[low].x - x) low -= 1;
      this.show(low);
    }

    show(index) {
      if (index === this.at) return;
      this.at = index;
      const row = this.rows[index];
      for (const field of this.fields) {
        const value = row[field.dataset.field];
        field.textContent = value === null || value === undefined ? "–" : SHOWN[field.dataset.shown](value, Number(field.dataset.digits));
      }
      this.view.data("cross", [{ x: row.x }]).runAsync();
    }

    forget() {
      if (this.at < 0) return;
      this.at = -1;
      this.fields.forEach((field, i) => { field.textContent = this.latest[i]; });
      this.view.data("cross", [{ x: 2 * this.full[0] - this.full[1] - 1 }]).runAsync();  /* out of sight */
    }

    look(low, high) {
      const [least, most] = this.full;
      const reach = Math.min(high - low, most - least);
      const start = Math.max(least, Math.min(low, most - reach));
      this.seen = [start, start + reach];
      this.view.signal("lo", this.seen[0]).signal("hi", this.seen[1]).runAsync();
    }

    scale(factor, around) {
      const [low, high] = this.seen;
      this.look(around - (around - low) * factor, around + (high - around) * factor);
    }

    zoom(sense) {
      const [low, high] = this.seen;
      if (sense === "all") this.look(...this.full);
      else if (sense === "in" || sense === "out") this.scale(sense === "in" ? 0.6 : 1 / 0.6, (low + high) / 2);
      else this.look(this.full[1] - Number(sense), this.full[1]);
    }
  }

  load.then(async () => {
    const plots = figures.map((figure) => new Plot(figure));
    for (const plot of plots) await plot.draw();
    let again = 0;
    const redraw = (force) => { clearTimeout(again); again = setTimeout(async () => { for (const plot of plots) if (force || plot.box.clientWidth !== plot.width) await plot.draw(); }, 200); };
    addEventListener("resize", () => redraw(false));
    let next = 0;
    const news = async () => {
      clearTimeout(next);
      for (const plot of document.visibilityState === "visible" ? plots : []) { try { await plot.refresh(); } catch { /* the next look may hear more */ } }
      clearTimeout(next);
      next = setTimeout(news, NEWS_MS);
    };
    next = setTimeout(news, NEWS_MS);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") news(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(true));
  }).catch(() => { /* the server's drawing stays */ });
})();
