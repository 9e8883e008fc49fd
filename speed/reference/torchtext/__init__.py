"""Stands in for torchtext, which no longer loads: the three names that genomic-benchmarks imports."""
