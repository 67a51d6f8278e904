// While a picture is pressed, it shows the image as it was.
for (const picture of document.querySelectorAll("img[data-original]")) {
  const [room, index] = picture.dataset.original.split(" ");
  const original = document.querySelectorAll(`[data-originals="${room}"] img`)[index];
  const own = picture.src;
  picture.draggable = false;
  picture.addEventListener("pointerdown", () => { picture.src = original.src; });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) picture.addEventListener(end, () => { picture.src = own; });
}
