"""Rules that an evaluation must pass before its numbers are believed, one small function each.

E01 to E32 are numbered as in the table of README's section on evaluation; E33 is ours. A function returns
`mvm.audit.checks.verdict.Check`: pass, warn or fail, with the numbers it used.
"""
