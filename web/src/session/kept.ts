/** Small things that the browser keeps for us. A browser that keeps nothing must not break the page. */
import { baseUrl } from "../place";

// Two servers behind one host, under two paths, do not share names and tokens.
const prefix = `detente ${new URL(baseUrl).pathname} `;

export interface Kept {
  read(name: string): string | undefined;
  /** Returns whether it is kept now. */
  write(name: string, value: string | undefined): boolean;
  /** All names that are kept and begin with this. */
  names(beginning: string): string[];
}

function kept(open: () => Storage): Kept {
  return {
    read: (name) => attempt(() => open().getItem(prefix + name) ?? undefined),
    write: (name, value) =>
      attempt(() => {
        if (value === undefined) open().removeItem(prefix + name);
        else open().setItem(prefix + name, value);
        return true;
      }) ?? false,
    names: (beginning) =>
      attempt(() =>
        Object.keys(open())
          .filter((key) => key.startsWith(prefix + beginning))
          .map((key) => key.slice(prefix.length)),
      ) ?? [],
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // storage is full or forbidden
  }
}

/** Kept after the window is closed. */
export const keptHere = kept(() => localStorage);
/** Kept as long as this tab is open. */
export const keptInTab = kept(() => sessionStorage);
