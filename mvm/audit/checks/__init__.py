"""Rules that an evaluation must pass before its numbers are believed, one small function each.

A function returns `mvm.audit.checks.verdict.Check`: pass, warn or fail, with the numbers it used. A fail
strikes the cell, which is then shown as a bound with the rule's id; a warning is a badge. docs/checks.md lists
the rules with their verdicts, files and thresholds.
"""
