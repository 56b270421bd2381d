"""Doors: one module per process or adapter, their settings and the command line."""
