"use strict";
/* Live parts by server-sent events, confirmation dialog, lit edges. The page is whole without any of it. */

const stream = document.getElementById("stream");
const POLL_MS = 2000;
const QUIET_MS = 8000;

function say(state, text) {
  if (!stream) return;
  stream.dataset.state = state;
  if (stream.textContent !== text) stream.textContent = text;
}

/* Make `have` look like `want` and keep what the reader holds: focus, an open <details>, what is typed, a click under way. */
function sameThing(a, b) {
  if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
  if (a.nodeType !== Node.ELEMENT_NODE) return true;
  return (a.dataset ? a.dataset.key : undefined) === (b.dataset ? b.dataset.key : undefined);
}

function copyAttributes(have, want) {
  for (const { name } of [...have.attributes]) {
    if (!want.hasAttribute(name) && !(name === "open" && have.nodeName === "DETAILS")) have.removeAttribute(name);
  }
  for (const { name, value } of [...want.attributes]) {
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
}

function morph(have, want) {
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    return;
  }
  copyAttributes(have, want);
  morphChildren(have, want);
}

function findKeyed(parent, key) {
  for (const child of parent.children) if (child.dataset && child.dataset.key === key) return child;
  return null;
}

function morphChildren(have, want) {
  let at = have.firstChild;
  for (const next of [...want.childNodes]) {
    const key = next.dataset ? next.dataset.key : undefined;
    const known = key === undefined ? null : findKeyed(have, key);
    if (known) {
      if (known === at) at = at.nextSibling;
      else have.insertBefore(known, at);
      morph(known, next);
    } else if (key === undefined && at && sameThing(at, next)) {
      const here = at;
      at = at.nextSibling;
      morph(here, next);
    } else {
      const fresh = document.importNode(next, true);
      if (key !== undefined && fresh.classList) fresh.classList.add("fresh");
      have.insertBefore(fresh, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/* What was sent, by name: patches are made against it. */
const sent = new Map();

function show(parts) {
  for (const [name, html] of Object.entries(parts)) {
    sent.set(name, html);
    const box = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (!box) continue;
    const page = new DOMParser().parseFromString(`<body>${html}</body>`, "text/html");
    morphChildren(box, page.body);
  }
}

/* Steps go from the last line to the first: [line, cut, [lines]] or [line, start, cut, text]. */
function patched(html, steps) {
  const lines = html.split("\n");
  for (const [line, ...how] of steps) {
    if (Array.isArray(how[1])) lines.splice(line, how[0], ...how[1]);
    else lines[line] = lines[line].slice(0, how[0]) + how[2] + lines[line].slice(how[0] + how[1]);
  }
  return lines.join("\n");
}

/* A browser gives one host six connections, so that tabs share STREAM_PLACES streams; who finds no place polls. A hidden tab
   gives its place back and hears nothing; when it is looked at again, its new stream begins with the whole. */
const STREAM_PLACES = 3;

function poll(address, alive, have = "") {
  const again = () => { if (alive()) setTimeout(() => poll(address, alive, have), POLL_MS); };
  if (!alive()) return;
  fetch(`${address.replace("/events?", "/parts?")}&have=${encodeURIComponent(have)}`, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then(({ have: marks, ...parts }) => { if (alive()) { have = marks; show(parts); say("on", "Live (polling)"); } again(); })
    .catch(() => { if (alive()) say("lost", "No answer from the page; trying again"); again(); });
}

function stopped(alive) {
  return new Promise((resolve) => {
    const look = () => { if (!alive()) { document.removeEventListener("visibilitychange", look); resolve(); } };
    document.addEventListener("visibilitychange", look);
    addEventListener("pagehide", resolve, { once: true });
  });
}

/* Ask for each place in turn; `use` holds it until its promise is kept. Says whether one was found. */
async function withPlace(use) {
  if (!navigator.locks) return false;  /* plain http from another machine: no way to count, so poll */
  for (let place = 0; place < STREAM_PLACES; place += 1) {
    const had = await navigator.locks.request(`stream-${place}`, { ifAvailable: true }, async (lock) => {
      if (lock) await use();
      return Boolean(lock);
    });
    if (had) return true;
  }
  return false;
}

async function streamFrom(address, alive) {
  let source = null;
  let failures = 0;
  let lastHeard = performance.now();
  const heard = () => { failures = 0; lastHeard = performance.now(); say("on", "Live"); };
  const open = () => {
    if (!alive()) return;
    source = new EventSource(address);
    source.addEventListener("parts", (event) => { show(JSON.parse(event.data)); heard(); });
    source.addEventListener("patch", (event) => {
      const steps = Object.entries(JSON.parse(event.data));
      show(Object.fromEntries(steps.map(([name, how]) => [name, patched(sent.get(name), how)])));
      heard();
    });
    source.addEventListener("beat", heard);
    source.onerror = () => {
      failures += 1;
      if (performance.now() - lastHeard > QUIET_MS) say("lost", "Connection to the page lost; trying again");
      if (source.readyState !== EventSource.CLOSED) return;
      if (failures > 2) poll(address, alive);
      else setTimeout(open, POLL_MS);
    };
  };
  open();
  const watch = setInterval(() => { if (performance.now() - lastHeard > QUIET_MS) say("lost", "Nothing new from the page; trying again"); }, QUIET_MS);
  await stopped(alive);
  clearInterval(watch);
  if (source) source.close();
}

/* A page whose figures move slowly asks now and then and holds no stream. */
function follow(address, slowly = false) {
  let turn = 0;
  const begin = async () => {
    turn += 1;
    const mine = turn;
    const alive = () => mine === turn && document.visibilityState === "visible";
    if (!alive()) return;
    const placed = !slowly && window.EventSource && await withPlace(() => streamFrom(address, alive));
    if (!placed) poll(address, alive);
  };
  document.addEventListener("visibilitychange", begin);
  begin();
}

/* What hurts is asked about first: the server says what would happen, with a token for the answer. */
const confirmBox = document.getElementById("confirm");
let waiting = null;

function sendOff(action, fields) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  for (const [name, value] of fields) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}

function asking(question) {
  document.getElementById("confirm-title").textContent = `${question.title}?`;
  document.getElementById("confirm-text").textContent = question.words;
  const typed = document.getElementById("confirm-typed");
  const field = typed.querySelector("input");
  const yes = document.getElementById("confirm-yes");
  typed.hidden = !question.typed;
  typed.querySelector("b").textContent = question.typed;
  field.value = "";
  yes.disabled = Boolean(question.typed);
  field.oninput = () => { yes.disabled = field.value.trim() !== question.typed; };
  /* Enter in the field means the number, not the safe button that comes first. */
  field.onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); if (!yes.disabled) yes.click(); } };
  yes.textContent = question.yes;
  confirmBox.classList.toggle("grave", question.grave);
  confirmBox.returnValue = "";
  confirmBox.showModal();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset || form.dataset.ask === undefined || !confirmBox || !confirmBox.showModal) return;
  event.preventDefault();
  /* The row may be redrawn meanwhile: what was asked about is sent, from a form of its own. */
  const action = form.action;
  const fields = [...new FormData(form)];
  try {
    const answer = await fetch(action, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(fields) });
    if (answer.redirected) { location.href = answer.url; return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const question = await answer.json();
    waiting = { action, fields: [...fields, ["confirmed", "yes"], ["token", question.token]] };
    asking(question);
  } catch { sendOff(action, fields); }  /* the page says what is wrong */
});

