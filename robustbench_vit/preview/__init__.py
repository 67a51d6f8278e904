"""Looking at images: a suite's cases before any model is run, and what a store's models got wrong first."""
