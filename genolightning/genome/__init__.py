"""Coordinates and base codes: numpy only, no torch."""
