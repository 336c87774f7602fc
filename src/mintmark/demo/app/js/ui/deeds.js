// What one can do with a token, rightly and wrongly. A table: each deed says what it needs, does and should lead to.

import { call } from "../calls.js";
import { takeApart, tamper, unsign } from "../jwt.js";
import { byId, duration, h } from "./dom.js";
import { addToLog } from "./log.js";
import { tellPlace } from "./places.js";

const STRANGER = "mallory";

export const DEEDS = [
  { group: "Use it" },
  { id: "orders", title: "Call orders", text: "Your orders, for your token.", place: "orders", path: "/orders",
    token: (session) => session.freshAccessToken(), good: (body) => body.orders.map((order) => `${order.id} ${order.what}`).join(", ") },
  { id: "invoice", title: "Call billing through orders",
    text: "orders swaps your token for one that is meant for billing. You stay you.", place: "orders", path: "/orders/1001/invoice",
    token: (session) => session.freshAccessToken(),
    good: (body) => `${body.invoice.number} over ${body.invoice.total}: billing knew you, and that ${body.invoice.asked_by} asked for you` },
  { group: "Misuse it" },
  { id: "tamper", misuse: "a changed token", title: "Change the token", text: `Write “${STRANGER}” into the payload and keep the signature.`, place: "orders",
    path: "/orders",
    token: async (session) => tamper(await session.freshAccessToken(), { sub: STRANGER, roles: ["admin"] }) },
  { id: "unsigned", misuse: "an unsigned token", title: "Take the signature off", text: "Say alg “none”, and hope.", place: "orders", path: "/orders",
    token: async (session) => unsign(await session.freshAccessToken()) },
  { id: "expired", misuse: "an expired token", title: "Use an expired token", text: "The one that this page replaced a while ago.", place: "orders", path: "/orders",
    token: (session) => session.spentToken, ready: expiredReady },
  { id: "audience", misuse: "a token meant for orders", title: "Take it to billing", text: "A token for orders, shown to billing directly.", place: "billing",
    path: "/invoices/1001", token: (session) => session.freshAccessToken() },
  { id: "idtoken", misuse: "the ID token", title: "Use the ID token", text: "It says who you are, and is not meant to open doors.", place: "orders", path: "/orders",
    token: (session) => session.idToken },
  { id: "scope", misuse: "what the token does not allow", title: "Ask for more", text: "Cancel an order; your token allows only reading.", place: "orders",
    path: "/orders/1001/cancel", method: "POST", token: (session) => session.freshAccessToken() },
];

/** Draw the deeds once; `drawReadiness` keeps them up to date. */
export function drawDeeds(session, config) {
  const sections = [];
  for (const deed of DEEDS) {
    if (deed.group) {
      const list = h("ul", { class: "deed-list" });
      sections.push(h("section", {}, h("h3", {}, deed.group), list));
    } else sections.at(-1).lastChild.append(deedItem(deed, session, config));
  }
  byId("deeds").replaceChildren(...sections);
}

export function drawReadiness(session, config) {
  for (const deed of DEEDS.filter((candidate) => candidate.ready)) {
    const wait = deed.ready(session, config);
    byId(`deed-${deed.id}`).setAttribute("aria-disabled", String(wait !== null));
    byId(`deed-${deed.id}-text`).textContent = wait ?? deed.text;
  }
}

/** Forget the outcomes: somebody else may sign in next. */
export function clearOutcomes() {
  for (const outcome of document.querySelectorAll(".outcome")) outcome.replaceChildren();
}

function deedItem(deed, session, config) {
  return h("li", {},
    h("button", { type: "button", id: `deed-${deed.id}`, "aria-describedby": `deed-${deed.id}-text`,
      onclick: () => doDeed(deed, session, config) }, deed.title),
    h("p", { id: `deed-${deed.id}-text`, class: "deed-text" }, deed.text),
    h("p", { class: "outcome", id: `deed-${deed.id}-outcome` }));
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
  const title = { ok: `${deed.place} answered`, refused: `${deed.place} refused ${deed.misuse}`,
    warn: `${deed.place} did not help`, alarm: `${deed.place} accepted ${deed.misuse}` }[kind];
  addToLog({ kind, title, text, exchange });
  tellPlace(deed.place, kind, exchange.status ? `${exchange.ok ? "answered" : "refused"}, ${exchange.status} in ${exchange.ms} ms` : "does not answer");
  if (deed.id === "invoice") tellPlace("billing", kind, exchange.ok ? "answered orders, for you" : "was not reached");
  byId(`deed-${deed.id}-outcome`).replaceChildren(
    h("span", { class: `chip chip-${kind}` }, exchange.status ? String(exchange.status) : "—"), " ",
    exchange.ok ? text : h("span", {}, h("code", {}, exchange.code ?? exchange.error ?? ""), " ", text ?? ""));
}

function kindOf(deed, exchange) {
  if (exchange.ok) return deed.misuse ? "alarm" : "ok";
  return deed.misuse && exchange.status ? "refused" : "warn";
}

function expiredReady(session, config) {
  const spent = session.spentToken;
  const until = spent ?? session.accessToken;
  if (!until) return "…";
  const wait = takeApart(until).claims.exp + config.leeway + 1 - Date.now() / 1000;
  if (wait <= 0 && spent) return null;
  return `In ${duration(Math.max(1, wait))}: then the first token is out of date.`;
}
