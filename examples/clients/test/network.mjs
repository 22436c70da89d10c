/** A `fetch` that can be unplugged, and that loses answers: the server performed the request, and nobody learns so. */
export class Network {
  /** What share of the answers is lost; `random` gives numbers from 0 to 1. */
  constructor({ lost = 0, random = Math.random } = {}) {
    this.lost = lost;
    this.random = random;
    this.requests = [];
    this.online();
  }

  online() {
    this.plug = new AbortController();
  }

  offline() {
    this.plug.abort(new TypeError('no network'));
  }

  fetch = async (address, init = {}) => {
    const { signal } = this.plug;
    signal.throwIfAborted();
    const isLost = this.random() < this.lost;
    const response = await fetch(address, { ...init, signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal });
    this.requests.push({ method: init.method ?? 'GET', address: String(address), status: response.status });
    if (!isLost || isStream(response)) return response;
    await response.text();
    throw new TypeError('the answer was lost');
  };
}

function isStream(response) {
  return response.headers.get('content-type')?.startsWith('text/event-stream');
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
