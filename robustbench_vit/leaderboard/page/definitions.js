// What a heading or a mark means: at a click, a tap or Enter; hovering shows the title.
const why = document.getElementById("why");
const explain = (element, title, text) => {
  const box = element.getBoundingClientRect();
  why.firstElementChild.textContent = title;
  why.lastElementChild.textContent = text;
  why.showPopover();
  why.style.left = `${Math.max(8, Math.min(box.left, innerWidth - why.offsetWidth - 8))}px`;
  why.style.top = `${Math.min(box.bottom + 6, innerHeight - why.offsetHeight - 8)}px`;
};
// Columns that nobody has picked yet are not in the document.
for (const button of heads.flatMap((head) => [...head.querySelectorAll(".why")])) {
  for (const event of ["click", "keydown", "keypress", "keyup", "mousedown"]) {
    button.addEventListener(event, (one) => one.stopPropagation());
  }
  button.addEventListener("click", () => {
    const [name, ...text] = button.closest("th").title.split(": ");
    explain(button, name, text.join(": "));
  });
}
board?.tBodies[0].addEventListener("click", ({ target }) => {
  const told = target.closest("a, [title]");
  if (told?.title && told.tagName !== "A") explain(told, "", told.title);
});

// A link to a model opens its section.
const open = () => {
  if (location.hash.startsWith("#model-")) document.querySelector(location.hash)?.setAttribute("open", "");
};
addEventListener("hashchange", open);
open();
