// Show the failures of the chosen model, curve and class; a curve without any of them goes, too.
const chosen = () => Object.fromEntries([...document.querySelectorAll("[data-filter]")].map((one) => [one.dataset.filter, one.value]));
const fits = (wanted, value) => !wanted || wanted === value;

function filter() {
  const wanted = chosen();
  let shown = 0;
  for (const course of document.querySelectorAll(".course")) {
    const mine = fits(wanted.model, course.dataset.model) && fits(wanted.curve, course.dataset.curve);
    let left = 0;
    for (const failure of course.querySelectorAll("li")) {
      failure.hidden = !fits(wanted.class, failure.dataset.class);
      left += !failure.hidden;
    }
    course.hidden = !mine || !left;
    shown += course.hidden ? 0 : left;
  }
  document.querySelector(".filters output").textContent = `${shown} shown`;
}

for (const chooser of document.querySelectorAll("[data-filter]")) chooser.addEventListener("change", filter);
if (document.querySelector(".filters")) filter();
