def family_figures(training, evaluation, data):
    return {}
