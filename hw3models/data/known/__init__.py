"""Data sets by name: what is downloaded, what ships with a library, and what is drawn."""
