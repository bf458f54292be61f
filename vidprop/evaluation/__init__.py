"""How well an edit is brought back where it is known: metrics, baselines, tables, sheets."""
