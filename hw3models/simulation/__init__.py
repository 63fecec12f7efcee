"""Operating characteristics of the verdict, on simulated tables and on trained networks."""
