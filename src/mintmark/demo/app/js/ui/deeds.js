// The deeds as buttons, with what came of each.

import { call } from "../calls.js";
import { MISUSES, USES } from "../deeds.js";
import { byId, duration, h } from "./dom.js";
import { addToLog } from "./log.js";
import { tellPlace } from "./places.js";

/** Draw the deeds once; `drawReadiness` keeps them up to date. */
export function drawDeeds(session, config) {
  const section = (title, deeds) => h("section", {},
    h("h3", {}, title),
    h("ul", { class: "deed-list" }, deeds.map((deed) => deedItem(deed, session, config))));
  byId("deeds").replaceChildren(section("Use it", USES), section("Misuse it", MISUSES));
}

/** Some deeds need a moment before they can be done. */
export function drawReadiness(session, config) {
  for (const deed of MISUSES.filter((candidate) => candidate.wait)) {
    const seconds = deed.wait(session, config.leeway);
    byId(`deed-${deed.id}`).setAttribute("aria-disabled", String(seconds > 0));
    byId(`deed-${deed.id}-text`).textContent = seconds > 0
      ? `In ${duration(seconds)}: then the first token is out of date.` : deed.text;
  }
}

/** Forget the outcomes: somebody else may sign in next. */
export function clearOutcomes() {
  for (const outcome of document.querySelectorAll(".outcome")) outcome.replaceChildren();
}

function deedItem(deed, session, config) {
  const id = `deed-${deed.id}`;
  const act = () => doDeed(deed, session, config);
  return h("li", {},
    h("button", { type: "button", id, "aria-describedby": `${id}-text`, onclick: act }, deed.title),
    h("p", { id: `${id}-text`, class: "deed-text" }, deed.text),
    h("p", { id: `${id}-outcome`, class: "outcome" }));
}

async function doDeed(deed, session, config) {
  const button = byId(`deed-${deed.id}`);
  if (button.getAttribute("aria-disabled") === "true" || !session.signedIn) return;
  button.setAttribute("aria-busy", "true");
  try {
    const token = await deed.token(session);
    if (!token) return; // signed out meanwhile
    show(deed, await call(deed.place, `${config.services[deed.place]}${deed.path}`, token, deed.method));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function show(deed, exchange) {
  const kind = kindOf(deed, exchange);
  const text = exchange.ok && deed.good ? deed.good(exchange.body) : exchange.reason;
  addToLog({ kind, title: titleOf(deed, kind), text, exchange });
  tellPlace(deed.place, kind, exchange.status
    ? `${exchange.ok ? "answered" : "refused"}, ${exchange.status} in ${exchange.ms} ms` : "does not answer");
  if (deed.through) {
    tellPlace(deed.through, kind, exchange.ok ? `answered ${deed.place}, for you` : "was not reached");
  }
  byId(`deed-${deed.id}-outcome`).replaceChildren(
    h("span", { class: `chip chip-${kind}` }, exchange.status ? String(exchange.status) : "—"), " ",
    ...(exchange.ok ? [] : [h("code", {}, exchange.code ?? exchange.error ?? ""), " "]), text ?? "");
}

function kindOf(deed, exchange) {
  if (exchange.ok) return deed.misuse ? "alarm" : "ok";
  return deed.misuse && exchange.status ? "refused" : "warn";
}

function titleOf(deed, kind) {
  return {
    ok: deed.through ? `${deed.place} answered, with the help of ${deed.through}` : `${deed.place} answered`,
    refused: `${deed.place} refused ${deed.misuse}`,
    warn: `${deed.place} did not help`,
    alarm: `${deed.place} accepted ${deed.misuse}`,
  }[kind];
}
