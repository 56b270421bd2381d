"""Speed, measured against what was aimed at: ``python -m bench`` prints a table.

Figures are compared within one run, on one machine, side by side; nothing of this is a test.
"""
