"""What an evaluation needs before its numbers are believed: scoring, intervals, tables."""
