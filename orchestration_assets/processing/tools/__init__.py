"""Services that call tools before they answer: the loop, its bounds, and what it leaves behind."""
