"""Runs a Python call and writes down what it did."""
