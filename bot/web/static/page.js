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

function show(parts) {
  for (const [name, html] of Object.entries(parts)) {
    const box = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (!box) continue;
    const page = new DOMParser().parseFromString(`<body>${html}</body>`, "text/html");
    morphChildren(box, page.body);
  }
}

function poll(address) {
  const again = () => setTimeout(() => poll(address), POLL_MS);
  fetch(address.replace("/events", "/parts"), { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then((parts) => { show(parts); say("on", "Live (polling)"); again(); })
    .catch(() => { say("lost", "No answer from the page; trying again"); again(); });
}

function follow(address) {
  let source = null;
  let failures = 0;
  let lastHeard = performance.now();
  const open = () => {
    source = new EventSource(address);
    source.addEventListener("parts", (event) => {
      failures = 0;
      lastHeard = performance.now();
      show(JSON.parse(event.data));
      say("on", "Live");
    });
    source.addEventListener("beat", () => { lastHeard = performance.now(); say("on", "Live"); });
    source.onerror = () => {
      failures += 1;
      if (performance.now() - lastHeard > QUIET_MS) say("lost", "Connection to the page lost; trying again");
      if (source.readyState !== EventSource.CLOSED) return;
      if (failures > 2) poll(address);
      else setTimeout(open, POLL_MS);
    };
  };
  open();
  setInterval(() => { if (performance.now() - lastHeard > QUIET_MS) say("lost", "Nothing new from the page; trying again"); }, QUIET_MS);
  addEventListener("pagehide", () => { if (source) source.close(); });
}

const confirmBox = document.getElementById("confirm");
let waiting = null;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset || !form.dataset.confirm || !confirmBox || !confirmBox.showModal) return;
  event.preventDefault();
  waiting = { action: form.action, fields: [...new FormData(form)] };
  document.getElementById("confirm-title").textContent = `${form.dataset.yes}?`;
  document.getElementById("confirm-text").textContent = form.dataset.confirm;
  document.getElementById("confirm-yes").textContent = `Yes, ${form.dataset.yes.toLowerCase()}`;
  confirmBox.returnValue = "";
  confirmBox.showModal();
});

if (confirmBox) confirmBox.addEventListener("close", () => {
  const wanted = waiting;
  waiting = null;
  if (!wanted || confirmBox.returnValue !== "yes") return;
  /* The row may have been redrawn meanwhile: what was asked about is sent, from a form of its own. */
  const form = document.createElement("form");
  form.method = "post";
  form.action = wanted.action;
  for (const [name, value] of [...wanted.fields, ["confirmed", "yes"]]) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
});

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

const address = document.body.dataset.events;
if (address && window.EventSource) follow(address);
else if (address) poll(address);
else if (stream) stream.remove();
