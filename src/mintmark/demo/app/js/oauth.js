// OAuth 2.1 and OpenID Connect as a public client: discovery, PKCE, the checks of an answer, the token endpoint.

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
    if (metadata.issuer !== config.issuer) {
      throw new OAuthError("issuer_mismatch", "discovery names another issuer");
    }
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
    const { nonce } = await this.#checkIdToken(tokens.id_token);
    if (nonce !== pending.nonce) throw refusedIdToken("its nonce is not the one of this sign-in");
    return tokens;
  }

  /**
   * New tokens for old ones (RFC 6749 6); a new ID token must speak of the same person (OpenID Connect Core 12.2).
   * `resource` (RFC 8707 2.2) asks for a token for another service of the same grant.
   */
  async refresh({ refresh_token, id_token }, resource = null) {
    const tokens = await this.#token({ grant_type: "refresh_token", refresh_token, ...(resource && { resource }) });
    if (tokens.id_token) {
      const [before, now] = [takeApart(id_token).claims, await this.#checkIdToken(tokens.id_token)];
      if (now.sub !== before.sub) throw refusedIdToken("it speaks of somebody else");
      if (now.nonce !== undefined && now.nonce !== before.nonce) throw refusedIdToken("it is of another sign-in");
    }
    return { refresh_token, id_token, ...tokens };
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
      const why = body.error_description ?? "the token endpoint refused";
      throw new OAuthError(body.error ?? "server_error", why, response.status);
    }
    return { ...body, expiresAt: askedAt + body.expires_in * 1000, askedAt };
  }

  /** Everything of OpenID Connect Core 3.1.3.7 but the nonce; returns the claims. */
  async #checkIdToken(idToken) {
    if (!idToken) throw refusedIdToken("there is none");
    const verdict = await verifySignature(idToken, await this.keys());
    if (!verdict.ok) throw refusedIdToken(verdict.why);
    const { claims } = takeApart(idToken);
    const now = Date.now() / 1000;
    if (claims.iss !== this.config.issuer) throw refusedIdToken("it comes from another issuer");
    if (![claims.aud].flat().includes(this.config.client_id)) throw refusedIdToken("it is meant for another client");
    if (![undefined, this.config.client_id].includes(claims.azp)) throw refusedIdToken("another client asked for it");
    if (!(claims.exp > now - LEEWAY)) throw refusedIdToken("it has expired");
    if (!(claims.iat < now + LEEWAY)) throw refusedIdToken("it was issued in the future");
    return claims;
  }
}

const refusedIdToken = (why) => new OAuthError("id_token_refused", `the ID token is refused: ${why}`);

/** The pending sign-in survives the redirect in sessionStorage, and is taken out at the first look. */
export const pendingStore = {
  put: (pending) => sessionStorage.setItem(PENDING, JSON.stringify(pending)),
  take: () => {
    const text = sessionStorage.getItem(PENDING);
    sessionStorage.removeItem(PENDING);
    return text === null ? null : JSON.parse(text);
  },
};
