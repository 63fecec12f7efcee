"""Readers of files: arrays, tables and archive files to raw data."""
