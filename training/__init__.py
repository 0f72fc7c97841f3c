"""How a model is made: data, splits, fit, calibration, export, evaluation. Nothing in `core` imports this."""
