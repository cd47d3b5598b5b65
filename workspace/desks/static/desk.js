// Brings what has changed into the page, without touching the form that is being filled in.
"use strict";

const EVERY = 2000;
const said = document.getElementById("said");
let version = document.body.dataset.version;

async function look() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.body.dataset.version === version) return;
  version = page.body.dataset.version;
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    if (!old || old.innerHTML === fresh.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.innerHTML = fresh.innerHTML;
    if (focused) document.getElementById(focused)?.focus();
  }
  said.textContent = page.body.dataset.news;
}

setInterval(() => look().catch(() => {}), EVERY);