if (confirmBox) confirmBox.addEventListener("close", () => {
  const wanted = waiting;
  waiting = null;
  if (!wanted || confirmBox.returnValue !== "yes") return;
  const typed = confirmBox.querySelector("#confirm-typed input").value;
  sendOff(wanted.action, typed ? [...wanted.fields, ["typed", typed]] : wanted.fields);
});

/* Keys: none acts on money, all rest while something is typed. `g` and a letter go to a page. */
const keysBox = document.getElementById("keys");
let going = false;  /* after `g`, until the next key */

function showKeys() { if (keysBox && keysBox.showModal && !keysBox.open) keysBox.showModal(); }

function reach(element) {
  if (!element) return;
  for (let box = element.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  element.scrollIntoView({ block: "nearest" });
  element.focus();
}

const ROWS = "main table.t > tbody > tr, main table.cards > tbody > tr, main ul.rows > li, main ul.alerts > li";

function toRow(step) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.offsetParent && row.querySelector("a, button"));
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))];
  if (next) reach(next.querySelector("a, button"));
}

const KEYS = {
  "/": () => reach(document.querySelector("main form[method=get] input:not([type=hidden]), main form[method=get] select")),
  "?": showKeys,
  j: () => toRow(1),
  k: () => toRow(-1),
  a: () => reach(document.querySelector(".asks button:not([disabled]), main form.act button.primary:not([disabled]), main form.act button:not([disabled])")),
  u: () => reach(document.querySelector("[data-undo]")),
  x: () => { const menu = document.querySelector("details.stop"); if (menu) { menu.open = !menu.open; reach(menu.open ? menu.querySelector("button:not([disabled])") : menu.querySelector("summary")); } },
  c: () => reach(document.querySelector("figure.plot .live, figure.plot .seg button")),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const held = event.target.closest ? event.target.closest("input, select, textarea, dialog[open], [contenteditable]") : null;
  if (held) return;
  if (event.key === "Escape") { for (const menu of document.querySelectorAll("details.stop[open]")) { menu.open = false; reach(menu.querySelector("summary")); } return; }
  if (going && keysBox) {
    going = false;
    const link = keysBox.querySelector(`a[data-go="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); location.href = link.href; return; }
  }
  if (event.key === "g") { going = true; return; }
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});
for (const button of document.querySelectorAll("[data-keys]")) { button.hidden = false; button.addEventListener("click", showKeys); }

function light(event) {
  const state = event.target.closest ? event.target.closest(".diagram [data-state]") : null;
  for (const drawing of document.querySelectorAll(".diagram.asked")) drawing.classList.remove("asked");
  for (const edge of document.querySelectorAll(".edge.lit")) edge.classList.remove("lit");
  if (!state) return;
  const drawing = state.closest(".diagram");
  drawing.classList.add("asked");
  for (const edge of drawing.querySelectorAll(".edge")) {
    if (edge.dataset.from === state.dataset.state) edge.classList.add("lit");
  }
}
document.addEventListener("pointerover", light);

/* A path that is wider than the screen shows its latest end first. */
for (const box of document.querySelectorAll(".chart .scroll")) box.scrollLeft = box.scrollWidth;

/* Where nothing could be drawn yet, the page is shown anew once something can; not under somebody who types. */
const AWAIT_MS = 5000;
for (const mark of document.querySelectorAll("[data-await]")) {
  const wait = async () => {
    const idle = document.visibilityState === "visible" && !document.querySelector("dialog[open]") && !document.activeElement.closest("input, select, textarea");
    const there = idle && await fetch(mark.dataset.await, { headers: { Accept: "application/json" } }).then((answer) => answer.ok, () => false);
    if (there) location.reload(); else setTimeout(wait, AWAIT_MS);
  };
  setTimeout(wait, AWAIT_MS);
}

const address = document.body.dataset.events;
if (address) follow(address);
else if (document.body.dataset.poll) follow(document.body.dataset.poll, true);
else if (stream) stream.remove();
