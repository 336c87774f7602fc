// What one can do with a token, rightly and wrongly: a table. `misuse` names what must be refused.

import { takeApart, tamper, unsign } from "./jwt.js";

const STRANGER = "mallory";

const fresh = (session) => session.freshAccessToken();

export const USES = [
  {
    id: "orders",
    title: "Call orders",
    text: "Your orders, for your token.",
    place: "orders",
    path: "/orders",
    token: fresh,
    good: ({ orders }) => orders.map((order) => `${order.id} ${order.what}`).join(", "),
  },
  {
    id: "invoice",
    title: "Call billing through orders",
    text: "orders swaps your token for one that is meant for billing. You stay you.",
    place: "orders",
    through: "billing",
    path: "/orders/1001/invoice",
    token: fresh,
    good: ({ invoice }) =>
      `${invoice.number} over ${invoice.total}: billing knew you, and that ${invoice.asked_by} asked for you`,
  },
];

export const MISUSES = [
  {
    id: "tamper",
    title: "Change the token",
    text: `Write “${STRANGER}” into the payload and keep the signature.`,
    misuse: "a changed token",
    place: "orders",
    path: "/orders",
    token: async (session) => tamper(await fresh(session), { sub: STRANGER, roles: ["admin"] }),
  },
  {
    id: "unsigned",
    title: "Take the signature off",
    text: "Say alg “none”, and hope.",
    misuse: "an unsigned token",
    place: "orders",
    path: "/orders",
    token: async (session) => unsign(await fresh(session)),
  },
  {
    id: "expired",
    title: "Use an expired token",
    text: "The one that this page replaced a while ago.",
    misuse: "an expired token",
    place: "orders",
    path: "/orders",
    token: (session) => session.spentToken,
    wait: untilSpentTokenIsOld,
  },
  {
    id: "audience",
    title: "Take it to billing",
    text: "A token for orders, shown to billing directly.",
    misuse: "a token meant for orders",
    place: "billing",
    path: "/invoices/1001",
    token: fresh,
  },
  {
    id: "idtoken",
    title: "Use the ID token",
    text: "It says who you are, and is not meant to open doors.",
    misuse: "the ID token",
    place: "orders",
    path: "/orders",
    token: (session) => session.idToken,
  },
  {
    id: "scope",
    title: "Ask for more",
    text: "Cancel an order; your token allows only reading.",
    misuse: "what the token does not allow",
    place: "orders",
    path: "/orders/1001/cancel",
    method: "POST",
    token: fresh,
  },
];

/** How many seconds until this page holds a token that is out of date; 0 when it does. */
function untilSpentTokenIsOld(session, leeway) {
  const first = session.spentToken ?? session.accessToken;
  if (!first) return Infinity;
  const left = takeApart(first).claims.exp + leeway + 1 - Date.now() / 1000;
  return session.spentToken && left <= 0 ? 0 : Math.max(1, left);
}
