// Who takes part, and how each of them fared last.

import { byId, h } from "./dom.js";

const PLACES = {
  page: ["This page", "holds the tokens, in memory"],
  issuer: ["Issuer", "signs tokens"],
  orders: ["orders", "verifies by itself"],
  billing: ["billing", "verifies by itself"],
};

export function drawPlaces(config) {
  const addresses = { page: window.location.origin, issuer: config.issuer, ...config.services };
  byId("places").replaceChildren(...Object.entries(PLACES).map(([id, [name, text]]) =>
    h("li", { id: `place-${id}` },
      h("span", { class: "place-name" }, name), h("code", {}, new URL(addresses[id]).host),
      h("span", { class: "place-text" }, text))));
}

/** kind: ok, refused, warn */
export function tellPlace(id, kind, text) {
  const place = byId(`place-${id}`);
  place.className = `place-${kind}`;
  place.querySelector(".place-text").textContent = text;
}
