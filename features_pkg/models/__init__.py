"""Trained models: the gate they pass before they score, and the ones that ship."""
