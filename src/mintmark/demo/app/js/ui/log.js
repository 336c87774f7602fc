// What happened, youngest first. A live region: screen readers hear each new entry.

import { byId, clockTime, h } from "./dom.js";

const KEPT = 60;
const WORDS = { ok: "OK", refused: "Refused", warn: "Attention", info: "Note", alarm: "Alarm" };

/** Add an entry: kind, title, text, and for calls the exchange it tells of. */
export function addToLog({ kind, title, text, exchange = null }) {
  const list = byId("log");
  list.prepend(h("li", { class: `entry entry-${kind}` },
    h("p", { class: "entry-head" },
      h("span", { class: `chip chip-${kind}` }, exchange?.status ? String(exchange.status) : WORDS[kind]),
      h("strong", {}, title), h("time", {}, clockTime(Date.now()))),
    text ? h("p", { class: "entry-text" }, text) : null,
    codesOf(exchange),
    exchange ? rawExchange(exchange) : null));
  while (list.children.length > KEPT) list.lastElementChild.remove();
}

export const clearLog = () => byId("log").replaceChildren();

function codesOf(exchange) {
  const codes = exchange ? [exchange.error, exchange.code].filter(Boolean) : [];
  return codes.length ? h("p", { class: "codes" }, [...new Set(codes)].map((code) => h("code", {}, code))) : null;
}

function rawExchange(exchange) {
  const { pathname, host } = new URL(exchange.url);
  const lines = [
    `${exchange.method} ${pathname} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${exchange.shownToken}`, ""];
  if (exchange.status) lines.push(`HTTP/1.1 ${exchange.status}   (${exchange.ms} ms)`);
  if (exchange.header) lines.push(`WWW-Authenticate: ${exchange.header}`);
  if (exchange.body !== null) lines.push("", JSON.stringify(exchange.body, null, 2));
  return h("details", {}, h("summary", {}, "Request and answer"), h("pre", { tabindex: "0" }, lines.join("\n")));
}
