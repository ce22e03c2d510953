"""The spending ledger of a home: what every attempt at a priced service cost, or may cost."""
