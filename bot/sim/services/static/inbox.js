"use strict";
// Keeps the page current: waits for a change of the book, then puts the new messages in place. What somebody is typing,
// and where the focus is, stays. Without this script the page is whole; it is only not renewed.
(() => {
  const live = document.getElementById("live");
  let seen = document.body.dataset.changes;

  const say = (state, words) => { live.dataset.state = state; live.textContent = words; };
  const toEnd = (log) => { log.scrollTop = log.scrollHeight; };

  const renew = async () => {
    const answer = await fetch(location.href.split("#")[0], { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const count of document.querySelectorAll("[data-count]")) {
      const other = fresh.querySelector(`[data-count="${count.dataset.count}"]`);
      if (other && other.textContent !== count.textContent) count.textContent = other.textContent;
    }
    const list = document.querySelector(".chats");
    if (list === null) return;
    for (const chat of fresh.querySelectorAll(".chat")) {
      const here = document.querySelector(`.chat[data-key="${CSS.escape(chat.dataset.key)}"]`);
      if (here === null) { list.append(document.adoptNode(chat)); continue; }
      const [old, now] = [here.querySelector(".log"), chat.querySelector(".log")];
      if (old.innerHTML === now.innerHTML || old.contains(document.activeElement) && document.activeElement !== old) continue;
      const atEnd = old.scrollTop + old.clientHeight >= old.scrollHeight - 40;
      old.innerHTML = now.innerHTML;
      if (atEnd) toEnd(old);
    }
  };

  const follow = async () => {
    for (;;) {
      try {
        const answer = await fetch(`/wait?since=${encodeURIComponent(seen)}`);
        const { changes } = await answer.json();
        if (String(changes) !== seen) { await renew(); seen = String(changes); }
        say("on", "Live");
      } catch {
        say("off", "Not renewed: the simulator does not answer. Trying again in 2 s.");
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
  };

  const allToEnd = () => document.querySelectorAll(".log").forEach(toEnd);
  allToEnd();
  addEventListener("load", allToEnd); // pictures have their height now
  say("on", "Live");
  follow();
})();
