// The product's own routes. The token is kept by this tab, and goes nowhere but here.

const TOKEN = "admin-token";

export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }

  /** Whether a token is missing or wrong. */
  get locked() {
    return this.status === 401 || this.status === 403;
  }

  /** Whether this deployment does not have the route. */
  get absent() {
    return this.status === 404 || this.status === 405;
  }
}

export const hasToken = () => Boolean(sessionStorage.getItem(TOKEN));

export function keepToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

/** A link may carry the token behind the #, which browsers never send to a server. */
export function takeTokenFromLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  keepToken(token);
  history.replaceState(null, "", location.pathname);
}

/** A header can hold only visible ASCII: anything else would be no token of ours. */
export function credentials() {
  const token = (sessionStorage.getItem(TOKEN) ?? "").replace(/[^\x21-\x7e]/g, "");
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** The error that an answer holds, whatever it is made of. */
export async function failure(response) {
  const body = await response.json().catch(() => null);
  const message = body?.error?.message;
  return new ApiError(
    typeof message === "string" ? message : `The server answered ${response.status}.`,
    response.status,
  );
}

async function send(path, options) {
  try {
    return await fetch(path, { ...options, headers: { ...credentials(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached.");
  }
}

/** A JSON document. `anyway` takes one that comes with an error's status too, as health's does. */
export async function read(path, query = {}, { anyway = false } = {}) {
  const given = Object.entries(query).filter(([, value]) => value != null && value !== "");
  const response = await send(given.length ? `${path}?${new URLSearchParams(given)}` : path, { cache: "no-store" });
  if (!response.ok && !anyway) throw await failure(response);
  const body = await response.json().catch(() => null);
  if (body === null || typeof body !== "object") throw new ApiError("The answer could not be read.", response.status);
  if (body.error) throw new ApiError(String(body.error.message ?? "The answer is an error."), response.status);
  return body;
}

export async function change(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await send(path, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!response.ok) throw await failure(response);
  return response.json();
}

/** A chat's stream; the caller reads it. */
export function chat(body, signal) {
  const headers = { "content-type": "application/json" };
  return send("/api/ai/v2/chat", { method: "POST", headers, body: JSON.stringify(body), signal });
}
