"""Variational autoencoder over any `Schema`. Uses torch and numpy only: it knows no chemistry."""
