"""Layers and losses, and how S replicates of them become one program. Knows nothing else of this project."""
