import type { Choices } from "detente-client";

/** What a resolution is made of. */
export interface Resolution {
  /** The entry's address, with the host. */
  readonly url: string;
  readonly choices: Choices;
  /** The version that was decided on. */
  readonly current: string | number | undefined;
}

/** A line for a POSIX shell that resolves an entry. A token is left out: it is taken from `$TOKEN`. */
export function curlOf({ url, choices, current }: Resolution, who: { hasToken: boolean; actor: string | undefined }): string {
  const decided = Object.keys(choices).length > 0;
  const body = decided ? { choices, ...(current !== undefined && { current }) } : {};
  const sender = who.hasToken ? ['-H "Authorization: Bearer $TOKEN"'] : who.actor ? [`-H ${quoted(`X-Actor: ${who.actor}`)}`] : [];
  const parts = [
    `curl -X POST ${quoted(`${url}/resolve`)}`,
    ...sender,
    "-H 'Content-Type: application/json'",
    `--data-raw ${quoted(JSON.stringify(body))}`,
  ];
  return parts.join(" ");
}

/** A word of a shell that stands for nothing but `text`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
