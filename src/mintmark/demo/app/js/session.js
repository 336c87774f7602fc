// The tokens of this page. They live in the private fields below and nowhere else.

import { pendingStore, OAuthError } from "./oauth.js";
import { hiddenForm, throughFrame } from "./frame.js";
import { takeApart } from "./jwt.js";

const LEAD_SHARE = 0.3; // refresh when this share of the life is left …
const LEAD_MOST = 30_000; // … or this many milliseconds, whichever is less
const RETRY_FIRST = 1_000;
const RETRY_MOST = 15_000;
const REASONS = {
  ahead: "Silently, ahead of expiry.",
  asked: "Because you asked.",
  late: "Just before the call that needed it.",
};

/** The page has forgotten its tokens, but the issuer may not know; `finish` goes there with the whole page. */
export class SignOutUnfinished extends Error {
  constructor(message, finish) {
    super(message);
    this.finish = finish;
  }
}

/**
 * Signed in or not, and with what. Events: `change` (anything to draw), `note` (something for the log), `ended` (the
 * issuer does not renew any more).
 */
export class Session extends EventTarget {
  #client;
  #tokens = null;
  #lives = [];
  #spent = null; // the youngest access token that has been replaced: shown to be refused once it is out of date
  #timer = 0;
  #refreshing = null;
  #queue = Promise.resolve(); // one use of the refresh token at a time
  #retry = 0;

  constructor(client) {
    super();
    this.#client = client;
  }

  get signedIn() { return this.#tokens !== null; }
  get accessToken() { return this.#tokens?.access_token ?? null; }
  get idToken() { return this.#tokens?.id_token ?? null; }
  get spentToken() { return this.#spent; }
  get lives() { return this.#lives; }
  get refreshAt() { return this.#tokens ? this.#tokens.expiresAt - this.#lead() : null; }
  get issuerDown() { return this.#retry > 0; }

  /** Leave for the issuer's sign-in page; the answer arrives at /callback. */
  async signIn() {
    const { url, pending } = await this.#client.begin("/callback");
    pendingStore.put(pending);
    window.location.assign(url);
  }

  /** Back from the sign-in page: check the answer and take it out of the address bar before anything else. */
  async finishSignIn() {
    const answer = Object.fromEntries(new URLSearchParams(window.location.search));
    window.history.replaceState(null, "", "/");
    const tokens = await this.#client.complete(answer, pendingStore.take());
    this.#adopt(tokens, "signed in");
    this.#note("ok", "Signed in", "State, issuer, PKCE and nonce were checked; the code was redeemed for tokens.");
  }

  /** After a reload: ask the issuer, without a word to the person, whether there is still a sign-in. */
  async recover() {
    const { url, pending } = await this.#client.begin("/relay", { prompt: "none" });
    const answer = await throughFrame(url);
    const tokens = await this.#client.complete(answer, pending);
    this.#adopt(tokens, "recovered");
    this.#note("ok", "Recognised again", "The page was loaded anew; the issuer knows you still and gave new tokens.");
  }

  /** A token with some life left; refreshes first when there is little. Single flight. */
  async freshAccessToken() {
    if (this.#tokens && Date.now() > this.#tokens.expiresAt - 500) await this.refresh("late");
    return this.accessToken;
  }

  refresh(why) {
    this.#refreshing ??= this.#inTurn(() => this.#refresh(why)).finally(() => { this.#refreshing = null; });
    return this.#refreshing;
  }

  /** An access token for another service of the same sign-in; the page keeps none of these. */
  async tokenFor(resource) {
    return this.#inTurn(async () => {
      const { refresh_token, access_token } = await this.#client.refresh(this.#tokens, resource);
      this.#tokens.refresh_token = refresh_token;
      return access_token;
    });
  }

  /** End the sign-in at the issuer without leaving the page (RP-Initiated Logout 1.0), and forget the tokens. */
  async signOut() {
    window.clearTimeout(this.#timer);
    await this.#queue;
    const state = crypto.randomUUID();
    const fields = {
      id_token_hint: this.idToken, client_id: this.#client.config.client_id, state,
      post_logout_redirect_uri: new URL("/relay", window.location.origin).href,
    };
    const endpoint = this.#client.metadata.end_session_endpoint;
    try {
      const answer = await throughFrame(endpoint, { fields });
      if (answer.state !== state) throw new OAuthError("state_mismatch", "the answer to the sign-out is not ours");
    } catch (error) {
      throw new SignOutUnfinished(error.message, () => hiddenForm(endpoint, fields).submit());
    } finally {
      this.forget(); // whatever the issuer says: this page holds nothing any more
    }
  }

  forget() {
    window.clearTimeout(this.#timer);
    this.#tokens = null;
    this.#spent = null;
    this.#lives = [];
    this.#retry = 0;
    this.#changed();
  }

  #inTurn(work) {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #refresh(why) {
    if (!this.#tokens) return; // signed out meanwhile
    window.clearTimeout(this.#timer);
    try {
      const tokens = await this.#client.refresh(this.#tokens);
      this.#retry = 0;
      this.#adopt(tokens, "refreshed");
      this.#note("ok", "Refreshed", `${REASONS[why]} New access token, new refresh token; the old one is spent.`);
    } catch (error) {
      this.#refreshFailed(error);
      if (why === "asked") throw error;
    }
  }

  #refreshFailed(error) {
    if (error instanceof OAuthError && error.status >= 400 && error.status < 500 && error.status !== 429) {
      this.forget();
      this.dispatchEvent(new CustomEvent("ended", { detail: `${error.message} (${error.code})` }));
      return;
    }
    this.#retry = Math.min(RETRY_MOST, this.#retry * 2 || RETRY_FIRST);
    const left = Math.max(0, Math.round((this.#tokens.expiresAt - Date.now()) / 1000));
    this.#note("warn", "The issuer does not answer",
      `The services do without it: this token is good for ${left} s more. Trying again in ${this.#retry / 1000} s.`);
    this.#timer = window.setTimeout(() => this.refresh("ahead"), this.#retry);
    this.#changed();
  }

  #adopt(tokens, how) {
    this.#spent = this.#tokens?.access_token ?? this.#spent;
    this.#tokens = tokens;
    const { claims } = takeApart(tokens.access_token);
    this.#lives = [...this.#lives, { how, at: tokens.askedAt, until: claims.exp * 1000 }].slice(-24);
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.refresh("ahead"), Math.max(0, this.refreshAt - Date.now()));
    this.#changed();
  }

  #lead() {
    return Math.min(LEAD_MOST, (this.#tokens.expiresAt - this.#tokens.askedAt) * LEAD_SHARE);
  }

  #changed() { this.dispatchEvent(new Event("change")); }

  #note(kind, title, text) {
    this.dispatchEvent(new CustomEvent("note", { detail: { kind, title, text } }));
  }
}
