"""How two answers of free text to one question relate: whether they exclude each other, and where.

Pure and offline. A text is read into words and quantities (``readings``, ``quantities``); two
texts are aligned (``alignment``); what differs becomes features (``features``), and a small model
fitted on labelled pairs weighs them (``relation``).
"""
