"""The report: tables, figures, claims and a page, from the records of runs alone. Imports no torch."""
