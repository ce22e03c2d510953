"""Services that were taught by another one: its answers, a model of them, what it promises."""
