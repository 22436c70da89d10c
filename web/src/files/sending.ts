/** `fetch` for uploads: it tells how much has gone, which that of browsers does not. */
import { asSession } from "../session/session";

export function sendingWith(onSent: (bytes: number) => void): typeof fetch {
  return asSession((input, init = {}) => {
    const { method = "PUT", headers, body, signal } = init;
    return new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      sending.open(method, String(input));
      new Headers(headers).forEach((value, name) => sending.setRequestHeader(name, value));
      sending.upload.onprogress = ({ loaded }) => onSent(loaded);
      sending.onload = () => resolve(answerOf(sending));
      sending.onerror = () => reject(new TypeError("no answer came"));
      sending.onabort = () => reject(signal?.reason);
      signal?.addEventListener("abort", () => sending.abort());
      sending.send(body as XMLHttpRequestBodyInit);
    });
  });
}

function answerOf(sent: XMLHttpRequest): Response {
  const fields = sent.getAllResponseHeaders().trim().split(/\r?\n/);
  const headers = new Headers(fields.map((field): [string, string] => [field.split(":", 1)[0] ?? "", field.replace(/^[^:]*: ?/, "")]));
  return new Response(sent.status === 204 ? null : sent.responseText, { status: sent.status, headers });
}
