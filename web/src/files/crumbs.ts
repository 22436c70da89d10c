import { href, stepsOf } from "../place";

/** The way to a file or a folder. */
export function crumbsOf(path: string) {
  const steps = path === "" ? [] : ["", ...stepsOf(path)].slice(0, -1);
  return [
    { href: href({ at: "home" }), text: "Collections" },
    ...steps.map((text, index) => ({
      href: href({ at: "files", path: steps.slice(0, index + 1).join("/") }),
      text: text || "Files",
    })),
  ];
}
