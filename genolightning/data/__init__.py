"""Serving a benchmark as whole batches of base codes."""
