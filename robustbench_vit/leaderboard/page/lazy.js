// Nothing is drawn before it is near the screen.
const draw = (host) => {
  watcher.unobserve(host);
  const content = contents.get(host);
  if (host.dataset.chart) return drawChart(host, content);
  drawTable(host, content);
  drawn.add(() => drawTable(host, content));
};
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) draw(target);
  }
}, { rootMargin: "400px" });
for (const host of contents.keys()) watcher.observe(host);
addEventListener("beforeprint", () => {
  for (const host of document.querySelectorAll(".lazy:empty")) if (!host.closest("details:not([open])")) draw(host);
});
