"""Reporting floor: figures computed from a batch's tables, and the pages that show them."""
