// The access token as it travels, and how long it still lives.

import { byId, clockTime, duration, h } from "./dom.js";

const SHOWN_LIVES = 6;

/** Draw what changes with the token. */
export function drawToken(session) {
  const token = session.accessToken;
  if (!token) return;
  const [header, payload, signature] = token.split(".");
  byId("raw").replaceChildren(
    h("span", { class: "c-header" }, header), ".",
    h("span", { class: "c-payload" }, payload), ".",
    h("span", { class: "c-signature" }, signature));
  const first = Math.max(0, session.lives.length - SHOWN_LIVES);
  byId("lives").replaceChildren(...session.lives.slice(first).map((life, index, shown) =>
    h("li", { class: index === shown.length - 1 ? "life-now" : null },
      h("span", { class: "life-how" }, life.how), h("time", {}, clockTime(life.at)))));
  drawCountdown(session);
}

/** Draw what changes with the time. */
export function drawCountdown(session) {
  const life = session.lives.at(-1);
  if (!life) return;
  const left = Math.max(0, (life.until - Date.now()) / 1000);
  const share = Math.min(1, left / ((life.until - life.at) / 1000));
  const ring = byId("ring");
  ring.setAttribute("stroke-dashoffset", String(100 - share * 100));
  ring.classList.toggle("low", Date.now() >= session.refreshAt);
  byId("ring-text").textContent = left >= 100 ? `${Math.ceil(left / 60)}m` : `${Math.ceil(left)}s`;
  byId("life-main").textContent = left > 0
    ? `Good until ${clockTime(life.until)}` : "Out of date: services refuse it now";
  byId("life-sub").textContent = nextStep(session);
}

function nextStep(session) {
  if (session.issuerDown) return "The issuer does not answer. The services do not need it to recognise you.";
  const wait = (session.refreshAt - Date.now()) / 1000;
  return wait > 0 ? `The page renews it by itself in ${duration(wait)}.` : "Renewing it now…";
}
