"""Making data sets of perturbed images, to be kept, published and evaluated by anyone."""
