"""Gates: rules that a run must keep to, judged by intervals. No torch."""
