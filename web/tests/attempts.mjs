/**
 * What a page may try against a server: ways to send a request. Each function runs in the page, tries one of them, and
 * returns all text that the page could read of the answer.
 */

/**
 * @typedef {{ method: string, path: string, mode?: RequestMode, type?: string, more?: RequestInit, headers?: Record<string, string> }} Fetching
 * @typedef {{ api: string, stranger: string, entry: string }} Where The server, the stranger's site, and an entry of the conflict log.
 * @typedef {object} Attempt
 * @property {string} name
 * @property {string} sends The method that the server must see in the end; empty if the browser itself sends nothing to another origin.
 * @property {(where: Where) => [Function, unknown]} run What runs in the page, and what it is given.
 */

/** @type {(name: string, sends: string, work: (where: any) => Promise<string[]>) => Attempt} */
const attempt = (name, sends, work) => ({ name, sends, run: (where) => [work, where] });

/** Runs in the page. @param {Fetching & Where} what */
async function fetching({ api, method, path, mode, type, more, headers = {} }) {
  const text = '{"title":"by a stranger"}';
  /** @type {Record<string, () => BodyInit | undefined>} */
  const bodies = {
    nothing: () => undefined,
    multipart: () => {
      const form = new FormData();
      form.set("title", "by a stranger");
      form.set("document", new Blob([text], { type: "application/json" }));
      return form;
    },
    "a blob of JSON": () => new Blob([text], { type: "application/json" }),
  };
  const isNamed = type !== undefined && !(type in bodies);
  const body = type === undefined ? undefined : isNamed ? text : bodies[type]?.();
  const response = await fetch(api + path, {
    method,
    ...(mode && { mode }),
    ...(body !== undefined && { body }),
    headers: { ...headers, ...(isNamed && { "Content-Type": type }) },
    ...more,
  });
  return [await response.text(), ...response.headers.values()];
}

/** @param {string} name @param {string} sends @param {Fetching} what @returns {Attempt} */
function fetched(name, sends, what) {
  return { name: `fetch ${name}`, sends, run: (where) => [fetching, { ...where, ...what }] };
}

const simple = ["text/plain", "application/x-www-form-urlencoded", "multipart", "nothing"];
const others = ["application/json", "application/merge-patch+json", "application/json-patch+json"];
/** @param {string} method */
const pathOf = (method) => (method === "POST" ? "/api/notes" : "/api/notes/plan");

/** @type {Attempt[]} */
const fetches = [
  ...["GET", "HEAD"].flatMap((method) => [
    fetched(`${method} cors`, method, { method, path: "/api/notes/plan" }),
    fetched(`${method} no-cors`, method, { method, path: "/api/notes/plan", mode: "no-cors" }),
    fetched(`${method} with credentials`, method, { method, path: "/api/notes", more: { credentials: "include" } }),
    fetched(`${method} same-origin`, "", { method, path: "/api/notes/plan", mode: "same-origin" }),
  ]),
  fetched("OPTIONS cors", "OPTIONS", { method: "OPTIONS", path: "/api/notes/plan" }),
  ...["POST", "PUT", "PATCH", "DELETE"].flatMap((method) =>
    [...simple, ...others].map((type) => {
      // The browser asks first, and learns that it may not.
      const isSimple = method === "POST" && simple.includes(type);
      /** @type {Record<string, string>} */
      const headers = method === "POST" ? {} : { "If-Match": "*" };
      return fetched(`${method} cors ${type}`, isSimple ? "POST" : "OPTIONS", { method, path: pathOf(method), type, headers });
    }),
  ),
  ...[...simple, "a blob of JSON", ...others].map((type) => fetched(`POST no-cors ${type}`, "POST", { method: "POST", path: "/api/notes", mode: "no-cors", type })),
  ...["PUT", "PATCH", "DELETE"].map((method) => fetched(`${method} no-cors`, "", { method, path: "/api/notes/plan", mode: "no-cors", type: "text/plain" })),
  fetched("POST same-origin", "", { method: "POST", path: "/api/notes", mode: "same-origin", type: "text/plain" }),
  ...["cors", "no-cors"].flatMap((mode) => [
    fetched(`POST ${mode} with credentials`, "POST", { method: "POST", path: "/api/notes", mode: /** @type {RequestMode} */ (mode), type: "text/plain", more: { credentials: "include" } }),
    fetched(`POST ${mode} keepalive`, "POST", { method: "POST", path: "/api/notes", mode: /** @type {RequestMode} */ (mode), type: "text/plain", more: { keepalive: true } }),
    fetched(`POST ${mode} without a referrer`, "POST", { method: "POST", path: "/api/notes", mode: /** @type {RequestMode} */ (mode), type: "text/plain", more: { referrerPolicy: "no-referrer" } }),
  ]),
  fetched("DELETE keepalive", "OPTIONS", { method: "DELETE", path: "/api/notes/plan", headers: { "If-Match": "*" }, more: { keepalive: true, credentials: "include" } }),
  ...["/api/notes/plan/lock", "/api/notes/plan/merge", "/api/_batch", "/api/_conflicts/dismiss", "/spaces/other/api/notes"].map((path) =>
    fetched(`POST no-cors to ${path}`, "POST", { method: "POST", path, mode: "no-cors", type: path.endsWith("lock") ? "nothing" : "text/plain" }),
  ),
];

