"""How results are drawn: tables, sheets, JSON, notebooks."""
