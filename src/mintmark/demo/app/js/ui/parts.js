// The token taken apart: every member with its value, and what it is for.

import { takeApart } from "../jwt.js";
import { byId, fromNow, fullTime, h } from "./dom.js";

const HEADER = {
  alg: "how it is signed; the key decides this, never the token",
  typ: "what kind of token it is, so that one kind is never taken for another",
  kid: "which key of the issuer signed it",
};
const CLAIMS = {
  iss: "who struck it",
  sub: "whom it speaks of",
  aud: "for whom it is meant; everybody else refuses it",
  exp: "refused from then on",
  iat: "when it was struck",
  nbf: "refused before then",
  auth_time: "when the password was checked",
  jti: "its own number",
  sid: "the sign-in it belongs to: signing out ends all of them",
  grant_id: "the grant it was refreshed in",
  client_id: "the app that got it",
  scope: "what it allows",
  roles: "what you are",
  acr: "how sure the issuer is of you",
  amr: "how you proved it",
  nonce: "ties it to this very sign-in",
  azp: "the app it was made for",
  at_hash: "ties it to the access token",
  act: "who acts for you",
};
const TIMES = new Set(["exp", "iat", "nbf", "auth_time", "updated_at"]);

/** Draw `token` into the panel; `verdict` is a promise of the signature's check. */
export function drawParts(token, verdict) {
  const { header, claims, signatureBytes } = takeApart(token);
  const check = h("p", { class: "verdict" }, "checking…");
  verdict.then((found) => {
    check.classList.add(found.ok ? "good" : "bad");
    check.textContent = found.ok
      ? `fits: checked just now, in this page, with the issuer's public key ${found.kid}`
      : `does not fit: ${found.why}`;
  }, () => { check.textContent = "not checked: the key set could not be fetched"; });
  byId("parts").replaceChildren(
    group("header", "Header", header, HEADER),
    group("payload", "Payload", claims, CLAIMS),
    h("section", { class: "part part-signature" },
      h("h3", {}, "Signature"),
      h("p", {}, `${signatureBytes} bytes over header and payload. Change one letter and it no longer fits.`),
      check));
}

/** Renew the «in 15 s» of every time on the page. */
export function drawTimes() {
  for (const element of document.querySelectorAll("[data-time]")) {
    element.textContent = fromNow(Number(element.dataset.time));
  }
}

function group(kind, title, members, meanings) {
  return h("section", { class: `part part-${kind}` },
    h("h3", {}, title),
    h("dl", {}, Object.entries(members).map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, valueOf(name, value), meanings[name]
        ? h("small", {}, meanings[name]) : null)))));
}

function valueOf(name, value) {
  if (TIMES.has(name) && typeof value === "number") {
    const ms = value * 1000;
    return h("span", { class: "value" }, fullTime(ms), " ", h("em", { "data-time": ms }, fromNow(ms)));
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return h("code", { class: "value" }, text);
}
