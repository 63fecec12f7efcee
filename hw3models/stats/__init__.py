"""Intervals and power: arrays in, numbers out."""
