// A call with a token, and the answer in a form that can be shown.

/**
 * @returns what was asked and answered: place, method, url, status, ok, ms, body, header, and why it was refused.
 */
export async function call(place, url, token, method = "GET") {
  const started = performance.now();
  const asked = { place, method, url, shownToken: shorten(token) };
  try {
    const response = await fetch(url, { method, headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
    const body = await response.json().catch(() => null);
    const ms = Math.round(performance.now() - started);
    const header = response.headers.get("WWW-Authenticate");
    return { ...asked, status: response.status, ok: response.ok, ms, body, header, ...reasonOf(body, header) };
  } catch {
    const nothing = { status: 0, ok: false, ms: 0, body: null, header: null };
    return { ...asked, ...nothing, error: "no_answer", code: null, reason: `${place} does not answer` };
  }
}

/** The parameters of a Bearer challenge (RFC 6750 3). */
export function readChallenge(header) {
  const parameters = {};
  for (const [, name, quoted, plain] of header.matchAll(/([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)) {
    parameters[name] = quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, "$1");
  }
  return parameters;
}

function reasonOf(body, header) {
  const challenge = header ? readChallenge(header) : null;
  const error = challenge?.error ?? body?.error ?? null;
  const code = body?.reason ?? null;
  const reason = body?.error_description ?? challenge?.error_description ?? body?.detail ?? null;
  return { error, code, reason: typeof reason === "string" ? reason : null };
}

const shorten = (token) => (token.length > 40 ? `${token.slice(0, 16)}…${token.slice(-10)}` : token);