/** Runs in the page. @param {Where & { enctype: string, target: string, to: string, policy?: ReferrerPolicy }} what */
async function form({ enctype, target, to, policy }) {
  const frame = document.createElement("iframe");
  frame.name = `frame-${Math.random()}`;
  if (policy) document.head.append(Object.assign(document.createElement("meta"), { name: "referrer", content: policy }));
  const form = Object.assign(document.createElement("form"), { method: "POST", enctype, action: to, target: target || frame.name });
  // As text/plain this is the JSON {"title":"="}.
  form.append(Object.assign(document.createElement("input"), { name: '{"title":"', value: '"}' }));
  document.body.append(frame, form);
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  form.submit();
  await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 300))]);
  let text = "";
  try {
    text = frame.contentDocument?.body.textContent ?? "";
  } catch {
    // Of another origin.
  }
  frame.remove();
  form.remove();
  return [text];
}

/** @type {Attempt[]} */
const forms = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"].flatMap((enctype) =>
  ["", "_blank"].map((target) => ({
    name: `form ${enctype} ${target || "into a frame"}`,
    sends: "POST",
    run: (where) => [form, { enctype, target, to: `${where.api}/api/notes` }],
  })),
);

/** @type {Attempt[]} */
const redirects = ["307", "308"].flatMap((status) => [
  {
    name: `form by ${status}`,
    sends: "POST",
    run: ({ api, stranger }) => [form, { enctype: "text/plain", target: "", to: `${stranger}/away/${status}?to=${encodeURIComponent(`${api}/api/notes`)}` }],
  },
  ...["cors", "no-cors"].map((mode) => ({
    name: `fetch ${mode} by ${status}`,
    sends: "POST",
    run: (/** @type {Where} */ { api, stranger }) => /** @type {[Function, unknown]} */ ([
      fetching,
      { api: stranger, path: `/away/${status}?to=${encodeURIComponent(`${api}/api/notes`)}`, method: "POST", mode, type: "text/plain" },
    ]),
  })),
]);

/** @type {Attempt[]} */
const reads = [
  "/api/notes/plan?_method=DELETE",
  "/api/notes/plan/lock?break=true",
  "/api/notes/plan/merge?dry_run=false",
  "/api/_batch",
  "/api/_conflicts/dismiss",
  "/spaces/other/api/notes/plan",
  "/c/notes/plan?new",
].flatMap((path) =>
  ["img", "script", "link", "iframe", "object"].map((tag) => ({
    name: `<${tag}> of ${path}`,
    // A document of another origin that must not be in a frame is asked for all the same.
    sends: "GET",
    run: (/** @type {Where} */ { api }) => /** @type {[Function, unknown]} */ ([element, { tag, url: api + path }]),
  })),
);

