// What a heading means: at a click, a tap or Enter; hovering shows the title.
const why = document.getElementById("why");
for (const button of document.querySelectorAll(".why")) {
  for (const event of ["click", "keydown", "keypress", "keyup", "mousedown"]) button.addEventListener(event, (one) => one.stopPropagation());
  button.addEventListener("click", () => {
    const head = button.closest("th"), box = button.getBoundingClientRect();
    const [name, ...text] = head.title.split(": ");
    why.firstElementChild.textContent = name;
    why.lastElementChild.textContent = text.join(": ");
    why.showPopover();
    why.style.left = `${Math.max(8, Math.min(box.left, innerWidth - why.offsetWidth - 8))}px`;
    why.style.top = `${Math.min(box.bottom + 6, innerHeight - why.offsetHeight - 8)}px`;
  });
}

// A link to a model opens its section.
const open = () => document.querySelector(location.hash.startsWith("#model-") ? location.hash : null)?.setAttribute("open", "");
addEventListener("hashchange", open);
open();
