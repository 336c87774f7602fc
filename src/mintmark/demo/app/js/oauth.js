// OAuth 2.1 and OpenID Connect as a public client: discovery, PKCE, the checks of an answer, and the token endpoint.

import { takeApart, toBase64url, verifySignature } from "./jwt.js";

const PENDING = "mintmark.pending"; // state, nonce and PKCE verifier of a sign-in under way; never a token
const LEEWAY = 30; // seconds

/** What the issuer or the protocol refused; `code` is OAuth's own word for it. */
export class OAuthError extends Error {
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const random = (bytes = 32) => toBase64url(crypto.getRandomValues(new Uint8Array(bytes)));

export class Client {
  constructor(config, metadata) {
    this.config = config;
    this.metadata = metadata;
  }

  /** RFC 8414 3.3: the metadata must name the issuer that it was asked of. */
  static async discover(config) {
    const response = await fetch(`${config.issuer}/.well-known/openid-configuration`);
    if (!response.ok) throw new OAuthError("discovery_failed", `discovery answered ${response.status}`);
    const metadata = await response.json();
    if (metadata.issuer !== config.issuer) throw new OAuthError("issuer_mismatch", "discovery names another issuer");
    return new Client(config, metadata);
  }

  /** A new authorization request: the address, and what the answer will be checked with (RFC 7636, RFC 9207). */
  async begin(redirectPath, extra = {}) {
    const pending = {
      state: random(), nonce: random(), verifier: random(),
      redirectUri: new URL(redirectPath, window.location.origin).href,
    };
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
    const url = new URL(this.metadata.authorization_endpoint);
    const parameters = {
      response_type: "code", client_id: this.config.client_id, redirect_uri: pending.redirectUri,
      scope: this.config.scope, state: pending.state, nonce: pending.nonce,
      code_challenge: toBase64url(new Uint8Array(digest)), code_challenge_method: "S256", ...extra,
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url: url.href, pending };
  }

  /** Check an authorization answer and redeem its code. */
  async complete(answer, pending) {
    if (!pending || answer.state !== pending.state) {
      throw new OAuthError("state_mismatch", "the answer does not belong to a sign-in that this page began");
    }
    const expectsIssuer = this.metadata.authorization_response_iss_parameter_supported === true;
    if (answer.iss !== this.config.issuer && (expectsIssuer || answer.iss !== undefined)) {
      throw new OAuthError("issuer_mismatch", "the answer comes from another issuer"); // RFC 9207 2.4
    }
    if (answer.error) throw new OAuthError(answer.error, answer.error_description ?? answer.error);
    const tokens = await this.#token({
      grant_type: "authorization_code", code: answer.code ?? "",
      redirect_uri: pending.redirectUri, code_verifier: pending.verifier,
    });
    await this.#checkIdToken(tokens.id_token, pending.nonce);
    return tokens;
  }

  /** RFC 6749 6; `resource` (RFC 8707 2.2) asks for a token for another service of the same grant. */
  async refresh(refreshToken, resource = null) {
    return this.#token({ grant_type: "refresh_token", refresh_token: refreshToken, ...(resource && { resource }) });
  }

  async keys() {
    const response = await fetch(this.metadata.jwks_uri);
    if (!response.ok) throw new OAuthError("keys_unavailable", `the key set answered ${response.status}`);
    return response.json();
  }

  async #token(fields) {
    const askedAt = Date.now();
    const response = await fetch(this.metadata.token_endpoint, {
      method: "POST", body: new URLSearchParams({ client_id: this.config.client_id, ...fields }), cache: "no-store",
    });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) {
      throw new OAuthError(body.error ?? "server_error", body.error_description ?? "the token endpoint refused", response.status);
    }
    return { ...body, expiresAt: askedAt + body.expires_in * 1000, askedAt };
  }

  /** OpenID Connect Core 3.1.3.7. */
  async #checkIdToken(idToken, nonce) {
    const refuse = (why) => { throw new OAuthError("id_token_refused", `the ID token is refused: ${why}`); };
    if (!idToken) refuse("there is none");
    const verdict = await verifySignature(idToken, await this.keys());
    if (!verdict.ok) refuse(verdict.why);
    const { claims } = takeApart(idToken);
    const now = Date.now() / 1000;
    if (claims.iss !== this.config.issuer) refuse("it comes from another issuer");
    if (![claims.aud].flat().includes(this.config.client_id)) refuse("it is meant for another client");
    if ((claims.azp ?? this.config.client_id) !== this.config.client_id) refuse("another client asked for it");
    if (!(claims.exp > now - LEEWAY)) refuse("it has expired");
    if (!(claims.iat < now + LEEWAY)) refuse("it was issued in the future");
    if (claims.nonce !== nonce) refuse("its nonce is not the one of this sign-in");
  }
}

/** The pending sign-in survives the redirect in sessionStorage, and is taken out at the first look. */
export const pendingStore = {
  put: (pending) => sessionStorage.setItem(PENDING, JSON.stringify(pending)),
  take: () => {
    const text = sessionStorage.getItem(PENDING);
    sessionStorage.removeItem(PENDING);
    return text === null ? null : JSON.parse(text);
  },
};
