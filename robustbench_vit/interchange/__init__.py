"""Other people's tables in and out: timm, RobustBench, model-vs-human."""
