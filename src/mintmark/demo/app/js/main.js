// Wires the session to the page.

import { verifySignature, takeApart } from "./jwt.js";
import { Client, OAuthError } from "./oauth.js";
import { Session, SignOutUnfinished } from "./session.js";
import { clearOutcomes, drawDeeds, drawReadiness } from "./ui/deeds.js";
import { byId, h } from "./ui/dom.js";
import { proveSignedOut } from "./ui/farewell.js";
import { addToLog, clearLog } from "./ui/log.js";
import { drawParts, drawTimes } from "./ui/parts.js";
import { drawPlaces, tellPlace } from "./ui/places.js";
import { drawCountdown, drawToken } from "./ui/token.js";

// OpenID Connect Core 3.1.2.6: what prompt=none answers when the person has to do something
const QUIET_ERRORS = new Set(
  ["login_required", "interaction_required", "consent_required", "account_selection_required"]);

let config;
let client;
let session;
let shownPart = "access";

start();

async function start() {
  try {
    config = await (await fetch("/config.json")).json();
    byId("hint-person").textContent = config.person;
    client = await Client.discover(config);
  } catch (error) {
    showWelcome(`The issuer does not answer, so nobody can sign in just now. (${error.message})`);
    byId("sign-in").addEventListener("click", () => window.location.reload());
    return;
  }
  session = new Session(client);
  session.addEventListener("change", draw);
  session.addEventListener("note", (event) => noteFromSession(event.detail));
  session.addEventListener("ended", (event) => {
    showWelcome(`Your sign-in has ended: ${event.detail}. Perhaps you signed out in another window.`);
  });
  drawPlaces(config);
  drawDeeds(session, config);
  wireButtons();
  window.setInterval(tick, 250);
  await (window.location.pathname === "/callback" ? comeBack() : lookForSignIn());
}

async function comeBack() {
  byId("looking-text").textContent = "Finishing the sign-in…";
  try {
    await session.finishSignIn();
    byId("desk-title").focus();
  } catch (error) {
    showWelcome(`The sign-in did not succeed: ${error.message}.`);
  }
}

async function lookForSignIn() {
  try {
    await session.recover();
  } catch (error) {
    const quiet = error instanceof OAuthError && QUIET_ERRORS.has(error.code);
    showWelcome(quiet ? null : `Could not ask silently whether you are signed in: ${error.message}.`);
  }
}

function wireButtons() {
  byId("sign-in").addEventListener("click", () => session.signIn());
  byId("refresh").addEventListener("click", () => session.refresh("asked").catch(() => {}));
  byId("clear").addEventListener("click", clearLog);
  byId("sign-out").addEventListener("click", signOut);
  const tabs = [byId("tab-access"), byId("tab-id")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => choosePart(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - tabs.indexOf(tab)];
      choosePart(other);
      other.focus();
    });
  }
}

function choosePart(chosen) {
  shownPart = chosen.id === "tab-id" ? "id" : "access";
  for (const tab of [byId("tab-access"), byId("tab-id")]) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
  }
  byId("parts").setAttribute("aria-labelledby", chosen.id);
  drawPart();
}

function draw() {
  if (!session.signedIn) return showWelcome(null);
  byId("looking").hidden = true;
  byId("welcome").hidden = true;
  byId("desk").hidden = false;
  const { claims } = takeApart(session.idToken);
  byId("who").hidden = false;
  byId("who-name").textContent = claims.name ?? claims.preferred_username ?? config.person;
  byId("who-mail").textContent = claims.email ?? "";
  drawToken(session);
  drawPart();
  drawReadiness(session, config);
  return undefined;
}

function drawPart() {
  const token = shownPart === "id" ? session.idToken : session.accessToken;
  if (token) drawParts(token, client.keys().then((keys) => verifySignature(token, keys)));
}

function tick() {
  if (!session.signedIn) return;
  drawCountdown(session);
  drawReadiness(session, config);
  drawTimes();
}

function noteFromSession({ kind, title, text }) {
  addToLog({ kind, title, text });
  tellPlace("issuer", kind, { ok: "gave new tokens", warn: "does not answer" }[kind]);
}

function showWelcome(trouble) {
  byId("looking").hidden = true;
  byId("desk").hidden = true;
  byId("who").hidden = true;
  byId("welcome").hidden = false;
  byId("trouble").hidden = trouble === null;
  byId("trouble").textContent = trouble ?? "";
}

/** Sign out, then show with the tokens that were in use that both services refuse them at once. */
async function signOut() {
  byId("sign-out").disabled = true;
  try {
    const orders = await session.freshAccessToken();
    const billing = await session.tokenFor("billing").catch(() => null);
    await session.signOut();
    await proveSignedOut(config.services, { orders, billing });
  } catch (error) {
    showWelcome(`This page has forgotten its tokens, but could not tell the issuer: ${error.message}. `);
    if (error instanceof SignOutUnfinished) {
      const attributes = { type: "button", class: "quiet", onclick: error.finish };
      byId("trouble").append(h("button", attributes, "Sign out at the issuer"));
    }
  } finally {
    byId("sign-out").disabled = false;
    clearLog();
    clearOutcomes();
    for (const id of ["raw", "parts", "lives"]) byId(id).replaceChildren();
    byId("welcome-title").focus();
  }
}
