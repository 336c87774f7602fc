// Tokens as text: taking apart, checking with the Web Crypto API, and spoiling them on purpose.

const utf8 = new TextEncoder();

export function toBase64url(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromBase64url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

const readJson = (part) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64url(part)));
const writeJson = (value) => toBase64url(utf8.encode(JSON.stringify(value)));

/** Take a compact JWS apart. Nothing is verified by this. */
export function takeApart(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new Error("not a token of three parts");
  const [header, claims] = parts.slice(0, 2).map(readJson);
  return { header, claims, parts, signatureBytes: fromBase64url(parts[2]).length };
}

// RFC 7518 3.1: what each `alg` means to the Web Crypto API.
const ALGORITHMS = {
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  ES384: [{ name: "ECDSA", namedCurve: "P-384" }, { name: "ECDSA", hash: "SHA-384" }],
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, { name: "RSASSA-PKCS1-v1_5" }],
  PS256: [{ name: "RSA-PSS", hash: "SHA-256" }, { name: "RSA-PSS", saltLength: 32 }],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  Ed25519: [{ name: "Ed25519" }, { name: "Ed25519" }],
};

/** Verify the signature with the key of `jwks` that the token names. The key's `alg` decides, never the token's. */
export async function verifySignature(token, jwks) {
  const { header, parts } = takeApart(token);
  const jwk = jwks.keys.find((key) => key.kid === header.kid);
  if (!jwk) return { ok: false, why: `no key “${header.kid}” in the issuer's key set` };
  if (jwk.alg !== header.alg || !ALGORITHMS[jwk.alg]) return { ok: false, why: "the key is for another algorithm" };
  const [importAs, verifyAs] = ALGORITHMS[jwk.alg];
  const material = { ...jwk, key_ops: ["verify"] };
  delete material.use;
  delete material.alg;
  const key = await crypto.subtle.importKey("jwk", material, importAs, false, ["verify"]);
  const signed = utf8.encode(`${parts[0]}.${parts[1]}`);
  const ok = await crypto.subtle.verify(verifyAs, key, fromBase64url(parts[2]), signed);
  return ok ? { ok, kid: jwk.kid, alg: jwk.alg } : { ok, why: "the signature does not fit" };
}

/** The same token with other claims and the old signature: what a forger without the key can do. */
export function tamper(token, changes) {
  const { claims, parts } = takeApart(token);
  return [parts[0], writeJson({ ...claims, ...changes }), parts[2]].join(".");
}

/** The same claims with `alg: none` and no signature (RFC 8725 2.1). */
export function unsign(token) {
  const { header, parts } = takeApart(token);
  return `${writeJson({ ...header, alg: "none" })}.${parts[1]}.`;
}
