"""The replicate engine: S seeds of a network trained as one program, kept and asked."""
