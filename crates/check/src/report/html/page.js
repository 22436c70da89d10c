"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // What needs this script is hidden without it.
  all(".filters, .copy").forEach((it) => (it.hidden = false));

  // Filters: findings of a severity, shown or not.
  const filters = all("[data-filter]");
  filters.forEach((button) =>
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(isOn));
      all(".finding").forEach((finding) => {
        if (finding.dataset.severity === button.dataset.filter) finding.hidden = !isOn;
      });
    }),
  );

  // Opens all that a target is inside of; browsers that do so by themselves lose nothing.
  const reveal = (target) => {
    for (let it = target; it; it = it.parentElement) {
      if (it.tagName === "DETAILS") it.open = true;
      if (it.classList.contains("finding")) it.hidden = false;
    }
  };
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    reveal(target);
    const line = target.classList.contains("dossier") ? target.closest("details") : target;
    line.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", follow);
  if (location.hash) follow();

  // A bar that is chosen is read beside its drawing, and the arrow keys go on from there.
  const reader = document.getElementById("reader");
  let chosen = null;
  const close = () => {
    if (!chosen) return;
    reader.hidden = true;
    reader.replaceChildren();
    document.body.style.paddingBottom = "";
    chosen.classList.remove("chosen");
    chosen.focus();
    chosen = null;
  };
  const button = (text, label, act) => {
    const it = document.createElement("button");
    it.type = "button";
    it.textContent = text;
    it.setAttribute("aria-label", label);
    it.addEventListener("click", act);
    return it;
  };
  const choose = (bar) => {
    const details = document.getElementById(bar.getAttribute("href").slice(1)).closest("details");
    chosen?.classList.remove("chosen");
    chosen = bar;
    bar.classList.add("chosen");
    const copy = details.cloneNode(true);
    copy.open = true;
    all("[id]", copy).forEach((it) => it.removeAttribute("id"));
    copy.querySelector("summary").addEventListener("click", (event) => event.preventDefault());
    copy.querySelector("summary").tabIndex = -1;
    const head = document.createElement("div");
    head.className = "bar-of-reader";
    const hint = document.createElement("span");
    hint.textContent = "Arrow keys: the one before, the one after. Escape: close.";
    const buttons = document.createElement("div");
    buttons.append(
      button("←", "The one before", () => step(-1)),
      button("→", "The one after", () => step(1)),
      button("Close", "Close", close),
    );
    head.append(hint, buttons);
    reader.replaceChildren(head, copy);
    reader.hidden = false;
    reader.scrollTop = 0;
    document.body.style.paddingBottom = reader.offsetHeight + "px";
    const below = bar.getBoundingClientRect().bottom - (innerHeight - reader.offsetHeight) + 24;
    if (below > 0) scrollBy({ top: below });
  };
  const step = (by, from = chosen) => {
    const bars = all("a.bar", from.closest("svg"));
    const next = bars[bars.indexOf(from) + by];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (chosen) choose(next);
  };
  document.addEventListener("click", (event) => {
    const bar = event.target.closest("a.bar");
    if (bar && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      choose(bar);
    }
    const copy = event.target.closest(".copy");
    if (copy) {
      const code = copy.previousElementSibling;
      const done = () => {
        copy.textContent = "Copied";
        setTimeout(() => (copy.textContent = "Copy"), 1500);
      };
      const select = () => getSelection().selectAllChildren(code);
      navigator.clipboard ? navigator.clipboard.writeText(code.textContent).then(done, select) : select();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") return close();
    const bar = event.target.closest("a.bar") ?? (reader.contains(event.target) ? chosen : null);
    if (!bar) return;
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      step(by, bar);
    }
  });

  // The names of the clients stay in sight while a drawing is moved.
  all(".scroll").forEach((box) => {
    const names = box.querySelector(".names");
    if (!names) return;
    const svg = names.ownerSVGElement;
    box.addEventListener("scroll", () => {
      const scale = svg.viewBox.baseVal.width / svg.clientWidth;
      names.setAttribute("transform", `translate(${box.scrollLeft * scale} 0)`);
    });
  });

  // On paper, what shows a finding is open.
  addEventListener("beforeprint", () => {
    close();
    all(".finding details").forEach((it) => {
      it.dataset.was = it.open;
      it.open = true;
    });
  });
  addEventListener("afterprint", () => {
    all(".finding details").forEach((it) => (it.open = it.dataset.was === "true"));
  });
})();
