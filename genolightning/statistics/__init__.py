"""From predictions to scores, intervals and tests, in float64: numpy and scipy only."""
