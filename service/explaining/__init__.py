"""`GET /evaluations/{evaluation_id}/explain`: an evaluation's values and what is behind them."""
