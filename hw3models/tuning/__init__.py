"""Search for a recipe with an equal budget: N trials for each network, judged on validation examples only.

`space.py`: which fields of a recipe are searched, and between what. `splits.py`: what a trial is judged on; the test
split is no part of it. `trial.py`: one recipe, trained and judged. `pruning.py`: what a trial must reach to go on.
`sampling.py`: the next recipe, by Optuna. `search.py`: the trials of one search, in files that outlive a process.
`choice.py`: the best of them, and what is said of it.
"""