/** Runs in the page. @param {{ tag: string, url: string }} what */
async function element({ tag, url }) {
  const address = tag === "link" ? { href: url, rel: "stylesheet" } : tag === "object" ? { data: url } : { src: url };
  const made = document.createElement(tag);
  const names = () => Object.keys(window).filter((name) => !/^\d+$/.test(name)).join();
  const [before, text] = [names(), document.body.innerText];
  const over = new Promise((resolve) => {
    for (const end of ["load", "error"]) made.addEventListener(end, resolve, { once: true });
    setTimeout(resolve, 1_000);
  });
  Object.assign(made, address);
  document.body.append(made);
  await over;
  const read = document.body.innerText === text ? [] : [document.body.innerText];
  if (names() !== before) read.push("a script of the server ran");
  made.remove();
  return read;
}

/** @type {Attempt[]} */
const ways = [
  attempt("sendBeacon of text", "POST", async ({ api }) => [String(navigator.sendBeacon(`${api}/api/notes`, '{"title":"beacon"}') && "")]),
  attempt("sendBeacon of a form", "POST", async ({ api }) => {
    navigator.sendBeacon(`${api}/api/notes`, new URLSearchParams({ title: "beacon" }));
    return [];
  }),
  attempt("sendBeacon of JSON", "OPTIONS", async ({ api }) => {
    navigator.sendBeacon(`${api}/api/notes`, new Blob(['{"title":"beacon"}'], { type: "application/json" }));
    return [];
  }),
  attempt("XMLHttpRequest POST", "POST", ({ api }) => {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${api}/api/notes`);
      request.withCredentials = true;
      request.onloadend = () => resolve([request.responseText, request.getAllResponseHeaders()]);
      request.send('{"title":"xhr"}');
    });
  }),
  attempt("XMLHttpRequest PUT", "OPTIONS", ({ api }) => {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", `${api}/api/notes/plan`);
      request.setRequestHeader("Content-Type", "application/json");
      request.setRequestHeader("If-Match", "*");
      request.onloadend = () => resolve([request.responseText, request.getAllResponseHeaders()]);
      request.send('{"title":"xhr"}');
    });
  }),
  attempt("EventSource", "GET", ({ api }) => {
    return new Promise((resolve) => {
      const source = new EventSource(`${api}/api/_changes?since=0`);
      const end = (/** @type {string} */ text) => (source.close(), resolve([text]));
      source.onerror = () => end("");
      source.onopen = () => end("the feed opened");
    });
  }),
  attempt("WebSocket", "GET", ({ api }) => {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${api.replace("http", "ws")}/api/_changes?since=0`);
      socket.onopen = () => (socket.send('{"title":"socket"}'), resolve(["the socket opened"]));
      socket.onerror = () => resolve([]);
    });
  }),
  attempt("a window of the server's page", "GET", async ({ api }) => {
    const opened = window.open(`${api}/c/notes/plan`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    try {
      return [opened?.document.body.innerText ?? ""];
    } catch {
      return []; // of another origin
    }
  }),
  attempt("fetch POST to an entry of the conflict log", "POST", async ({ api, entry }) => {
    const response = await fetch(`${api}${entry}/resolve`, { method: "POST", mode: "no-cors", body: '{"dismiss":true}' });
    return [await response.text()];
  }),
  attempt("a form without a referrer", "POST", async ({ api }) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: `${api}/api/notes`, enctype: "text/plain", target: "nobody", rel: "noreferrer" });
    form.append(Object.assign(document.createElement("input"), { name: '{"title":"', value: '"}' }));
    document.body.append(form);
    form.submit();
    form.remove();
    return [];
  }),
];

export const attempts = [...fetches, ...forms, ...redirects, ...reads, ...ways];

/** Those that are tried in documents which have the origin of another, or none. */
export const fewAttempts = attempts.filter(({ name }) => /^(fetch (POST (no-)?cors text|PUT cors application\/json|GET cors|no-cors by 307)|form .* frame|sendBeacon of text|XML)/.test(name));
