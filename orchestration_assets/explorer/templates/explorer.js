// Keys of the keyboard: an element with data-key is clicked, or focused when it takes text.
"use strict";
(() => {
  const takesText = (one) => one && (one.tagName === "TEXTAREA" || one.tagName === "SELECT" || (one.tagName === "INPUT" && !["checkbox", "radio", "submit"].includes(one.type)));
  const rows = () => [...document.querySelectorAll("[data-row]")];
  let sent = false;

  const move = (step) => {
    const all = rows();
    if (!all.length) return false;
    const place = all.findIndex((row) => row.contains(document.activeElement));
    const row = all[Math.max(0, Math.min(all.length - 1, place + step))];
    const link = row.querySelector("a");
    if (link) link.focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = document.activeElement;
    if (takesText(at)) {
      if (event.key === "Escape") at.blur();
      if (event.key === "Enter" && !event.shiftKey && at.dataset.enter) {
        event.preventDefault();
        const button = at.form.querySelector(`[data-name="${at.dataset.enter}"]`);
        if (button) button.click();
      }
      return;
    }
    const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (wanted) {
      event.preventDefault();
      if (event.repeat || sent) return;
      if (takesText(wanted)) { wanted.focus(); if (wanted.select) wanted.select(); } else wanted.click();
      return;
    }
    if ((event.key === "j" && move(1)) || (event.key === "k" && move(-1))) event.preventDefault();
  });

  // a form is sent once, however often a key is pressed
  document.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    if (event.target.method === "post") sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });

  for (const form of document.querySelectorAll("form[data-submits]")) {
    form.addEventListener("change", (event) => {
      if (event.target.tagName === "SELECT" || event.target.type === "checkbox") form.requestSubmit();
    });
    form.addEventListener("submit", () => {
      for (const one of form.elements) if (one.name && !one.value) one.disabled = true;
    });
  }
})();
