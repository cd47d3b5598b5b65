// The workspace's page API: JSON over HTTP, and a stream of what happens.

/** What the workspace refused or could not do. `message` is for a person, `answer` its JSON. */
export class ApiError extends Error {
  constructor(message, answer = {}) {
    super(message);
    this.answer = answer;
  }
}

async function read(response) {
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError(`The workspace answered ${response.status} ${response.statusText}.`);
  }
  if (!response.ok || answer.ok === false) {
    throw new ApiError(answer.message ?? answer.error ?? `The workspace answered ${response.status}.`, answer);
  }
  return answer;
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError("The workspace does not answer. Is it still running?");
  }
  return read(response);
}

export const get = (name, query = {}) => ask(`/page/${name}?${new URLSearchParams(query)}`);

export const post = (name, body) =>
  ask(`/page/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/** Uploads a file for `user`; resolves to its id. */
export async function upload(user, file) {
  const form = new FormData();
  form.append("user", user);
  form.append("file", file, file.name);
  const answer = await ask("/page/upload", { method: "POST", body: form });
  return answer.file.id;
}

/**
 * Follows what happens. `onEvent` gets each; `onState` hears whether the stream is open. Returns a
 * function that ends it. The browser reconnects by itself.
 */
export function follow(user, onEvent, onState) {
  const source = new EventSource(`/page/stream?user=${encodeURIComponent(user)}`);
  source.onopen = () => onState(true);
  source.onerror = () => onState(false);
  source.onmessage = (event) => onEvent(JSON.parse(event.data));
  return () => source.close();
}
