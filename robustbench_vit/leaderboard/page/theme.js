// Theme: as the system has it until somebody chooses; remembered where the browser lets a file remember.
const memory = (value) => {
  try { return value ? localStorage.setItem("theme", value) : localStorage.getItem("theme"); } catch { return null; }
};
const system = matchMedia("(prefers-color-scheme: dark)");
const paint = () => {
  const theme = document.querySelector(".theme input:checked").value;
  document.documentElement.dataset.theme = theme;
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme === "auto" && system.matches));
};
for (const input of document.querySelectorAll(".theme input")) {
  if (input.value === memory()) input.checked = true;
  input.addEventListener("change", () => { memory(input.value); paint(); });
}
document.querySelector(".theme").hidden = false;
system.addEventListener("change", paint);
paint();

// What a link leads to must not hide behind the legend, however many lines that has.
const sticky = document.querySelector(".legend");
if (sticky) {
  const padding = () => { document.documentElement.style.scrollPaddingTop = `${sticky.offsetHeight + 16}px`; };
  new ResizeObserver(padding).observe(sticky);
}
