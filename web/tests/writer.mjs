/** Somebody who writes without the page: what other people and programs do while a test looks at it. */
import assert from "node:assert/strict";

/**
 * @param {string} url The server's.
 * @param {string} actor
 */
export function writer(url, actor) {
  const headers = { "Content-Type": "application/json", "X-Actor": utf8(actor) };

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {Record<string, string>} [more]
   */
  const send = (method, path, body, more = {}) =>
    fetch(url + path, {
      method,
      headers: { ...headers, ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  /** The tag of what is stored. @param {string} path */
  const tagOf = async (path) => (await send("GET", path)).headers.get("etag") ?? "";

  return {
    send,
    tagOf,

    /** Stores `value` as the next version, whatever is there. @param {string} path @param {object} value */
    async put(path, value) {
      const tag = await tagOf(path);
      const answer = await send("PUT", path, value, tag ? { "If-Match": tag } : {});
      assert.ok(answer.ok, `PUT ${path}: ${answer.status} ${await answer.clone().text()}`);
      return answer.headers.get("etag") ?? "";
    },

    /** Stores a file as its next version, whatever is there. @param {string} path @param {string | Uint8Array} content @param {string} type */
    async file(path, content, type = "text/plain") {
      const tag = (await fetch(url + path, { method: "HEAD" })).headers.get("etag");
      const condition = tag ? { "If-Match": tag } : { "If-None-Match": "*" };
      const answer = await fetch(url + path, { method: "PUT", headers: { ...headers, ...condition, "Content-Type": type }, body: content });
      assert.ok(answer.ok, `PUT ${path}: ${answer.status} ${await answer.clone().text()}`);
    },

    /** Sends an edit that came too late, and answers the path of its entry in the conflict log.
     * @param {string} path @param {object} value @param {string} tag */
    async putLate(path, value, tag) {
      const answer = await send("PUT", path, value, { "If-Match": tag });
      assert.equal(answer.status, 409, `PUT ${path} should be refused`);
      const { logged } = /** @type {{ logged: string }} */ (await answer.json());
      return logged;
    },

    /** @param {string} path */
    async read(path) {
      const answer = await send("GET", path);
      assert.ok(answer.ok, `GET ${path}: ${answer.status}`);
      return /** @type {Record<string, unknown>} */ (await answer.json());
    },

    /** Stores many documents, a thousand at a time. @param {{ path: string, data: object }[]} documents */
    async fill(documents) {
      for (let at = 0; at < documents.length; at += 1000) {
        const operations = documents.slice(at, at + 1000).map(({ path, data }) => ({ method: "PUT", path, body: data }));
        const answer = await send("POST", "/api/_batch", { operations });
        assert.ok(answer.ok, `batch: ${answer.status} ${await answer.clone().text()}`);
      }
    },
  };
}

/** Header fields are bytes: the server reads UTF-8, `fetch` writes Latin-1. */
function utf8(/** @type {string} */ text) {
  return Buffer.from(text).toString("latin1");
}
