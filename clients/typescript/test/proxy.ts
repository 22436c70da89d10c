/** A wire between a client and a server, which breaks as a test wants it. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after } from "node:test";

type Fault =
  /** The connection breaks when so many bytes of the direction have gone through. */
  | { readonly kind: "cut"; readonly direction: "request" | "answer"; readonly after: number }
  /** The next request never reaches the server, and this comes instead. */
  | { readonly kind: "refuse"; readonly answer: string }
  /** The server performs the next request, and this comes instead of what it says. */
  | { readonly kind: "replace"; readonly answer: string };

export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #faults: Fault[] = [];
  /** Bytes of each direction since the fault in front began to wait. */
  #passed = { request: 0, answer: 0 };
  /** `down`: no connection is taken; `mute`: the server's answers do not arrive. */
  state: "up" | "down" | "mute" = "up";
  /** What went through in each direction since `measure`. */
  seen = { request: "", answer: "" };
  /** How many connections were taken. */
  connections = 0;

  private constructor(private readonly target: () => number) {
    this.#server = createServer((socket) => this.#take(socket));
  }

  static async before(target: () => number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    after(() => proxy.close());
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Makes something go wrong, once each, in this order. */
  next(...faults: Fault[]): void {
    this.#faults.push(...faults);
    this.#passed = { request: 0, answer: 0 };
  }

  /** Whether all that should go wrong did. */
  get isSpent(): boolean {
    return this.#faults.length === 0;
  }

  clear(): void {
    this.#faults.length = 0;
  }

  measure(): void {
    this.seen = { request: "", answer: "" };
  }

  /** Breaks all connections. */
  sever(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.sever();
    this.#server.close();
  }

  #take(near: Socket): void {
    if (this.state === "down") return void near.destroy();
    this.connections++;
    const far = connect(this.target(), "127.0.0.1");
    const end = () => {
      near.destroy();
      far.destroy();
      this.#sockets.delete(near);
    };
    this.#sockets.add(near);
    let isOver = false;
    const over = (answer: string) => {
      isOver = true;
      near.end(answer);
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => isOver || end());
    }
    near.on("data", (chunk: Buffer) => {
      if (isOver) return;
      const [fault] = this.#faults;
      if (fault?.kind === "refuse") return over(this.#strike(fault.answer));
      this.#pass(chunk, "request", far, end);
    });
    far.on("data", (chunk: Buffer) => {
      if (isOver || this.state === "mute") return;
      const [fault] = this.#faults;
      if (fault?.kind === "replace") return over(this.#strike(fault.answer));
      this.#pass(chunk, "answer", near, end);
    });
  }

  #strike(answer: string): string {
    this.#faults.shift();
    this.#passed = { request: 0, answer: 0 };
    return answer;
  }

  #pass(chunk: Buffer, direction: "request" | "answer", to: Socket, end: () => void): void {
    const [fault] = this.#faults;
    if (fault?.kind === "cut" && fault.direction === direction) {
      const left = fault.after - this.#passed[direction];
      if (chunk.length >= left) {
        this.#strike("");
        const rest = chunk.subarray(0, left);
        if (rest.length === 0) return end();
        return void to.write(rest, () => end());
      }
    }
    this.#passed[direction] += chunk.length;
    this.seen[direction] += chunk.toString("latin1");
    to.write(chunk);
  }
}

/** An answer without explanation, as a proxy of somebody else gives it. */
export function bare(status: number, ...fields: string[]): string {
  const lines = [`HTTP/1.1 ${status} X`, "content-length: 2", "connection: close", ...fields];
  return `${lines.join("\r\n")}\r\n\r\nno`;
}
