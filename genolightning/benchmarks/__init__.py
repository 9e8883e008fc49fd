"""What a benchmark is: rows, labels, splits, source, licence."""
