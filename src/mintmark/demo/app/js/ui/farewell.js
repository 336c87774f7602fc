// After signing out: the tokens that were in use are shown to the services once more, and forgotten.

import { call } from "../calls.js";
import { takeApart } from "../jwt.js";
import { byId, h } from "./dom.js";

const GIVE_UP = 5_000; // milliseconds
const DOORS = { orders: "/orders", billing: "/invoices/1001" };

/** Call each service with the token that it accepted a moment ago, until it refuses, and say how long that took. */
export async function proveSignedOut(services, tokens) {
  const since = performance.now();
  const held = Object.entries(tokens).filter(([, token]) => token !== null);
  const left = Math.round(takeApart(tokens.orders).claims.exp - Date.now() / 1000);
  const verdicts = await Promise.all(
    held.map(([place, token]) => untilRefused(place, `${services[place]}${DOORS[place]}`, token, since)));
  byId("farewell").replaceChildren(h("div", { class: "card", role: "status", id: "proof" },
    h("h2", {}, "You are signed out, everywhere"),
    h("p", {}, `The token of this page would have been good for ${Math.max(0, left)} s more. `,
      "The page showed it once more to the services, then forgot it:"),
    h("ul", { class: "verdicts" }, verdicts.map(verdictItem))));
  byId("farewell").hidden = false;
}

async function untilRefused(place, url, token, since) {
  for (;;) {
    const exchange = await call(place, url, token);
    const after = Math.round(performance.now() - since);
    if (!exchange.ok || after > GIVE_UP) return { ...exchange, after };
    await new Promise((resolve) => { window.setTimeout(resolve, 50); });
  }
}

function verdictItem({ place, ok, status, after, code, error, reason }) {
  const attributes = { "data-place": place, "data-after": String(after), "data-status": String(status) };
  const chip = h("span", { class: `chip chip-${ok ? "alarm" : "refused"}` }, String(status));
  if (ok) return h("li", attributes, chip, " ", h("strong", {}, place), " still accepts it");
  return h("li", attributes, chip, " ", h("strong", {}, place), ` refused it after ${after} ms: `,
    h("code", {}, code ?? error ?? ""), " ", reason ?? "");
}
